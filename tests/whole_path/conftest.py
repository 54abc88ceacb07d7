"""The whole path of a click, in what `make run` starts or, with --api and --bucket, in a deployed stage."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from clicklake.local.addresses import LocalKeys
from tests.support.checkout import copy_to_a_path_with_a_space
from tests.support.landed import Lake, eventually

START_SECONDS = 90
ANY_PORTS = ("--api-port", "0", "--s3-port", "0", "--live-port", "0", "--dashboard-port", "0")


@pytest.fixture(scope="session")
def spaced_checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_to_a_path_with_a_space(tmp_path_factory.mktemp("cloud"))


@pytest.fixture(scope="session")
def addresses(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """The content of .run/addresses.json: everything runs from a path with a space, on free ports."""
    if api := request.config.getoption("--api"):
        yield {"api": api.rstrip("/"), "bucket": request.config.getoption("--bucket")}
        return
    checkout: Path = request.getfixturevalue("spaced_checkout")
    python = checkout / ".run" / "envs" / "cli" / "bin" / "python"
    command: list[str | Path] = [python, "-m", "clicklake", "run", *ANY_PORTS]
    output = checkout / "run.log"
    with output.open("wb") as log:
        environment = dict(os.environ) | {"CLICKLAKE_KEEPER_SECONDS": "0"}
        cloud = subprocess.Popen(command, cwd=checkout, env=environment, stdout=log, stderr=log)
    try:
        file = checkout / ".run" / "addresses.json"
        assert eventually(lambda: file.exists() or cloud.poll() is not None, seconds=START_SECONDS)
        assert file.exists(), output.read_text()
        yield json.loads(file.read_text())
    finally:
        cloud.terminate()
        cloud.wait(30)


@pytest.fixture(scope="session")
def aws_env(addresses: dict[str, str]) -> dict[str, str]:
    """The environment of a user who works with the cloud under test."""
    if "s3" not in addresses:
        return dict(os.environ)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    keys = LocalKeys(addresses["accessKeyId"], addresses["secretAccessKey"])
    quiet = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_PAGER": "", "AWS_CONFIG_FILE": os.devnull}
    return clean | quiet | keys.environment(addresses["s3"])


@pytest.fixture
def lake(addresses: dict[str, str], aws_env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Lake:
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it has the keys of other tests
    for name, value in aws_env.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    return Lake(addresses["bucket"], delivery_seconds=20 if "s3" in addresses else 900)


@pytest.fixture
def api(addresses: dict[str, str]) -> str:
    return addresses["api"]
