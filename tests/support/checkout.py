"""A copy of the checkout that a test can change, and a stage that was deployed from it."""

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from tests.cloudformation.resolved import ACCOUNT, REGION, names_of, resolve
from tests.cloudformation.templates import load, statements_of
from tests.support.emulator import ACCESS_KEY, SECRET_KEY, Emulator
from tests.support.landed import eventually
from tests.support.paths import ROOT

NOT_COPIED = (
    "*.ready",
    ".git",
    ".run",
    "build",
    "__pycache__",
    ".*cache",
    ".hypothesis",
    ".venv*",
    "node_modules",
)
ENVIRONMENT_FILES = ("pyproject.toml", "scripts/environment.sh", "ingest_app/__init__.py")
DELIVERY_SECONDS = 30


@dataclass
class Checkout:
    """A copy of the checkout, and the emulator that it deploys to."""

    folder: Path
    emulator: Emulator
    keys: dict[str, str] = field(default_factory=lambda: {"id": ACCESS_KEY, "secret": SECRET_KEY})

    @classmethod
    def copy(cls, folder: Path, emulator: Emulator) -> "Checkout":
        shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*NOT_COPIED))
        run = folder / ".run"
        run.mkdir()
        # The environments are links to ours: make must never find a reason to install them again from here.
        for file in (*folder.rglob("requirements*.txt"), *(folder / name for name in ENVIRONMENT_FILES)):
            os.utime(file, (0, 0))
        for name in ("envs", "bin"):
            (run / name).symlink_to(ROOT / ".run" / name)
        if (ROOT / ".run" / "stage.ready").exists():  # make bundles the processor again only if it changed
            shutil.copytree(ROOT / ".run" / "stage", run / "stage")
            shutil.copy2(ROOT / ".run" / "stage.ready", run)
        return cls(folder, emulator)

    @property
    def env(self) -> dict[str, str]:
        """The environment of a user's shell, without this machine's AWS settings."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MAKE"))}
        keys = {"AWS_ACCESS_KEY_ID": self.keys["id"], "AWS_SECRET_ACCESS_KEY": self.keys["secret"]}
        quiet = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.devnull, "AWS_PAGER": ""}
        where = {"AWS_DEFAULT_REGION": REGION, "AWS_ENDPOINT_URL": self.emulator.gateway}
        return kept | keys | quiet | where | {"TMPDIR": str(self.folder / ".run")}

    def run(self, *command: str, **env: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.env | env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )

    def make(self, *words: str) -> str:
        done = self.run("make", *words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def zappa(self, *words: str) -> str:
        venv = ROOT / ".run" / "envs" / "ingest"
        path = f"{venv / 'bin'}:{self.env['PATH']}"
        done = self.run("zappa", *words, VIRTUAL_ENV=str(venv), PATH=path)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def replace(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        text = path.read_text()
        assert old in text, f"{file} has no {old!r}"
        path.write_text(text.replace(old, new))

    def speak_plain_http(self) -> None:
        """Let the buckets accept plain HTTP, which is all that the emulator speaks."""
        lake = self.folder / "cloudformation" / "lake.yaml"
        date = lake.stat().st_mtime
        for template in ("cloudformation/lake.yaml", "cloudformation/site.yaml"):
            self.replace(template, 'SecureTransport: "false"', "SecureTransport: never")
        os.utime(lake, (date, date))  # no reason for make to bundle the processor again
        stage = self.folder / ".run" / "stage" / "cloudformation"
        if stage.exists():
            shutil.copy2(lake, stage)

    def become_the_pipeline(self) -> None:
        """Use credentials that may do what pipeline.yaml allows a build to do, and nothing else."""
        template = load(ROOT / "cloudformation" / "pipeline.yaml")
        log = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/codebuild/clicklake:*"
        known = names_of("clicklake-pipeline") | {"RepositoryName": "clicklake", "BuildLogs.Arn": log}
        known["RoleBoundary"] = f"arn:aws:iam::{ACCOUNT}:policy/clicklake-pipeline-RoleBoundary"
        boundary = template["Resources"]["Boundary"]["Properties"]["PolicyDocument"]
        statements = list(statements_of(resolve(boundary, known)))
        # The emulator checks this on every function, AWS on the one that is created.
        statements.append({"Effect": "Allow", "Action": "lambda:CreateFunction", "Resource": "*"})
        iam = self.emulator.client("iam")
        iam.create_user(UserName="build")
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        iam.put_user_policy(UserName="build", PolicyName="boundary", PolicyDocument=policy)
        key = iam.create_access_key(UserName="build")["AccessKey"]
        self.keys = {"id": key["AccessKeyId"], "secret": key["SecretAccessKey"]}


def copy_to_a_path_with_a_space(parent: Path) -> Path:
    """Copy the checkout. Its environments are links to the real ones, and have a Python but no scripts.

    A script's first line holds the path of its environment, which does not work if the path has a space. So a
    command that runs from this copy runs no scripts.
    """
    folder = parent / "a päth with spaces" / "checkout"
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*NOT_COPIED))
    for name in ("cli", "emulator", "ingest"):
        (folder / ".run" / "envs" / name / "bin").mkdir(parents=True)
        for part in ("lib", "pyvenv.cfg", "bin/python"):
            (folder / ".run" / "envs" / name / part).symlink_to(ROOT / ".run" / "envs" / name / part)
    (folder / ".run" / "stage").symlink_to(ROOT / ".run" / "stage")
    return folder


@dataclass
class Stage:
    """A deployed stage. Its addresses are taken from what `make deploy` printed."""

    checkout: Checkout
    printed: str

    @property
    def site(self) -> str:
        return self._address("site")

    @property
    def api(self) -> str:
        return self._address("api")

    @property
    def bucket(self) -> str:
        return self._address("lake").removeprefix("s3://").removesuffix("/clicks/")

    def client(self, service: str) -> Any:
        return self.checkout.emulator.client(service)

    def put(self, click: dict[str, Any], **headers: str | None) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.put(f"{self.api}/clicks", json=click, headers=named, timeout=30)

    def line_of(self, answer: Any) -> dict[str, Any]:
        """Wait until the only click of a request has landed. Return its line."""
        assert answer.status_code == 202, answer.text
        event_id = answer.json()["receipts"][0]["eventId"]

        def landed() -> list[dict[str, Any]]:
            delivered = self.checkout.emulator.get("/delivered")
            return [line for line in delivered if line["eventId"] == event_id]

        (line,) = eventually(landed, seconds=DELIVERY_SECONDS)
        return line

    def environment(self, function: str) -> dict[str, str]:
        configuration = self.client("lambda").get_function_configuration(FunctionName=function)
        variables: dict[str, str] = configuration["Environment"]["Variables"]
        return variables

    def stack(self, name: str) -> dict[str, Any]:
        described: dict[str, Any] = self.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        return described

    def _address(self, what: str) -> str:
        found = re.search(rf"^   {what} +(\S+)$", self.printed, re.MULTILINE)
        assert found, self.printed
        return found[1]
