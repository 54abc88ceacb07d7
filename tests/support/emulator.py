"""An emulator for tests, as a child process, and a delivery stream in it."""

import io
import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from tests.support.paths import ROOT

PYTHON = os.environ.get("CLICKLAKE_EMULATOR_PYTHON", str(ROOT / ".run/envs/emulator/bin/python"))
ACCESS_KEY, SECRET_KEY = "AKIATESTSOFCLICKLAKE", "a-secret-of-the-tests"
KEYS: Any = {
    "aws_access_key_id": ACCESS_KEY,
    "aws_secret_access_key": SECRET_KEY,
    "region_name": "us-east-1",
}
READY_SECONDS = 60
LANDED_SECONDS = 30


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


class Emulator:
    """Keeps its state in a folder. Can be stopped, killed and started again; its ports stay the same."""

    def __init__(self, state: Path, **environment: str) -> None:
        self.state, self.environment = state, environment
        self.gateway_port, self.live_port = free_port(), free_port()
        self.gateway = f"http://127.0.0.1:{self.gateway_port}"
        self.live = f"http://127.0.0.1:{self.live_port}"

    def start(self) -> "Emulator":
        environment = {
            "PATH": os.environ["PATH"],
            "GATEWAY_PORT": str(self.gateway_port),
            "CLICKLAKE_LIVE_PORT": str(self.live_port),
            "CLICKLAKE_STATE_DIR": str(self.state),
            "CLICKLAKE_ACCESS_KEY_ID": ACCESS_KEY,
            "CLICKLAKE_SECRET_ACCESS_KEY": SECRET_KEY,
            **self.environment,
        }
        self.process = subprocess.Popen(
            [PYTHON, "-m", "clicklake.local.emulator"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )
        assert self.process.stdout
        ready = self.process.stdout.readline()
        assert ready.startswith("ready "), f"the emulator printed {ready!r}"
        return self

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        code = self.process.wait(30)
        assert self.process.stdout
        self.process.stdout.close()
        if number == signal.SIGKILL:  # its functions' processes outlive it
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        return code

    def client(self, service: str, attempts: int = 1, **changes: Any) -> Any:
        config = Config(retries={"total_max_attempts": attempts}, connect_timeout=5, read_timeout=30)
        options = {"endpoint_url": self.gateway, "config": config, **KEYS, **changes}
        return boto3.client(service, **options)  # type: ignore[call-overload]

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.live + path, timeout=10) as response:
            return json.loads(response.read())

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        data = json.dumps(body if body is not None else {}).encode()
        request = urllib.request.Request(self.live + path, data, headers, method="POST")
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.loads(response.read())


def wait_until(condition: Callable[[], Any], seconds: float = LANDED_SECONDS) -> Any:
    """Return the first true result of `condition`. Fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, f"nothing happened within {seconds:.0f} s"
        time.sleep(0.02)
    return result


def settled(emulator: Emulator) -> dict[str, Any]:
    """Wait until all accepted records have landed. Return the totals."""

    def nothing_waits() -> dict[str, Any] | None:
        status: dict[str, Any] = emulator.get("/status")
        return status if status["waiting"] == 0 else None

    totals: dict[str, Any] = wait_until(nothing_waits)
    return totals


def zipped(source: Path) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("processor.py", source.read_text())
    return archive.getvalue()


def deploy(emulator: Emulator, name: str, *, retries: int = 3, timeout: int = 5) -> None:
    """Create a role, a bucket, a function (`timeout` in seconds) and a stream, all called `name`."""
    iam, lambdas, s3 = (emulator.client(service) for service in ("iam", "lambda", "s3"))
    trust = {"Version": "2012-10-17", "Statement": []}
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    s3.create_bucket(Bucket=name)
    source = Path(__file__).with_name("processor_under_test.py")
    function = lambdas.create_function(
        FunctionName=name,
        Runtime="python3.11",
        Role=role,
        Handler="processor.handler",
        Code={"ZipFile": zipped(source)},
        Timeout=timeout,
    )["FunctionArn"]
    emulator.client("firehose").create_delivery_stream(
        DeliveryStreamName=name,
        ExtendedS3DestinationConfiguration=destination(name, role, function, retries),
    )


def put(emulator: Emulator, stream: str, *data: bytes) -> None:
    records = [{"Data": payload} for payload in data]
    response = emulator.client("firehose").put_record_batch(DeliveryStreamName=stream, Records=records)
    assert response["FailedPutCount"] == 0


def destination(bucket: str, role: str, function: str, retries: int) -> dict[str, Any]:
    return {
        "RoleARN": role,
        "BucketARN": f"arn:aws:s3:::{bucket}",
        "Prefix": "clicks/dt=!{timestamp:yyyy-MM-dd}/hr=!{timestamp:HH}/",
        "ErrorOutputPrefix": "failed/!{firehose:error-output-type}/dt=!{timestamp:yyyy-MM-dd}/",
        "CompressionFormat": "GZIP",
        "BufferingHints": {"IntervalInSeconds": 60, "SizeInMBs": 5},
        "S3BackupMode": "Enabled",
        "S3BackupConfiguration": {
            "RoleARN": role,
            "BucketARN": f"arn:aws:s3:::{bucket}",
            "Prefix": "raw/dt=!{timestamp:yyyy-MM-dd}/hr=!{timestamp:HH}/",
            "CompressionFormat": "GZIP",
        },
        "ProcessingConfiguration": {
            "Enabled": True,
            "Processors": [
                {
                    "Type": "Lambda",
                    "Parameters": [
                        {"ParameterName": "LambdaArn", "ParameterValue": function},
                        {"ParameterName": "NumberOfRetries", "ParameterValue": str(retries)},
                    ],
                }
            ],
        },
    }


def objects(emulator: Emulator, bucket: str, prefix: str = "") -> Iterator[tuple[str, bytes]]:
    s3 = emulator.client("s3")
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for found in page.get("Contents", []):
            yield found["Key"], s3.get_object(Bucket=bucket, Key=found["Key"])["Body"].read()
