"""The shipped Lambda function in a process of its own, and the fake Firehose that it calls."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ingest_app.e2e.firehose_server import FirehoseServer, accept
from tests.ingest_app.e2e.lambda_function import LambdaFunction
from tests.support.paths import ROOT

EDGE_SECRET = "the-edge-secret"
VISITOR_KEY_TABLE = "clicklake-visitor-key-dev"


@pytest.fixture(scope="session")
def firehose_of_session() -> Iterator[FirehoseServer]:
    with FirehoseServer() as server:
        yield server


@pytest.fixture
def firehose(firehose_of_session: FirehoseServer) -> FirehoseServer:
    """A Firehose that accepts everything and is still empty."""
    firehose_of_session.behave(accept)
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
    """The shipped Lambda function, with a Firehose that accepts everything."""
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
    """Let Zappa write the settings module of the bundle from the committed settings."""
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
        "VISITOR_KEY_TABLE": VISITOR_KEY_TABLE,
    }
    text = output.read_text()
    assert "ENVIRONMENT_VARIABLES={}" in text
    output.write_text(text.replace("ENVIRONMENT_VARIABLES={}", f"ENVIRONMENT_VARIABLES={baked!r}"))
