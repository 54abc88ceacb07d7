"""The functions that Zappa calls during a deployment (`callbacks` in zappa_settings.json).

By itself Zappa packs the whole checkout and the whole virtual environment: 28.7 MB, with libraries compiled
for the machine that deploys, and with bytecode that Lambda rejects at every cold start. So the settings tell
Zappa to copy nothing (`"exclude": ["*"]`), and `fill_package` fills the package.
"""

import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError
from click import ClickException

sys.path.append(str(Path(__file__).resolve().parents[3]))  # Zappa loads this file alone, by its path

from clicklake.dashboard.deployed.settings import OUTPUT_VARIABLES
from clicklake.deploy.names import artifacts_bucket, dashboard_stage, lake_stack, reader_stack
from clicklake.deploy.packaging.dashboard_bundle import bundle_dashboard
from clicklake.deploy.packaging.ingest_bundle import bundle_ingest, write_zip
from clicklake.deploy.target import is_of_this_machine

_TEMPLATES = {
    "BucketName": "the lake first",
    "IngestRoleArn": "the lake first, or set role_arn",
    "RoleArn": "cloudformation/dashboard.yaml first",
}


def complete_settings(cli: Any) -> None:
    """Set what differs between accounts: the bucket for uploads, the function's role, the dashboard's lake.

    Without `s3_bucket` Zappa creates a new bucket each time and leaves it. Zappa has read `role_arn` before
    it calls this, so the role goes where Zappa keeps it.
    """
    if cli.command not in ("deploy", "update"):
        return
    session = cli.zappa.boto_session
    if "s3_bucket" not in cli.stage_config:
        account = session.client("sts").get_caller_identity()["Account"]
        cli.s3_bucket_name = artifacts_bucket(account, session.region_name)
    stage = _stage_of(cli)
    if is_dashboard(cli):
        reader = _outputs_of(session, reader_stack(stage), "RoleArn")
        lake = _outputs_of(session, lake_stack(stage), "BucketName")
        lake |= {"AthenaWorkGroupName": reader["WorkGroupName"]}
        variables = {variable: lake[output] for output, variable in OUTPUT_VARIABLES.items()}
        cli.aws_environment_variables = {**cli.aws_environment_variables, **variables}
        cli.zappa.credentials_arn = reader["RoleArn"]
    elif "role_arn" not in cli.stage_config:
        cli.zappa.credentials_arn = _outputs_of(session, lake_stack(stage), "IngestRoleArn")["IngestRoleArn"]


def is_dashboard(cli: Any) -> bool:
    return bool(cli.api_stage != _stage_of(cli))


def _stage_of(cli: Any) -> str:
    return str(cli.api_stage).removeprefix(dashboard_stage(""))


def _outputs_of(session: Any, name: str, needed: str) -> dict[str, str]:
    """Return the outputs of a stack. Raises ClickException if there is none of this name."""
    try:
        (stack,) = session.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
        outputs[needed]
    except (ClientError, KeyError) as error:
        raise ClickException(
            f"the stack {name} has no output {needed} ({error}); deploy {_TEMPLATES[needed]}"
        ) from error
    return outputs


def fill_package(cli: Any) -> None:
    """Replace the package with the stage's app, its libraries, and the settings module that Zappa wrote."""
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder)
        with zipfile.ZipFile(cli.zip_path) as zappas_package:
            zappas_package.extract("zappa_settings.py", bundle)
        make = bundle_dashboard if is_dashboard(cli) else bundle_ingest
        make(bundle, None if _functions_run_here(cli) else cli.architecture)
        write_zip(bundle, Path(cli.zip_path))


def _functions_run_here(cli: Any) -> bool:
    """Return whether the target is an emulator, which runs functions under this machine's Python."""
    session = boto3.Session(profile_name=cli.profile_name)
    lambda_api = session.client("lambda", region_name=session.region_name or "us-east-1")
    return is_of_this_machine(lambda_api.meta.endpoint_url)
