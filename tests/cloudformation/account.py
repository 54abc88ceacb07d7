"""An account of the emulator, with IAM enforced, and the AWS CLI to deploy to it."""

import os
import subprocess
from pathlib import Path
from typing import Any

import boto3

from tests.support.emulator import ACCESS_KEY, KEYS, SECRET_KEY
from tests.support.paths import ENVS

MAX_BODY_BYTES = 51_200  # of a template in a request; a larger one is uploaded
AWS_CLI = (str(ENVS / "cli" / "bin" / "python"), "-P", "-m", "awscli")


class Account:
    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        keys = {
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        self._env = keys | {"PATH": os.environ["PATH"], "AWS_ENDPOINT_URL": endpoint, "AWS_PAGER": ""}

    def client(self, service: str) -> Any:
        options = {"endpoint_url": self.endpoint, **KEYS}
        return boto3.client(service, **options)  # type: ignore[call-overload]

    def package(self, template: Path, output: Path) -> None:
        self.client("s3").create_bucket(Bucket="artifacts")
        source = ("--template-file", template, "--s3-bucket", "artifacts")
        self._cloudformation("package", *source, "--output-template-file", output)

    def deploy(self, template: Path, stack: str, *parameters: str) -> str:
        """Deploy the stack and return the CLI's output. Fails if the stack fails."""
        overrides = ("--parameter-overrides", *parameters) if parameters else ()
        named: tuple[str | Path, ...] = (
            "--stack-name",
            stack,
            "--template-file",
            template,
            "--no-fail-on-empty-changeset",
        )
        if template.stat().st_size > MAX_BODY_BYTES:
            named += ("--s3-bucket", "artifacts")
        output = self._cloudformation("deploy", *named, "--capabilities", "CAPABILITY_IAM", *overrides)
        self._delete_change_sets(stack)
        return output

    def outputs(self, stack: str) -> dict[str, str]:
        described = self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
        return {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}

    def _cloudformation(self, *arguments: str | Path) -> str:
        command = [*AWS_CLI, "cloudformation", *arguments]
        done = subprocess.run(command, env=self._env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _delete_change_sets(self, stack: str) -> None:
        """The CLI names a change set by the second: an old one would block the next deployment."""
        api = self.client("cloudformation")
        for change_set in api.list_change_sets(StackName=stack)["Summaries"]:
            api.delete_change_set(ChangeSetName=change_set["ChangeSetId"])
