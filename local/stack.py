"""Deploy cloudformation/template.yaml to the emulator with the commands that deploy it to AWS."""

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import boto3

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ARTIFACTS_BUCKET = "clicklake-artifacts"


class DeployError(Exception):
    """`aws cloudformation` failed; the message is what it said."""


def deploy_lake(
    aws: Path, template: Path, work: Path, *, stage: str, parameters: dict[str, str]
) -> dict[str, str]:
    """Package and deploy the stack `clicklake-lake-<stage>`; return its outputs by name.

    `aws` is the AWS CLI, `template` a template whose CodeUri is built, `work` a folder for the packaged one.
    Account and endpoint are those of the environment. Raises DeployError.
    """
    stack = f"clicklake-lake-{stage}"
    packaged = work / "packaged.yaml"
    make_bucket(boto3.client("s3"), ARTIFACTS_BUCKET)
    source = ["--template-file", str(template), "--s3-bucket", ARTIFACTS_BUCKET]
    _aws(aws, "package", *source, "--output-template-file", str(packaged))
    values = [f"{name}={value}" for name, value in {"Stage": stage, **parameters}.items()]
    named = ["--stack-name", stack, "--template-file", str(packaged), "--parameter-overrides", *values]
    _aws(aws, "deploy", *named, "--capabilities", "CAPABILITY_IAM", "--no-fail-on-empty-changeset")
    described = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}


def make_bucket(s3: "S3Client", name: str) -> None:
    """Make the bucket if we do not own it yet."""
    if name not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket=name)


def _aws(aws: Path, *arguments: str) -> None:
    done = subprocess.run([aws, "cloudformation", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise DeployError(f"aws cloudformation {arguments[0]} failed:\n{done.stdout}{done.stderr}")
