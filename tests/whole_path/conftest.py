"""The whole way of a click: what `make run` starts or, with --api and --bucket, a stage deployed on AWS."""

import json
import os
import subprocess
from collections.abc import Iterator

import pytest

from tests.support.landed import Lake, eventually
from tests.support.paths import ENVS, ROOT

START_SECONDS = 90


@pytest.fixture(scope="session")
def addresses(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """Where everything is: as .run/addresses.json says, in a folder and on ports of this run's own."""
    if api := request.config.getoption("--api"):
        yield {"api": api.rstrip("/"), "bucket": request.config.getoption("--bucket")}
        return
    folder = tmp_path_factory.mktemp("cloud")
    command = [str(ENVS / "cli" / "bin" / "python"), "-m", "clicklake", "run", "--dir", str(folder)]
    command += ["--api-port", "0", "--s3-port", "0", "--live-port", "0"]
    with (folder / "run.log").open("wb") as log:
        cloud = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
    try:
        file = folder / "addresses.json"
        assert eventually(lambda: file.exists() or cloud.poll() is not None, seconds=START_SECONDS)
        assert file.exists(), (folder / "run.log").read_text()
        yield json.loads(file.read_text())
    finally:
        cloud.terminate()
        cloud.wait(30)


@pytest.fixture(scope="session")
def aws_env(addresses: dict[str, str]) -> dict[str, str]:
    """The environment of a user who works against the cloud under test."""
    if "s3" not in addresses:
        return dict(os.environ)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    region = {"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"}
    quiet = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_PAGER": "", "AWS_CONFIG_FILE": os.devnull}
    return clean | keys | region | quiet | {"AWS_ENDPOINT_URL": addresses["s3"]}


@pytest.fixture
def lake(addresses: dict[str, str], aws_env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Lake:
    for name, value in aws_env.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    return Lake(addresses["bucket"], delivery_seconds=20 if "s3" in addresses else 900)


@pytest.fixture
def api(addresses: dict[str, str]) -> str:
    return addresses["api"]
