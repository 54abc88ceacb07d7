"""CloudFormation's stacks: deployed and deleted by the AWS CLI, asked about by boto3."""

import json
from dataclasses import dataclass
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

from clicklake.deploy.aws_cli import DeployError, aws


@dataclass(frozen=True)
class Stack:
    outputs: dict[str, str]
    parameters: dict[str, str]
    status: str


def find_stack(name: str) -> Stack | None:
    try:
        (described,) = boto3.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    outputs = {each["OutputKey"]: each["OutputValue"] for each in described.get("Outputs", [])}
    parameters = {each["ParameterKey"]: each["ParameterValue"] for each in described.get("Parameters", [])}
    return Stack(outputs, parameters, described["StackStatus"])


def package(template: Path, bucket: str, packaged: Path) -> None:
    """Upload what the template's CodeUri names, and write the template that names the upload."""
    source = ("--template-file", template, "--s3-bucket", bucket)
    aws("cloudformation", "package", *source, "--output-template-file", packaged)


def deploy_stack(name: str, template: Path, parameters: dict[str, str]) -> Stack:
    """Make the stack, or change what is to change in it. Parameters that are not named keep their values."""
    before = find_stack(name)
    if before and before.status == "ROLLBACK_COMPLETE":  # its first deploy failed: it holds nothing
        delete_stack(name)
    words = ("--template-file", template, "--stack-name", name, "--capabilities", "CAPABILITY_IAM")
    # By stdin, as a secret among the arguments could be read by every user of this machine.
    overrides = ("--no-fail-on-empty-changeset", "--parameter-overrides", "file:///dev/stdin")
    values = json.dumps([f"{key}={value}" for key, value in parameters.items()])
    try:
        aws("cloudformation", "deploy", *words, *overrides, stdin=values)
    except DeployError as error:
        raise DeployError("\n".join([str(error), *_reasons(name)])) from None
    stack = find_stack(name)
    assert stack, f"{name} was deployed and is not there"
    return stack


def delete_stack(name: str) -> None:
    """Delete the stack, if it is there, and wait until it is gone."""
    if find_stack(name):
        aws("cloudformation", "delete-stack", "--stack-name", name)
        aws("cloudformation", "wait", "stack-delete-complete", "--stack-name", name)


def parameters_of(template: Path) -> set[str]:
    """The names of the template's parameters, as CloudFormation reads them."""
    summary = boto3.client("cloudformation").get_template_summary(TemplateBody=template.read_text())
    return {each["ParameterKey"] for each in summary["Parameters"]}


def _reasons(name: str) -> list[str]:
    """Why resources failed, the last first. The CLI only says that something did."""
    try:
        events = boto3.client("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
    except ClientError:
        return []
    return [
        f"{event['LogicalResourceId']}: {event['ResourceStatusReason']}"
        for event in events
        if event["ResourceStatus"].endswith("_FAILED") and event.get("ResourceStatusReason")
    ]
