"""A whole cloud to break: what `make run` starts, in a folder of its own, on ports that outlive a restart."""

import base64
import io
import json
import os
import signal
import subprocess
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import requests
from click.testing import CliRunner

from clicklake.cli.group import main
from clicklake.local.addresses import LocalKeys
from tests.support.emulator import free_port
from tests.support.lakes import TestLake
from tests.support.paths import ENVS, ROOT

START_SECONDS = 90
SETTLE_SECONDS = 90
REGION = {"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1", "AWS_CONFIG_FILE": os.devnull}
FUNCTION = "clicklake-processor-dev"
GOOD_PROCESSOR = ROOT / ".run" / "stage" / "build" / "processor"


class Child(NamedTuple):
    pid: int
    parent: int
    resident_kib: int
    command: str


class Cloud:
    def __init__(self, folder: Path, max_buffer_seconds: float | None = None) -> None:
        """`max_buffer_seconds` is for each of the stream's two buffers; without it, what `make run` has."""
        self._folder = folder
        self._max_buffer_seconds = max_buffer_seconds
        self._ports = {name: free_port() for name in ("api", "s3", "live", "dashboard")}
        self.api = f"http://127.0.0.1:{self._ports['api']}"
        self.live = f"http://127.0.0.1:{self._ports['live']}"
        clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        self._endpoint = f"http://127.0.0.1:{self._ports['s3']}"
        self._clean = clean | REGION

    @property
    def env(self) -> dict[str, str]:
        """The environment of a user's shell. Its keys exist once the cloud has started."""
        keys = LocalKeys(self.addresses["accessKeyId"], self.addresses["secretAccessKey"])
        return self._clean | keys.environment(self._endpoint)

    # Its processes.

    def start(self) -> None:
        command = [str(ENVS / "cli" / "bin" / "python"), "-m", "clicklake", "run", "--dir", str(self._folder)]
        for name, port in self._ports.items():
            command += [f"--{name}-port", str(port)]
        environment = dict(os.environ) | {"CLICKLAKE_KEEPER_SECONDS": "0"}  # a test starts its jobs itself
        if self._max_buffer_seconds is not None:
            environment["CLICKLAKE_MAX_BUFFER_SECONDS"] = str(self._max_buffer_seconds)
        with (self._folder / "run.log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        addresses = self._folder / "addresses.json"
        deadline = time.monotonic() + START_SECONDS
        while not addresses.exists():
            assert self._process.poll() is None, (self._folder / "run.log").read_text()
            assert time.monotonic() < deadline, (self._folder / "run.log").read_text()
            time.sleep(0.1)
        self.addresses: dict[str, str] = json.loads(addresses.read_text())

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(60)

    def kill(self, part: str) -> None:
        """SIGKILL the one process whose command says `part`: the rest of the cloud ends with it, in order."""
        (child,) = [each for each in self.processes() if part in each.command]
        os.kill(child.pid, signal.SIGKILL)
        self._process.wait(60)

    def processes(self) -> list[Child]:
        """All that were started for it, and theirs."""
        command = ["ps", "-eww", "-o", "pid=,ppid=,rss=,args="]
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
        rows = [row.split(None, 3) for row in listed]
        every = [Child(int(pid), int(parent), int(rss), args) for pid, parent, rss, args in rows]
        ours, found = {self._process.pid}, list[Child]()
        for each in sorted(every):  # a child's pid is greater than its parent's, but where they began anew
            if each.parent in ours:
                ours.add(each.pid)
                found.append(each)
        return found

    # Its stream.

    def plan(self, **faults: Any) -> None:
        requests.post(f"{self.live}/faults", json=faults, timeout=30).raise_for_status()

    def settle(self) -> None:
        """Wait until all that the stream took has landed, or failed."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while self._waiting() != 0:
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.1)

    def _waiting(self) -> int | None:
        """None while nobody answers: it is being started again."""
        try:
            return int(requests.get(f"{self.live}/status", timeout=30).json()["waiting"])
        except requests.ConnectionError:
            return None

    def put(self, record: bytes) -> None:
        """Past the ingest app."""
        firehose = self.client("firehose")
        firehose.put_record(DeliveryStreamName=self.addresses["stream"], Record={"Data": record})

    # Its processor.

    @contextmanager
    def processor(self, source: str) -> Iterator[None]:
        """Another in its place, with a second for each batch."""
        functions = self.client("lambda")
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("processor/handler.py", source)
        before = functions.get_function_configuration(FunctionName=FUNCTION)["Timeout"]
        functions.update_function_configuration(FunctionName=FUNCTION, Timeout=1)
        functions.update_function_code(FunctionName=FUNCTION, ZipFile=archive.getvalue())
        yield
        functions.update_function_code(FunctionName=FUNCTION, ZipFile=_zipped(GOOD_PROCESSOR))
        functions.update_function_configuration(FunctionName=FUNCTION, Timeout=before)

    @contextmanager
    def settings(self, **variables: str) -> Iterator[None]:
        """Other settings for the processor."""
        functions = self.client("lambda")
        before = functions.get_function_configuration(FunctionName=FUNCTION)["Environment"]["Variables"]
        self._configure(before | variables)
        yield
        self._configure(before)

    def _configure(self, variables: dict[str, str]) -> None:
        self.client("lambda").update_function_configuration(
            FunctionName=FUNCTION, Environment={"Variables": variables}
        )

    # Its lake.

    @property
    def lake(self) -> TestLake:
        return TestLake(self.addresses["bucket"], self.client("s3"))

    def ops(self, *arguments: str, code: int = 0) -> Any:
        """A command's JSON."""
        boto3.DEFAULT_SESSION = None  # it has the keys of another cloud
        result = CliRunner(env=self.env).invoke(main, [*arguments, "--json"], catch_exceptions=False)
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)

    def client(self, service: Any) -> Any:
        keys: Any = {
            "aws_access_key_id": self.addresses["accessKeyId"],
            "aws_secret_access_key": self.addresses["secretAccessKey"],
        }
        return boto3.client(service, endpoint_url=self._endpoint, region_name="us-east-1", **keys)


def _zipped(folder: Path) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                file.write(path, path.relative_to(folder))
    return archive.getvalue()


def record_of(document: bytes) -> bytes:
    return base64.b64decode(json.loads(document)["rawData"])
