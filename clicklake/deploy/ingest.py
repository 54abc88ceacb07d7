"""The ingest app's stage, as Zappa makes it: deployed, updated, found, taken away."""

import json
import os
import subprocess

import boto3
from botocore.exceptions import ClientError

from clicklake.cli.checkout import ROOT
from clicklake.deploy import names
from clicklake.deploy.aws_cli import DeployError, aws, log

ENVIRONMENT = ROOT / ".run" / "envs" / "ingest"  # Zappa wants to be run from the environment that it packs


def stages() -> list[str]:
    return list(json.loads((ROOT / "zappa_settings.json").read_text()))


def deploy_ingest(stage: str) -> None:
    _zappa("update" if is_deployed(stage) else "deploy", stage)


def undeploy_ingest(stage: str) -> None:
    """Take the stage away, and the role that Zappa leaves."""
    if is_deployed(stage):
        _zappa("undeploy", stage, "--yes")
    iam, role = boto3.client("iam"), names.zappa_role(stage)
    try:
        policies = iam.list_role_policies(RoleName=role)["PolicyNames"]
    except iam.exceptions.NoSuchEntityException:
        return
    for policy in policies:
        aws("iam", "delete-role-policy", "--role-name", role, "--policy-name", policy)
    aws("iam", "delete-role", "--role-name", role)


def is_deployed(stage: str) -> bool:
    client = boto3.client("lambda")
    try:
        client.get_function(FunctionName=names.zappa(stage))
    except client.exceptions.ResourceNotFoundException:
        return False
    return True


def http_api(stage: str) -> str:
    """The id of the stage's HTTP API; empty where it is a REST API."""
    return _resource_of_zappas_stack(stage, "ApiV2")


def rest_api(stage: str) -> str:
    return _resource_of_zappas_stack(stage, "Api")


def _resource_of_zappas_stack(stage: str, logical_id: str) -> str:
    try:
        found = boto3.client("cloudformation").describe_stack_resource(
            StackName=names.zappa(stage), LogicalResourceId=logical_id
        )
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":  # no such stack, or no such resource in it
            return ""
        raise
    return found["StackResourceDetail"]["PhysicalResourceId"]


def _zappa(*words: str) -> None:
    command = ["zappa", *words]
    log.info("   $ %s", " ".join(command))
    path = os.pathsep.join([str(ENVIRONMENT / "bin"), os.environ.get("PATH", os.defpath)])
    active = os.environ | {"VIRTUAL_ENV": str(ENVIRONMENT), "PATH": path}
    done = subprocess.run(command, cwd=ROOT, env=active, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise DeployError(f"{' '.join(command)}\n{done.stdout}{done.stderr}".strip())
