"""Check the options of a deployment by the rules of what will read them, before anything is changed.

The templates have rules for their parameters. The processor and the ingest app have rules for their
environment variables, and do not start if one is broken.
"""

import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from clicklake.cli.checkout import ROOT
from clicklake.deploy import names
from clicklake.deploy.aws import Aws, DeployError
from clicklake.deploy.ingest import environment_of
from clicklake.deploy.prerequisites import environment_python
from clicklake.deploy.resources.stacks import find_stack
from clicklake.deploy.settings import INGEST_SETTINGS, LAKE, StageSettings
from processor.settings import InvalidSettingError, from_environment

# A parameter of lake.yaml, and the variable of the processor that it becomes.
PROCESSOR_VARIABLES = {
    "ItemIdField": "ITEM_ID_FIELD",
    "CatalogueUrl": "CATALOGUE_URL",
    "CatalogueAttributes": "CATALOGUE_ATTRIBUTES",
    "ItemIdPattern": "ITEM_ID_PATTERN",
}
# Lives in the ingest app's environment: its package imports Flask.
INGEST_CHECK = """
import sys
from ingest_app.settings import IngestSettings, SettingsError
try:
    IngestSettings.from_environment()
except SettingsError as error:
    sys.exit(str(error))
"""


class _Loader(yaml.SafeLoader):
    """Reads a template, and CloudFormation's tags as nothing: parameters have none."""


_Loader.add_multi_constructor("!", lambda loader, suffix, node: None)


def check_settings(aws: Aws, stage: str, settings: StageSettings) -> None:
    """Raise DeployError for the first option that a template or a bundle would refuse."""
    for template, values in settings.templates.items():
        rules = _parameters(template)
        for name, value in values.items():
            if reason := _refusal(rules[name], value):
                raise DeployError(f"{name}={value}: {reason}")
    stack = find_stack(aws, names.lake_stack(stage))
    current = stack.parameters if stack else {}
    lake = lake_defaults() | current | settings.templates[LAKE]
    _check_processor(lake)
    variables = environment_of(aws, stage) | settings.ingest
    ours = {"ITEM_ID_FIELD": lake["ItemIdField"], "ITEM_ID_PATTERN": lake["ItemIdPattern"]}
    ours |= {"CLICK_STREAM": names.stream(stage), "VISITOR_KEY_TABLE": names.visitor_key_table(stage)}
    ours["EDGE_SECRET"] = "the deployment makes one"  # noqa: S105 (REQUIRE_EDGE asks for any)
    _check_ingest({name: variables[name] for name in INGEST_SETTINGS if name in variables} | ours)


def parse_template(text: str) -> Mapping[str, Any]:
    """Parse a template's YAML. The value of every tag is None."""
    document: Mapping[str, Any] = yaml.load(text, _Loader)  # noqa: S506 (a safe loader)
    return document


def check_lake(given: Mapping[str, str]) -> None:
    """Raise DeployError for the first of these parameters of lake.yaml that it or a bundle would refuse."""
    rules = _parameters(LAKE)
    for name, value in given.items():
        if reason := _refusal(rules[name], value):
            raise DeployError(f"{name}={value}: {reason}")
    lake = lake_defaults() | dict(given)
    _check_processor(lake)
    _check_ingest({"ITEM_ID_FIELD": lake["ItemIdField"], "CLICK_STREAM": "any"})


def lake_defaults() -> dict[str, str]:
    return {name: str(rule["Default"]) for name, rule in _parameters(LAKE).items() if "Default" in rule}


def _parameters(template: Path) -> Mapping[str, Mapping[str, Any]]:
    parameters: Mapping[str, Mapping[str, Any]] = parse_template(template.read_text())["Parameters"]
    return parameters


def _refusal(rule: Mapping[str, Any], value: str) -> str | None:
    """Return why CloudFormation would refuse the value, or None."""
    return next(iter(_refusals(rule, value)), None)


def _refusals(rule: Mapping[str, Any], value: str) -> Iterator[str]:
    if "AllowedValues" in rule and value not in (allowed := [*map(str, rule["AllowedValues"])]):
        yield f"must be one of {', '.join(allowed)}"
    if len(value) > rule.get("MaxLength", len(value)):
        yield f"is longer than {rule['MaxLength']} characters"
    if "AllowedPattern" in rule and not re.fullmatch(rule["AllowedPattern"], value):
        yield rule.get("ConstraintDescription") or f"must match {rule['AllowedPattern']}"
    if rule["Type"] == "Number":
        yield from _number_refusals(rule, value)


def _number_refusals(rule: Mapping[str, Any], value: str) -> Iterable[str]:
    if not re.fullmatch(r"-?\d{1,15}(\.\d{1,9})?", value):
        yield "is not a number"
        return
    least, most = rule.get("MinValue"), rule.get("MaxValue")
    if (least is not None and float(value) < least) or (most is not None and float(value) > most):
        yield f"is not between {least} and {most}"


def _check_processor(lake: Mapping[str, str]) -> None:
    environment = {
        variable: lake[parameter] for parameter, variable in PROCESSOR_VARIABLES.items() if parameter in lake
    }
    if environment["CATALOGUE_URL"] == "none":
        environment["CATALOGUE_URL"] = ""
    try:
        from_environment(environment)
    except InvalidSettingError as error:
        set_by = next(name for name, variable in PROCESSOR_VARIABLES.items() if variable in str(error))
        raise DeployError(f"{set_by}: the processor would not start: {error}") from None


def _check_ingest(variables: Mapping[str, str]) -> None:
    command: list[str | Path] = [environment_python("ingest"), "-c", INGEST_CHECK]
    environment = {"PATH": os.defpath, "PYTHONPATH": str(ROOT), **variables}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise DeployError(f"the ingest app would not start: {reason}")
