"""Zappa's settings for a stage of any name. Zappa refuses a stage that its settings file does not name."""

import json
from pathlib import Path

from clicklake.cli.checkout import ROOT
from clicklake.deploy import names

COMMITTED = ROOT / "zappa_settings.json"
GENERATED = ROOT / "build" / "zappa_settings.json"
MODELS = ("dev", "production")  # with a REST API, and with an HTTP API


def settings_file(stage: str, model: str) -> Path:
    """Return a settings file that names the stage, written for it if the committed one does not.

    A new stage has everything of its model, a stream and a visitor key of its own, and a dashboard that
    `clicklake deploy --dashboard` deploys.
    """
    settings = json.loads(COMMITTED.read_text())
    if stage in settings:
        return COMMITTED
    variables = {"CLICK_STREAM": names.stream(stage), "VISITOR_KEY_TABLE": names.visitor_key_table(stage)}
    settings[stage] = {"extends": model, "aws_environment_variables": variables}
    settings[names.dashboard_stage(stage)] = {
        "extends": names.dashboard_stage(model),
        "aws_environment_variables": {"LAKE_STAGE": stage},
    }
    GENERATED.parent.mkdir(parents=True, exist_ok=True)
    GENERATED.write_text(json.dumps(settings, indent=2))
    return GENERATED
