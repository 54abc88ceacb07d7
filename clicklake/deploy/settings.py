"""Deployment options given as `Name=Value`: template parameters, or environment variables of the ingest app.

An option keeps its value until another is given: the stack or the function stores it.
"""

from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from clicklake.cli.checkout import ROOT
from clicklake.deploy.aws import Aws, DeployError
from clicklake.deploy.resources.stacks import parameters_of

LAKE = ROOT / "cloudformation" / "lake.yaml"
SITE = ROOT / "cloudformation" / "site.yaml"
ALARMS = ROOT / "cloudformation" / "alarms.yaml"
DASHBOARD = ROOT / "cloudformation" / "dashboard.yaml"

# Template parameters that the deployment sets by itself.
MANAGED_PARAMETERS = {"Stage", "Runtime", "ApiDomain", "EdgeSecret", "BucketName", "HttpApiId"}
MANAGED_PARAMETERS |= {"ShareAlarms", "SavedQueries", "AlarmTopicArn", "DashboardAddress"}

# Variables from ingest_app/settings.py. Not among them: ITEM_ID_FIELD and ITEM_ID_PATTERN follow the lake's
# parameters, CLICK_STREAM and VISITOR_KEY_TABLE follow the stage, and the deployment makes EDGE_SECRET.
INGEST_SETTINGS = (
    *("ALLOWED_ORIGINS", "GPC_MODE", "KEEP_QUERY", "REDACT_PATHS"),
    *("ALLOWED_HOSTS", "FOREIGN_HOSTS", "REQUIRE_EDGE"),
)

# Variables from clicklake/dashboard/deployed/settings.py; its others follow from the lake's stack.
DASHBOARD_SETTINGS = ("DASHBOARD_DAILY_BYTES", "DASHBOARD_HOSTS")


@dataclass(frozen=True)
class StageSettings:
    """The options of one deployment, each where it belongs."""

    ingest: dict[str, str]
    templates: dict[Path, dict[str, str]]
    dashboard: dict[str, str] = field(default_factory=dict)


def parse_settings(aws: Aws, arguments: list[str]) -> StageSettings:
    """Parse `Name=Value` arguments. Raises DeployError for an unknown name; nothing is deployed by then."""
    known = {
        template: parameters_of(aws, template) - MANAGED_PARAMETERS
        for template in (LAKE, SITE, ALARMS, DASHBOARD)
    }
    allowed = {*INGEST_SETTINGS, *DASHBOARD_SETTINGS, *(name for names in known.values() for name in names)}
    overrides: dict[str, str] = {}
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if not equals or name not in allowed:
            similar = get_close_matches(name, sorted(allowed), cutoff=0.5)  # a long message is cut
            listed = ", ".join(dict.fromkeys([*similar, *sorted(allowed)]))
            raise DeployError(f"{argument}: not Name=Value with one of these names: {listed}")
        overrides[name] = value
    return StageSettings(
        ingest={name: overrides[name] for name in INGEST_SETTINGS if name in overrides},
        templates={
            template: {name: value for name, value in overrides.items() if name in names}
            for template, names in known.items()
        },
        dashboard={name: overrides[name] for name in DASHBOARD_SETTINGS if name in overrides},
    )
