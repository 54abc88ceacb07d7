"""A client that a generator makes from the description can send clicks, and its classes have good names."""

import subprocess
from pathlib import Path

import pytest

from tests.ingest_app.e2e.conftest import aws_environment
from tests.ingest_app.e2e.firehose_server import FirehoseServer
from tests.ingest_app.e2e.flask_run import FlaskRun
from tests.support.paths import ROOT

BIN = ROOT / ".run" / "envs" / "client" / "bin"

pytestmark = [pytest.mark.long, pytest.mark.e2e]

CLASSES = {
    *("Batch", "BrokenRule", "Click", "Description", "Element", "FieldError", "Health", "Index", "Links"),
    *("Position", "Problem", "ProblemCode", "Properties", "Receipt", "ReceiptResult", "Receipts"),
}

USE_THE_CLIENT = """
import sys
from generated import Client
from generated.api.about import get_health
from generated.api.clicks import post_clicks, put_clicks
from generated.models import Batch, Click, Element, Problem, Properties

client = Client(sys.argv[1])
properties = Properties()
properties["position"] = 3
click = Click(user_id="u-17", item_id="1", element=Element(tag="a"), properties=properties)
pageview = Click(type_="pageview", url="https://shop.example/")
one = post_clicks.sync(client=client, body=click)
assert (one.accepted, one.receipts[0].result) == (1, "accepted"), one
assert put_clicks.sync(client=client, body=[click, pageview]).accepted == 2
assert post_clicks.sync(client=client, body=Batch(clicks=[pageview])).accepted == 1
refused = post_clicks.sync(client=client, body=Click())
assert isinstance(refused, Problem), refused
assert (refused.code, refused.errors[0].field) == ("no_valid_click", "mysfitId"), refused
assert get_health.sync(client=client).status == "ok"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generate the client into this folder."""
    folder = tmp_path_factory.mktemp("client")
    made = subprocess.run(
        [
            *(BIN / "openapi-python-client", "generate", "--path", ROOT / "ingest_app" / "openapi.json"),
            *("--output-path", folder / "generated", "--meta", "none"),
        ],
        cwd=folder,
        env={"PATH": f"{BIN}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stderr
    # The generator knows no images. Nothing else may be missing from the client.
    printed = made.stdout + made.stderr
    assert printed.count("WARNING") == 1, printed
    assert "Unsupported content_type image/gif" in printed
    return folder


def test_every_class_of_the_client_has_a_name_that_reads_well(folder: Path) -> None:
    text = (folder / "generated" / "models" / "__init__.py").read_text()
    names = set(text.partition("__all__ = (")[2].partition(")")[0].replace('"', "").replace(",", "").split())
    assert names == CLASSES


def test_client_sends_a_click_an_array_and_a_batch(folder: Path, firehose: FirehoseServer) -> None:
    app = FlaskRun(aws_environment(firehose.url))
    try:
        used = subprocess.run(
            [BIN / "python", "-c", USE_THE_CLIENT, app.url], cwd=folder, capture_output=True, text=True
        )
    finally:
        app.close()
    assert used.returncode == 0, used.stderr
    sent = [click for envelope in firehose.envelopes for click in envelope["clicks"]]
    assert [click["type"] for click in sent] == ["click", "click", "pageview", "pageview"]
    assert sent[0]["properties"] == {"position": "3"}
