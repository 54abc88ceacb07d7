"""`make run` as its user meets it: a taken port, Ctrl-C, a second start."""

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from clicklake.local.launcher import AWS_ENV
from clicklake.local.ports import is_free
from tests.support.landed import EVANGELINE, Lake, eventually
from tests.support.paths import ENVS, ROOT
from tests.whole_path.conftest import START_SECONDS

pytestmark = pytest.mark.e2e

COMMAND = [str(ENVS / "cli" / "bin" / "python"), "-m", "clicklake", "run"]
ANY_PORTS = ["--api-port", "0", "--s3-port", "0", "--live-port", "0"]


@contextmanager
def run(folder: Path) -> Iterator[tuple[dict[str, str], "subprocess.Popen[bytes]"]]:
    """What `make run` starts, its output in the file `out`; ended by Ctrl-C, as its user ends it."""
    with (folder / "out").open("wb") as out:
        command = [*COMMAND, "--dir", str(folder), *ANY_PORTS]
        running = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out)
    file = folder / "addresses.json"
    try:
        assert eventually(lambda: file.exists() or running.poll() is not None, seconds=START_SECONDS)
        yield json.loads(file.read_text()), running
    finally:
        running.send_signal(signal.SIGINT)
        running.wait(30)


def test_a_taken_port_is_reported_with_its_setting(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [*COMMAND, "--dir", str(tmp_path), *ANY_PORTS, "--api-port", str(port)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"API_PORT={port} is in use" in done.stderr


def test_ctrl_c_stops_everything_and_a_second_run_has_the_clicks_of_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with run(tmp_path) as (addresses, running):
        # Answered, but hardly landed when Ctrl-C comes: the stream must not lose it.
        answer = requests.post(f"{addresses['api']}/clicks", json={"mysfitId": EVANGELINE}, timeout=30)
        event_id = answer.json()["receipts"][0]["eventId"]
    assert running.returncode == 0
    assert (tmp_path / "out").read_text().endswith("stopped\n")
    assert not (tmp_path / "addresses.json").exists()
    ports = [
        int(address.rstrip("/").rsplit(":", 1)[1])
        for address in (addresses["api"], addresses["s3"], addresses["live"])
    ]
    assert all(is_free(port) for port in ports)
    assert not _processes_that_name(tmp_path)

    with run(tmp_path) as (addresses, _):
        for name, value in (AWS_ENV | {"AWS_ENDPOINT_URL": addresses["s3"]}).items():
            monkeypatch.setenv(name, value)
        assert Lake(addresses["bucket"], delivery_seconds=20).line_of(event_id)["itemLookup"] == "found"


def _processes_that_name(folder: Path) -> list[str]:
    """The command lines and environments on this machine that mention the folder; where /proc tells."""
    found = []
    for process in Path("/proc").glob("[0-9]*") if Path("/proc").exists() else []:
        try:
            told = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:  # ended while we looked, or not ours to read
            continue
        if os.fsencode(folder) in told and int(process.name) != os.getpid():
            found.append(told.decode(errors="replace"))
    return found
