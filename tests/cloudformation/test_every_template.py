"""Rules for every template: AWS's tools accept it, parameters are bounded, permissions are narrow."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from clicklake.deploy.resources.stacks import compact_template
from tests.cloudformation.templates import (
    TEMPLATES,
    as_list,
    lines_for,
    load,
    statements_of,
)
from tests.support.paths import ROOT

SAM_BIN = Path(os.environ.get("CLICKLAKE_SAM_BIN", ROOT / ".run" / "envs" / "sam" / "bin"))
NAMES_THAT_NEED_ANOTHER_CAPABILITY = {
    "RoleName",
    "UserName",
    "GroupName",
    "ManagedPolicyName",
    "InstanceProfileName",
}

every_template = pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)


def run(*command: str | Path) -> None:
    env = os.environ | {"SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": "us-east-1"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.e2e
@pytest.mark.e2e
def test_cfn_lint_finds_nothing() -> None:
    run(Path(sys.executable).with_name("cfn-lint"), "--include-checks", "I", "--", *TEMPLATES)


@pytest.mark.long
@every_template
def test_sam_finds_it_valid(path: Path) -> None:
    run(SAM_BIN / "sam", "validate", "--lint", "--template", path)


@every_template
def test_every_parameter_is_described_and_bounded(path: Path) -> None:
    for name, parameter in load(path)["Parameters"].items():
        assert parameter.get("Description"), f"{name} has no description"
        bounds = parameter.keys() & {"AllowedValues", "AllowedPattern", "MinValue", "MaxValue"}
        assert bounds not in (set(), {"MinValue"}, {"MaxValue"}), f"{name} is not bounded"


@every_template
def test_every_default_is_within_its_bounds(path: Path) -> None:
    for name, parameter in load(path)["Parameters"].items():
        if "Default" in parameter:
            assert is_allowed(parameter, parameter["Default"]), name


@every_template
def test_every_output_is_described(path: Path) -> None:
    for name, output in load(path)["Outputs"].items():
        assert output.get("Description"), f"{name} has no description"


@every_template
def test_every_statement_names_one_resource(path: Path) -> None:
    for statement in statements_of(load(path)):
        if "AssumeRole" not in str(statement["Action"]):
            assert not isinstance(statement["Resource"], list), statement


@every_template
def test_a_statement_for_every_resource_says_why_aws_needs_it(path: Path) -> None:
    commented = lines_for(path, r"""Resource: *["']\*["'] # """)
    assert len(commented) == [statement.get("Resource") for statement in statements_of(load(path))].count("*")


@every_template
def test_a_wildcard_action_is_bounded_by_its_resource(path: Path) -> None:
    allowed = [statement for statement in statements_of(load(path)) if statement["Effect"] == "Allow"]
    assert not any(statement.keys() & {"NotAction", "NotResource"} for statement in allowed)
    wide = [action for statement in allowed for action in as_list(statement["Action"]) if "*" in action]
    assert len(lines_for(path, r"Action: [a-z0-9]+:\* # ")) == len(wide)
    assert all(statement["Resource"] != "*" for statement in allowed if "*" in str(statement["Action"]))


@every_template
def test_capability_iam_is_enough(path: Path) -> None:
    for name, resource in load(path)["Resources"].items():
        if resource["Type"].startswith("AWS::IAM::"):
            assert not resource["Properties"].keys() & NAMES_THAT_NEED_ANOTHER_CAPABILITY, name


@every_template
def test_a_bucket_is_kept_when_its_stack_is_deleted(path: Path) -> None:
    for name, resource in load(path)["Resources"].items():
        if resource["Type"] == "AWS::S3::Bucket":
            assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain"), name


def is_allowed(parameter: dict[str, Any], value: Any) -> bool:
    if "AllowedValues" in parameter:
        return value in parameter["AllowedValues"]
    if parameter["Type"] == "Number":
        return bool(parameter["MinValue"] <= value <= parameter["MaxValue"])
    return re.fullmatch(parameter["AllowedPattern"], value) is not None


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda file: file.name)
def test_a_request_to_cloudformation_has_room_for_the_template(template: Path) -> None:
    """It is the same template without comments, and CloudFormation accepts 51,200 bytes."""
    sent = compact_template(template)
    assert len(sent.encode()) <= 51_200
    assert json.loads(sent) == load(template)
