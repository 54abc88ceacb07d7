"""An empty account of the emulator, with IAM enforced, and the AWS CLI in front of it."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

from clicklake.local.ports import free_port
from clicklake.local.processes import Process
from tests.support.paths import ENVS

KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


@contextmanager
def running_emulator(folder: Path) -> Iterator["Account"]:
    port = free_port()
    env = {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "AUTH": "true", "TMPDIR": str(folder)}
    env |= {"SFTP_ENABLED": "0", "IOT_MTLS_ENABLED": "0", "HOME": str(folder), "PATH": os.environ["PATH"]}
    command = [str(ENVS / "emulator" / "bin" / "ministack")]
    emulator = Process("the emulator", command, env=env, cwd=folder, log=folder / "emulator.log")
    try:
        emulator.wait_until_answers(f"http://127.0.0.1:{port}/_ministack/health", seconds=30)
        yield Account(f"http://127.0.0.1:{port}")
    finally:
        emulator.stop()


class Account:
    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._env = KEYS | {"PATH": os.environ["PATH"], "AWS_ENDPOINT_URL": endpoint, "AWS_PAGER": ""}

    def client(self, service: Any) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            region_name="us-east-1",
        )

    def package(self, template: Path, output: Path) -> None:
        self.client("s3").create_bucket(Bucket="artifacts")
        source = ("--template-file", template, "--s3-bucket", "artifacts")
        self._cloudformation("package", *source, "--output-template-file", output)

    def deploy(self, template: Path, stack: str, *parameters: str) -> str:
        """What the CLI said; it fails where the stack does."""
        overrides = ("--parameter-overrides", *parameters) if parameters else ()
        named = ("--stack-name", stack, "--template-file", template, "--no-fail-on-empty-changeset")
        said = self._cloudformation("deploy", *named, "--capabilities", "CAPABILITY_IAM", *overrides)
        self._forget_change_sets(stack)
        return said

    def outputs(self, stack: str) -> dict[str, str]:
        described = self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
        return {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}

    def _cloudformation(self, *arguments: str | Path) -> str:
        command = [ENVS / "cli" / "bin" / "aws", "cloudformation", *arguments]
        done = subprocess.run(command, env=self._env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _forget_change_sets(self, stack: str) -> None:
        """The CLI names a change set by the second: one left over would be in the way of the next deploy."""
        api = self.client("cloudformation")
        for change_set in api.list_change_sets(StackName=stack)["Summaries"]:
            api.delete_change_set(ChangeSetName=change_set["ChangeSetId"])
