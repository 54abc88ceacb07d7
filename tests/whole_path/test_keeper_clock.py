"""`make run` runs the keeper on a short clock: its results and its mail can be seen within minutes."""

import json
import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests

from tests.support.lakes import TestLake, click
from tests.support.landed import eventually
from tests.support.paths import ENVS, ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

SECONDS = 180
JOBS = {"compact", "reconcile", "key", "mail"}
BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    ports = [f"--{name}-port=0" for name in ("api", "s3", "live", "dashboard")]
    command = [str(ENVS / "cli" / "bin" / "python"), "-m", "clicklake", "run", "--dir", str(tmp_path), *ports]
    environment = dict(os.environ) | {"CLICKLAKE_KEEPER_SECONDS": "2"}
    with (tmp_path / "run.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        assert eventually((tmp_path / "addresses.json").exists, seconds=SECONDS), (
            tmp_path / "run.log"
        ).read_text()
        yield tmp_path
    finally:
        process.terminate()
        process.wait(60)


def test_every_job_of_the_keeper_can_be_seen(folder: Path) -> None:
    addresses = json.loads((folder / "addresses.json").read_text())
    sent = requests.put(f"{addresses['api']}/clicks", json=click(), headers=BROWSER, timeout=30)
    sent.raise_for_status()
    lake = TestLake(addresses["bucket"], client(addresses, "s3"))
    key = f"keeper/dt={datetime.now(UTC):%Y-%m-%d}/mail.json"

    def mailed() -> bool:
        return key in lake.keys(key) and ": 1 click on" in json.loads(lake.body(key))["subject"]

    assert eventually(mailed, seconds=SECONDS), (folder / "log" / "keeper.log").read_text()
    # A job writes its result to S3 before the clock writes what the job returned to the log.
    assert eventually(lambda: jobs(folder) == JOBS, seconds=SECONDS), jobs(folder)
    assert [
        entry for entry in logged(folder) if "errorMessage" in entry["result"] or "error" in entry["result"]
    ] == []
    sqs = client(addresses, "sqs")
    url = sqs.get_queue_url(QueueName="clicklake-alarms-dev")["QueueUrl"]
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    mails = [json.loads(message["Body"]) for message in messages]
    assert any(mail["Subject"].startswith("Clicklake dev: 1 click on") for mail in mails)
    assert all("Dashboard: http://127.0.0.1:" in mail["Message"] for mail in mails)


def logged(folder: Path) -> list[dict[str, Any]]:
    """Return the log's whole lines; the keeper may be writing another one."""
    text = (folder / "log" / "keeper.log").read_text()
    return [json.loads(line) for line in text.rpartition("\n")[0].splitlines()]


def jobs(folder: Path) -> set[str]:
    return {entry["event"]["job"] for entry in logged(folder)}


def client(addresses: dict[str, str], service: str) -> Any:
    keys: Any = {
        "aws_access_key_id": addresses["accessKeyId"],
        "aws_secret_access_key": addresses["secretAccessKey"],
    }
    options = {"endpoint_url": addresses["s3"], "region_name": "us-east-1", **keys}
    return boto3.client(service, **options)  # type: ignore[call-overload]
