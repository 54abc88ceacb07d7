"""`clicklake run` ends with Ctrl-C, and a second run continues where the first ended."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import boto3
import pytest
import requests

from clicklake.local.addresses import LocalKeys
from clicklake.local.command import KEYS
from clicklake.local.launcher import QUIET_AWS
from clicklake.local.ports import is_free
from tests.support.landed import EVANGELINE, Lake, eventually
from tests.support.paths import ENVS, ROOT
from tests.whole_path.conftest import ANY_PORTS, START_SECONDS

pytestmark = pytest.mark.e2e

DEAD_PROXY = "http://127.0.0.1:9"  # the discard port, where no server listens
COMMAND = [str(ENVS / "cli" / "bin" / "python"), "-m", "clicklake", "run"]


@contextmanager
def run(
    folder: Path, *options: str, **environment: str
) -> Iterator[tuple[dict[str, str], "subprocess.Popen[bytes]"]]:
    """Run the cloud with its output in the file `out`. End it as Ctrl-C does."""
    with (folder / "out").open("wb") as out:
        command = [*COMMAND, "--dir", str(folder), *ANY_PORTS, *options]
        changed = os.environ | environment
        running = subprocess.Popen(command, cwd=ROOT, env=changed, stdout=out, stderr=out)
    file = folder / "addresses.json"
    try:
        assert eventually(lambda: file.exists() or running.poll() is not None, seconds=START_SECONDS)
        yield json.loads(file.read_text()), running
    finally:
        running.send_signal(signal.SIGINT)
        running.wait(30)


def test_the_cloud_runs_from_a_path_with_a_space(
    spaced_checkout: Path, addresses: dict[str, str], request: pytest.FixtureRequest
) -> None:
    if request.config.getoption("--api"):
        pytest.skip("needs a cloud on this machine: run without --api")
    assert " " in str(spaced_checkout)
    assert not list(spaced_checkout.glob(".run/envs/*/bin/flask"))  # no script could run
    assert requests.get(f"{addresses['api']}/health", timeout=10).ok
    assert Path(spaced_checkout, ".run", "addresses.json").exists()


def test_ctrl_c_stops_everything_and_a_second_run_has_the_clicks_of_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with run(tmp_path) as (addresses, running):
        # The click is accepted, but has hardly landed when Ctrl-C comes. The stream must not lose it.
        response = requests.post(f"{addresses['api']}/clicks", json={"mysfitId": EVANGELINE}, timeout=30)
        event_id = response.json()["receipts"][0]["eventId"]
        assert "Clicklake" in requests.get(addresses["dashboard"], timeout=30).text
        assert requests.get(addresses["dashboard"].partition("?")[0], timeout=30).status_code == 401
    assert running.returncode == 0
    assert (tmp_path / "out").read_text().endswith("stopped\n")
    assert not (tmp_path / "addresses.json").exists()
    ports = [urlsplit(addresses[name]).port or 0 for name in ("api", "s3", "live", "dashboard")]
    assert all(is_free(port) for port in ports)
    assert not _processes_that_name(tmp_path)

    with run(tmp_path, "--json") as (addresses, _):
        keys = LocalKeys(addresses["accessKeyId"], addresses["secretAccessKey"])
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it has the keys of other tests
        for name, value in (QUIET_AWS | keys.environment(addresses["s3"])).items():
            monkeypatch.setenv(name, value)
        assert Lake(addresses["bucket"], delivery_seconds=20).line_of(event_id)["itemLookup"] == "found"
        requests.post(f"{addresses['api']}/clicks", json={"userId": "u-18", "mysfitId": "m"}, timeout=30)
        assert eventually(lambda: "u-18" in (tmp_path / "out").read_text(), seconds=20)
    starting, *printed, _, stopped = (tmp_path / "out").read_text().splitlines()
    assert (starting, stopped) == ("starting …", "stopped")  # on stderr
    first, *clicks = map(json.loads, printed)
    assert first == {name: value for name, value in addresses.items() if name not in KEYS}
    assert [click["event"] for click in clicks if click["document"]["userId"] == "u-18"] == ["delivered"]


class _Catalogue(BaseHTTPRequestHandler):
    """A shop's own catalogue, which knows every item."""

    def do_GET(self) -> None:
        body = json.dumps({"brand": "Acme", "path": self.path}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Print nothing."""


def test_own_shop_has_its_field_and_its_catalogues_attributes_behind_a_proxy(tmp_path: Path) -> None:
    catalogue = ThreadingHTTPServer(("127.0.0.1", 0), _Catalogue)
    Thread(target=catalogue.serve_forever, daemon=True).start()
    settings = {
        "ITEM_ID_FIELD": "sku",
        "CATALOGUE_URL": f"http://127.0.0.1:{catalogue.server_port}/items/{{id}}.json",
        "CATALOGUE_ATTRIBUTES": "brand",
        "HTTP_PROXY": DEAD_PROXY,
        "http_proxy": DEAD_PROXY,
        "NO_PROXY": "",
        "no_proxy": "",
    }
    with run(tmp_path, **settings) as (addresses, _):
        click = {"sku": "A-1", "userId": "u-17"}
        assert requests.post(f"{addresses['api']}/clicks", json=click, timeout=30).status_code == 202
        lines = eventually(
            lambda: requests.get(f"{addresses['live']}delivered", timeout=10).json(), seconds=20
        )
        assert eventually(lambda: "u-17" in (tmp_path / "out").read_text(), seconds=10)
    catalogue.shutdown()
    catalogue.server_close()
    assert (lines[0]["sku"], lines[0]["itemLookup"], lines[0]["brand"]) == ("A-1", "found", "Acme")
    printed = (tmp_path / "out").read_text()
    assert '"sku":"your-item"' in printed
    assert re.search(r"^\d\d:\d\d:\d\d  click  A-1  u-17  ", printed, re.MULTILINE)
    assert "requestId" not in printed


def _processes_that_name(folder: Path) -> list[str]:
    """Return the processes whose command line or environment names the folder, if there is a /proc."""
    found = []
    for process in Path("/proc").glob("[0-9]*") if Path("/proc").exists() else []:
        try:
            text = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:  # it ended meanwhile, or belongs to another user
            continue
        if os.fsencode(folder) in text and int(process.name) != os.getpid():
            found.append(text.decode(errors="replace"))
    return found
