"""Stacks that fail: why is told, and the next deploy goes on."""

import time
from pathlib import Path

import pytest

from clicklake.deploy.aws_cli import DeployError
from clicklake.deploy.stacks import delete_stack, deploy_stack, find_stack
from tests.support.checkout import Checkout

TEMPLATE = """
Parameters:
  Group: {Type: String}
  Secret: {Type: String, Default: "", NoEcho: true}
Resources:
  Log: {Type: AWS::Logs::LogStream, Properties: {LogGroupName: !Ref Group, LogStreamName: log}}
Outputs:
  Name: {Value: !Ref Group}
"""


@pytest.fixture
def template(tmp_path: Path) -> Path:
    file = tmp_path / "lake.yaml"
    file.write_text(TEMPLATE)
    return file


def test_the_resource_that_failed_is_named_with_its_reason_and_the_next_deploy_starts_anew(
    aws_cli: Checkout, template: Path
) -> None:
    with pytest.raises(DeployError, match=r"\nLog: .*does not exist") as failed:
        deploy_stack("failing", template, {"Group": "a-group", "Secret": "hush"})
    assert "hush" not in str(failed.value)
    aws_cli.emulator.client("logs").create_log_group(logGroupName="a-group")
    assert deploy_stack("failing", template, {"Group": "a-group"}).outputs == {"Name": "a-group"}
    delete_stack("failing")
    assert find_stack("failing") is None


def test_a_parameter_that_is_not_named_keeps_its_value(aws_cli: Checkout, template: Path) -> None:
    aws_cli.emulator.client("logs").create_log_group(logGroupName="kept-group")
    deploy_stack("keeping", template, {"Group": "kept-group"})
    time.sleep(1)  # the AWS CLI names a change set by the second: two in one would be one
    assert deploy_stack("keeping", template, {"Secret": "new"}).parameters["Group"] == "kept-group"
    delete_stack("keeping")
