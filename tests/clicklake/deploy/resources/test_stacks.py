"""A stack that fails is reported with its reason, and the next deployment succeeds."""

import time
from pathlib import Path

import pytest

from clicklake.deploy.aws import Aws, DeployError
from clicklake.deploy.resources.stacks import delete_stack, deploy_stack, find_stack

pytestmark = pytest.mark.emulator

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


def test_a_failed_resource_is_reported_with_its_reason_and_can_be_deployed_again(
    aws: Aws, template: Path
) -> None:
    with pytest.raises(DeployError, match=r"; Log: .*does not exist") as failed:
        deploy_stack(aws, "failing", template, {"Group": "a-group", "Secret": "hush"})
    assert "hush" not in str(failed.value)
    assert "\n" not in str(failed.value)
    aws.client("logs").create_log_group(logGroupName="a-group")
    assert deploy_stack(aws, "failing", template, {"Group": "a-group"}).outputs == {"Name": "a-group"}
    delete_stack(aws, "failing")
    assert find_stack(aws, "failing") is None


def test_a_parameter_that_is_not_given_keeps_its_value(aws: Aws, template: Path) -> None:
    aws.client("logs").create_log_group(logGroupName="kept-group")
    deploy_stack(aws, "keeping", template, {"Group": "kept-group"})
    assert deploy_stack(aws, "keeping", template, {"Secret": "new"}).parameters["Group"] == "kept-group"


def test_a_change_set_of_the_same_second_is_no_failure(aws: Aws, template: Path) -> None:
    aws.client("logs").create_log_group(logGroupName="busy-group")
    deploy_stack(aws, "busy", template, {"Group": "busy-group"})
    now = int(time.time())
    for second in (1, 2):
        aws.client("cloudformation").create_change_set(
            StackName="busy",
            ChangeSetName=f"awscli-cloudformation-package-deploy-{now + second}",
            TemplateBody=TEMPLATE,
            Parameters=[{"ParameterKey": "Group", "ParameterValue": "other"}],
        )
    assert deploy_stack(aws, "busy", template, {"Secret": "new"}).parameters["Secret"] == "****"
