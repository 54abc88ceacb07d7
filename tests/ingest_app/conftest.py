"""The app in this process, with a stream that keeps what it is given; the shipped entry point in its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from ingest_app import create_app
from ingest_app.settings import Settings
from tests.ingest_app.firehose_server import FirehoseServer, take
from tests.ingest_app.lambda_function import LambdaFunction
from tests.support.paths import ROOT

EDGE_SECRET = "the-edge-secret"
VISITOR_KEY = "the-visitor-key"


class ListStream:
    """A stream that takes everything."""

    def __init__(self) -> None:
        self.records: list[bytes] = []

    def put(self, record: bytes) -> None:
        self.records.append(record)

    @property
    def envelope(self) -> dict[str, Any]:
        """The only one."""
        (record,) = self.records
        assert record.endswith(b"\n")
        envelope: dict[str, Any] = json.loads(record)
        return envelope

    @property
    def click(self) -> dict[str, Any]:
        """The only one of the only envelope."""
        (click,) = self.envelope["clicks"]
        assert isinstance(click, dict)
        return click


@pytest.fixture
def stream() -> ListStream:
    return ListStream()


@pytest.fixture
def make_client(stream: ListStream) -> Callable[..., FlaskClient]:
    def make(**settings: Any) -> FlaskClient:
        return create_app(Settings("clicks", **settings), stream).test_client()

    return make


@pytest.fixture
def client(make_client: Callable[..., FlaskClient]) -> FlaskClient:
    return make_client()


@pytest.fixture(scope="session")
def firehose_of_session() -> Iterator[FirehoseServer]:
    with FirehoseServer() as server:
        yield server


@pytest.fixture
def firehose(firehose_of_session: FirehoseServer) -> FirehoseServer:
    """One that takes everything, and has taken nothing yet."""
    firehose_of_session.behave(take)
    return firehose_of_session


@pytest.fixture(scope="session")
def function_of_session(
    firehose_of_session: FirehoseServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LambdaFunction]:
    bundle = tmp_path_factory.mktemp("bundle")
    write_zappa_settings(bundle)
    function = LambdaFunction(bundle, aws_environment(firehose_of_session.url, MARK=str(bundle / "mark")))
    yield function
    function.close()


@pytest.fixture
def function(function_of_session: LambdaFunction, firehose: FirehoseServer) -> LambdaFunction:
    """The shipped entry point, and a stream that takes everything."""
    return function_of_session


def aws_environment(endpoint: str, **more: str) -> dict[str, str]:
    return {
        "CLICK_STREAM": "clicklake-dev",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        **more,
    }


def write_zappa_settings(bundle: Path) -> None:
    """The module that Zappa would put into the bundle, written by Zappa from the committed settings."""
    zappa = [str(Path(sys.executable).with_name("zappa")), "save-python-settings-file", "dev"]
    output = bundle / "zappa_settings.py"
    subprocess.run(
        [*zappa, "-o", str(output)],
        cwd=ROOT,
        env={**os.environ, "VIRTUAL_ENV": sys.prefix},
        check=True,
        capture_output=True,
    )
    baked = {
        "ALLOWED_ORIGINS": "https://mysfits.example",
        "EDGE_SECRET": EDGE_SECRET,
        "VISITOR_KEY": VISITOR_KEY,
    }
    text = output.read_text()
    assert "ENVIRONMENT_VARIABLES={}" in text
    output.write_text(text.replace("ENVIRONMENT_VARIABLES={}", f"ENVIRONMENT_VARIABLES={baked!r}"))
