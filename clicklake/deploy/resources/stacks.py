"""CloudFormation stacks: the AWS CLI deploys and deletes them, boto3 describes them."""

import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import ClientError

from clicklake.deploy.aws import Aws, DeployError

MAX_ATTEMPTS = 3
NAMED_BY_SECONDS = 1.0
_NAME_TAKEN = re.compile(r"ChangeSet \[.*\] already exists")


@dataclass(frozen=True)
class Stack:
    outputs: dict[str, str]
    parameters: dict[str, str]
    status: str


def find_stack(aws: Aws, name: str) -> Stack | None:
    try:
        (described,) = aws.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}
    parameters = {
        parameter["ParameterKey"]: parameter["ParameterValue"]
        for parameter in described.get("Parameters", [])
    }
    return Stack(outputs, parameters, described["StackStatus"])


def package(aws: Aws, template: Path, bucket: str, packaged: Path) -> None:
    """Upload the code that the template's CodeUri names; write a template that refers to the upload."""
    source = ("--template-file", template, "--s3-bucket", bucket)
    aws.cli("cloudformation", "package", *source, "--output-template-file", packaged)
    packaged.write_text(compact_template(packaged))


def compact_template(template: Path) -> str:
    """Return the template as JSON without comments and spaces.

    CloudFormation accepts 51,200 bytes in a request, and lake.yaml has more:
    docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
    """
    # Zappa's environment imports this module too, and has no AWS CLI.
    from awscli.customizations.cloudformation.yamlhelper import yaml_parse

    return json.dumps(yaml_parse(template.read_text()), separators=(",", ":"))


def deploy_stack(aws: Aws, name: str, template: Path, parameters: dict[str, str]) -> Stack:
    """Create or update the stack. Parameters that are not given keep their values.

    Raises DeployError with the reason of each resource that failed.
    """
    before = find_stack(aws, name)
    if before and before.status == "ROLLBACK_COMPLETE":  # its first deployment failed, so it is empty
        delete_stack(aws, name)
    options = ("--template-file", template, "--stack-name", name, "--capabilities", "CAPABILITY_IAM")
    # By stdin: every user of this machine could read a secret among the arguments.
    overrides = ("--no-fail-on-empty-changeset", "--parameter-overrides", "file:///dev/stdin")
    values = json.dumps([f"{key}={value}" for key, value in parameters.items()])
    try:
        _deploy(aws, (*options, *overrides), values)
    except DeployError as error:
        raise DeployError("; ".join([error.message, *_failures(aws, name)])) from None
    stack = find_stack(aws, name)
    assert stack, f"{name} was deployed, but CloudFormation does not find it"
    return stack


def _deploy(aws: Aws, options: Sequence[str | Path], values: str) -> None:
    """Run `aws cloudformation deploy`, again if the stack has a change set of that name already.

    The AWS CLI names a change set by the second, and an emulator can be done with one in less.
    """
    for attempt in range(1, MAX_ATTEMPTS + 1):
        try:
            aws.cli("cloudformation", "deploy", *options, stdin=values)
        except DeployError as error:
            if attempt == MAX_ATTEMPTS or not _NAME_TAKEN.search(error.message):
                raise
            time.sleep(NAMED_BY_SECONDS)
        else:
            return


def delete_stack(aws: Aws, name: str) -> None:
    """Delete the stack if it exists, and wait until it is gone."""
    if find_stack(aws, name):
        aws.cli("cloudformation", "delete-stack", "--stack-name", name)
        aws.cli("cloudformation", "wait", "stack-delete-complete", "--stack-name", name)


def parameters_of(aws: Aws, template: Path) -> set[str]:
    """Return the names of the template's parameters, as CloudFormation reads them."""
    summary = aws.client("cloudformation").get_template_summary(TemplateBody=compact_template(template))
    return {parameter["ParameterKey"] for parameter in summary["Parameters"]}


def _failures(aws: Aws, name: str) -> list[str]:
    """Return why resources failed, the latest first. The CLI only says that something did."""
    try:
        events = aws.client("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
    except ClientError:
        return []
    return [
        f"{event['LogicalResourceId']}: {event['ResourceStatusReason']}"
        for event in events
        if event["ResourceStatus"].endswith("_FAILED") and event.get("ResourceStatusReason")
    ]
