"""What a person may say of a deploy: `Name=Value`, a parameter of a template or a variable of the ingest app.

What is said once is kept, by the stack or by the function, until it is said otherwise.
"""

from dataclasses import dataclass
from pathlib import Path

from clicklake.cli.checkout import ROOT
from clicklake.deploy.aws_cli import DeployError
from clicklake.deploy.stacks import parameters_of

LAKE = ROOT / "cloudformation" / "lake.yaml"
SITE = ROOT / "cloudformation" / "site.yaml"
ALARMS = ROOT / "cloudformation" / "alarms.yaml"

# Parameters that the deploy itself knows or makes.
OURS = {"Stage", "Runtime", "ApiDomain", "EdgeSecret", "BucketName", "HttpApiId"}
OURS |= {"ShareAlarms", "SavedQueries"}

# Of ingest_app/settings.py: ITEM_ID_FIELD follows the lake's ItemIdField, CLICK_STREAM the stage, and the two
# secrets are made here, not said.
INGEST = (
    *("ALLOWED_ORIGINS", "GPC_MODE", "KEEP_QUERY", "REDACT_PATHS"),
    *("ALLOWED_HOSTS", "FOREIGN_HOSTS", "REQUIRE_EDGE"),
)


@dataclass(frozen=True)
class Settings:
    ingest: dict[str, str]
    templates: dict[Path, dict[str, str]]


def parse_settings(words: list[str]) -> Settings:
    """Raises DeployError for what is no setting, before anything is touched."""
    known = {template: parameters_of(template) - OURS for template in (LAKE, SITE, ALARMS)}
    every = {*INGEST, *(name for names in known.values() for name in names)}
    said: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or name not in every:
            raise DeployError(f"{word}: not Name=Value with one of these names: {', '.join(sorted(every))}")
        said[name] = value
    return Settings(
        ingest={name: said[name] for name in INGEST if name in said},
        templates={
            template: {name: value for name, value in said.items() if name in names}
            for template, names in known.items()
        },
    )
