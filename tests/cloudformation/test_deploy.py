"""The lake deployed as README says, to the emulator: once, again, and with other parameters."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from local.processes import Process, free_port
from tests.cloudformation.templates import ROOT

ENVS = ROOT / ".run" / "envs"
STACK = "clicklake-lake-dev"


class Account:
    """An empty account of the emulator, and the AWS CLI in front of it."""

    def __init__(self, endpoint: str) -> None:
        self.keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
        self.endpoint = endpoint
        self.env = {
            "PATH": os.environ["PATH"],
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_PAGER": "",
        }

    def cloudformation(self, *arguments: str | Path) -> str:
        command = [ENVS / "aws" / "bin" / "aws", "cloudformation", *arguments]
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def client(self, service: str) -> Any:
        return boto3.client(service, endpoint_url=self.endpoint, **self.keys)


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    folder, port = tmp_path_factory.mktemp("emulator"), free_port()
    env = {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "AUTH": "true", "TMPDIR": str(folder)}
    env |= {"SFTP_ENABLED": "0", "IOT_MTLS_ENABLED": "0", "HOME": str(folder), "PATH": os.environ["PATH"]}
    command = [str(ENVS / "emulator" / "bin" / "ministack")]
    emulator = Process("the emulator", command, env=env, cwd=folder, log=folder / "emulator.log")
    try:
        emulator.wait_until_answers(f"http://127.0.0.1:{port}/_ministack/health", seconds=30)
        yield Account(f"http://127.0.0.1:{port}")
    finally:
        emulator.stop()


@pytest.fixture(scope="module")
def packaged(account: Account, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template beside a processor that does nothing, packaged as for AWS."""
    checkout = tmp_path_factory.mktemp("checkout")
    for name in ("cloudformation", "build/processor/processor"):
        (checkout / name).mkdir(parents=True)
    template = checkout / "cloudformation" / "template.yaml"
    template.write_text((ROOT / "cloudformation" / "template.yaml").read_text())
    (checkout / "build/processor/processor/handler.py").write_text(
        "def lambda_handler(event, context): ...\n"
    )
    account.client("s3").create_bucket(Bucket="artifacts")
    output = checkout / "packaged.yaml"
    source = ("--template-file", template, "--s3-bucket", "artifacts", "--output-template-file", output)
    account.cloudformation("package", *source)
    return output


def deploy(account: Account, packaged: Path, *parameters: str) -> str:
    overrides = ("--parameter-overrides", *parameters) if parameters else ()
    stack = ("--stack-name", STACK, "--template-file", packaged, "--no-fail-on-empty-changeset")
    said = account.cloudformation("deploy", *stack, "--capabilities", "CAPABILITY_IAM", *overrides)
    forget_change_sets(account)
    return said


def forget_change_sets(account: Account) -> None:
    """The CLI names a change set by the second: one left over would be in the way of the next deploy."""
    api = account.client("cloudformation")
    for change_set in api.list_change_sets(StackName=STACK)["Summaries"]:
        api.delete_change_set(ChangeSetName=change_set["ChangeSetId"])


def columns(account: Account) -> list[str]:
    table = account.client("glue").get_table(DatabaseName="clicklake_dev", Name="clicks")["Table"]
    return [column["Name"] for column in table["StorageDescriptor"]["Columns"]]


def test_the_lake_deploys_and_again_changes_nothing_and_follows_its_parameters(
    account: Account, packaged: Path
) -> None:
    deploy(account, packaged)
    outputs = account.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]["Outputs"]
    assert all(output["OutputValue"] for output in outputs)
    assert {"goodevil", "lawchaos", "species"} < set(columns(account))

    assert "No changes to deploy" in deploy(account, packaged)

    deploy(account, packaged, "CatalogueAttributes=brand,price", "LogDays=7")
    assert columns(account)[-5:] == ["brand", "price", "unused1", "unused2", "unused3"]
    groups = account.client("logs").describe_log_groups()["logGroups"]
    assert {group["retentionInDays"] for group in groups} == {7}
