"""What happens to clicks while the catalogue or Firehose is down."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
import requests

from clicklake.local.ports import free_port
from tests.support.landed import EVANGELINE, Lake, eventually
from tests.support.paths import ENVS, ROOT

pytestmark = pytest.mark.e2e


@pytest.fixture
def catalogue_down(addresses: dict[str, str], lake: Lake) -> Iterator[None]:
    """Point the processor to a catalogue that does not exist."""
    if "s3" not in addresses:
        pytest.skip("changes the processor's settings: run without --api")
    functions = boto3.client("lambda")
    (stack,) = boto3.client("cloudformation").describe_stacks(StackName="clicklake-lake-dev")["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    name = outputs["ProcessorFunctionName"]
    before = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    nowhere = before | {"CATALOGUE_URL": f"http://127.0.0.1:{free_port()}/{{id}}"}
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": nowhere})
    yield
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": before})


@pytest.mark.usefixtures("catalogue_down")
def test_clicks_land_while_the_catalogue_is_down_and_are_marked(api: str, lake: Lake) -> None:
    response = requests.post(f"{api}/clicks", json={"mysfitId": EVANGELINE}, timeout=30)
    assert response.status_code == 202
    line = lake.line_of(response.json()["receipts"][0]["eventId"])
    assert line["itemLookup"] == "unavailable"
    assert "species" not in line


@pytest.fixture
def api_without_firehose(aws_env: dict[str, str], tmp_path: Path) -> Iterator[str]:
    """Start an ingest app whose AWS endpoint does not exist."""
    port = free_port()
    nowhere = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}", "CLICK_STREAM": "clicklake-dev"}
    python = ENVS / "ingest" / "bin" / "python"
    command: list[str | Path] = [python, "-m", "flask", "--app", "ingest_app", "run", "--port", str(port)]
    with (tmp_path / "log").open("wb") as log:
        app = subprocess.Popen(command, cwd=ROOT, env=aws_env | nowhere, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        assert eventually(lambda: _answers(url)), (tmp_path / "log").read_text()
        yield url
    finally:
        app.terminate()
        app.wait(10)


def test_without_firehose_no_click_is_reported_as_accepted(api_without_firehose: str) -> None:
    started = time.monotonic()
    response = requests.post(f"{api_without_firehose}/clicks", json={"mysfitId": "m"}, timeout=30)
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0
    assert response.headers["Content-Type"].startswith("application/problem+json")
    assert "receipts" not in response.json()
    assert time.monotonic() - started < 15  # the contract allows 10 s in all; the rest is for a slow machine


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/health", timeout=1).ok
    except requests.ConnectionError:
        return False
