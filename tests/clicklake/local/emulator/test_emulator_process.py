"""The emulator as a process: what it binds, how it ends, and what survives it."""

import os
import signal
import socket
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.emulator import ACCESS_KEY, PYTHON, SECRET_KEY, Emulator, deploy, objects, put, settled
from tests.support.paths import ROOT

pytestmark = pytest.mark.emulator

MANY = [b'{"n":%d}' % n for n in range(500)]


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Emulator]:
    """An emulator that the test may kill."""
    running = Emulator(tmp_path / "state", CLICKLAKE_MAX_BUFFER_SECONDS="60").start()
    deploy(running, "clicks-1")
    yield running
    if running.process.poll() is None:
        running.stop(signal.SIGKILL)


def numbers(emulator: Emulator) -> Counter[int]:
    return Counter(line["n"] for line in emulator.get("/delivered"))


def test_sigterm_delivers_buffered_records_and_the_lake_survives_the_restart(own: Emulator) -> None:
    put(own, "clicks-1", *MANY)
    assert own.get("/status")["waiting"] == 500
    assert own.stop(signal.SIGTERM) == 0
    own.start()
    assert {key.split("/")[0] for key, _ in objects(own, "clicks-1")} == {"clicks", "raw"}
    assert own.get("/status")["waiting"] == 0
    put(own, "clicks-1", b'{"n":1}')  # stream, function and role came back too
    own.post("/reset")


def test_sigkill_with_a_full_buffer_loses_nothing(own: Emulator) -> None:
    own.post("/save")
    for data in (MANY[:250], MANY[250:]):
        put(own, "clicks-1", *data)
    own.stop(signal.SIGKILL)
    assert list(own.state.joinpath("s3").rglob("clicks/*")) == []
    own.environment["CLICKLAKE_MAX_BUFFER_SECONDS"] = "0.1"
    own.start()
    assert settled(own)["delivered"] == 500
    assert numbers(own) == Counter(range(500))
    assert sorted(record["n"] for record in own.get("/raw")) == list(range(500))


def test_records_wait_for_their_stream_until_it_is_created_again(own: Emulator) -> None:
    put(own, "clicks-1", b'{"n":1}')
    own.stop(signal.SIGKILL)  # the control plane was never saved: no stream after the start
    own.environment["CLICKLAKE_MAX_BUFFER_SECONDS"] = "0.1"
    own.start()
    assert own.client("firehose").list_delivery_streams()["DeliveryStreamNames"] == []
    deploy(own, "clicks-1")
    put(own, "clicks-1", b'{"n":2}')
    assert settled(own)["delivered"] == 2
    assert numbers(own) == Counter([1, 2])


def sockets_of(pid: int) -> set[str]:
    links = Path(f"/proc/{pid}/fd")
    targets = (os.readlink(link) for link in links.iterdir() if link.is_symlink())
    return {target[len("socket:[") : -1] for target in targets if target.startswith("socket:[")}


@pytest.mark.skipif(not Path("/proc/self/net/tcp").exists(), reason="reads /proc: run `make test` on Linux")
def test_only_loopback_is_listened_on(emulator: Emulator) -> None:
    own, listening = sockets_of(emulator.process.pid), set()
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/{emulator.process.pid}/net/{table}").read_text().splitlines()[1:]:
            _, local, _, state, *rest = line.split()
            if rest[5] in own and (state == "0A" or table.startswith("udp")):
                listening.add(local)
    ports = (emulator.gateway_port, emulator.live_port)
    assert listening == {f"0100007F:{port:04X}" for port in ports}


@pytest.mark.parametrize("taken", ["GATEWAY_PORT", "CLICKLAKE_LIVE_PORT"])
def test_taken_port_ends_the_start_and_is_named(tmp_path: Path, taken: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        environment = {
            "PATH": os.environ["PATH"],
            "CLICKLAKE_STATE_DIR": str(tmp_path),
            "CLICKLAKE_ACCESS_KEY_ID": ACCESS_KEY,
            "CLICKLAKE_SECRET_ACCESS_KEY": SECRET_KEY,
            "GATEWAY_PORT": "0",
            "CLICKLAKE_LIVE_PORT": "0",
            taken: port,
        }
        ended = start_and_wait(["-m", "clicklake.local.emulator"], environment)
    assert ended.returncode == 1
    assert f"port {port}: " in ended.stderr


def test_another_version_of_ministack_ends_the_start() -> None:
    code = "from clicklake.local.emulator import ministack as m; m.MINISTACK_VERSION = '0.1'; m.MiniStack()"
    ended = start_and_wait(["-c", code], {})
    assert ended.returncode == 1
    assert "was written for 0.1" in ended.stderr


def start_and_wait(arguments: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PYTHON, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )
