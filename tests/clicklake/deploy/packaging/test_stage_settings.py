"""A stage of any name: its settings file, and what it is like."""

import json
from pathlib import Path

import pytest

from clicklake.deploy import ingest
from clicklake.deploy.aws import Aws, DeployError
from clicklake.deploy.packaging import stage_settings
from clicklake.deploy.packaging.stage_settings import COMMITTED, settings_file


def test_a_committed_stage_has_the_committed_file() -> None:
    assert settings_file("dev", "dev") == COMMITTED


def test_a_new_stage_has_all_of_its_model_and_its_own_stream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage_settings, "GENERATED", tmp_path / "new" / "zappa_settings.json")
    written = json.loads(settings_file("alice", "production").read_text())
    committed = json.loads(COMMITTED.read_text())
    own = {
        "extends": "production",
        "aws_environment_variables": {
            "CLICK_STREAM": "clicklake-alice",
            "VISITOR_KEY_TABLE": "clicklake-visitor-key-alice",
        },
    }
    dashboard = {"extends": "dashboard_production", "aws_environment_variables": {"LAKE_STAGE": "alice"}}
    assert written == committed | {"alice": own, "dashboard_alice": dashboard}


@pytest.mark.parametrize(
    ("http", "rest", "wanted", "model"),
    [
        ("", "", None, "dev"),
        ("", "", "production", "production"),
        ("id", "", None, "production"),
        ("", "id", None, "dev"),
        ("", "id", "dev", "dev"),
    ],
)
def test_a_deployed_stage_stays_like_it_is(
    monkeypatch: pytest.MonkeyPatch, http: str, rest: str, wanted: str | None, model: str
) -> None:
    monkeypatch.setattr(ingest, "http_api", lambda aws, stage: http)
    monkeypatch.setattr(ingest, "rest_api", lambda aws, stage: rest)
    assert ingest.model_of(Aws({}), "alice", wanted) == model


def test_a_stage_cannot_change_its_api(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "http_api", lambda aws, stage: "id")
    with pytest.raises(DeployError, match="is like production"):
        ingest.model_of(Aws({}), "alice", "dev")
    with pytest.raises(DeployError, match="--like production: the stage dev is like dev"):
        ingest.model_of(Aws({}), "dev", "production")
