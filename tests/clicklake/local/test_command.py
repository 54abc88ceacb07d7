"""What `run` prints, and what it refuses before it starts anything."""

import re
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from clicklake.cli.group import main
from clicklake.local.command import MAX_LINE_CHARACTERS, summary_of, welcome
from clicklake.local.shop import Shop
from tests.support.paths import ROOT

ADDRESSES = {
    "dashboard": "http://127.0.0.1:4568/?token=…",
    "site": "http://127.0.0.1:4566/clicklake-site-dev/index.html",
    "api": "http://127.0.0.1:5050",
    "live": "http://127.0.0.1:4567/",
    "s3": "http://127.0.0.1:4566",
    "bucket": "…",
}


def run(folder: Path, *options: str) -> Result:
    ports = ("--api-port", "0", "--s3-port", "0", "--live-port", "0", "--dashboard-port", "0")
    return CliRunner().invoke(main, ["run", "--dir", str(folder), *ports, *options])


def test_it_prints_the_addresses_and_commands_of_the_readme() -> None:
    section = (ROOT / "README.md").read_text().split("\n## Run it\n")[1].split("\n## ")[0]
    indented = {re.sub(r"\s+", " ", line).strip() for line in section.splitlines() if line.startswith("    ")}
    printed = {re.sub(r"\s+", " ", line).strip() for line in welcome(ADDRESSES, Shop()).splitlines()}
    assert indented - {"make run"} <= printed
    assert len(indented) > 6


def test_the_printed_commands_use_the_ports_in_use() -> None:
    printed = welcome(ADDRESSES | {"api": "http://127.0.0.1:5051", "live": "http://127.0.0.1:4601/"}, Shop())
    assert "curl -X PUT http://127.0.0.1:5051/clicks " in printed
    assert "curl http://127.0.0.1:4601/delivered\n" in printed


@pytest.mark.e2e
def test_a_taken_port_is_reported_with_its_setting(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run(tmp_path, "--api-port", str(port))
    assert (ended.exit_code, f"API_PORT={port} is in use" in ended.stderr) == (2, True), ended.stderr


@pytest.mark.e2e  # looks for free ports
@pytest.mark.parametrize(
    ("constant", "target"),
    [("ENVS", "make .run/envs/emulator.ready"), ("STAGE", "make .run/stage.ready")],
)
def test_a_missing_prerequisite_is_reported_with_its_make_target(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, constant: str, target: str
) -> None:
    monkeypatch.setattr(f"clicklake.deploy.prerequisites.{constant}", tmp_path / "nothing")
    if constant == "STAGE":  # a fresh test environment need not have the others
        monkeypatch.setattr("clicklake.local.launcher.environment_python", lambda name: Path("python"))
    ended = run(tmp_path / "cloud")
    assert (ended.exit_code, target in ended.stderr) == (2, True), ended.stderr
    assert ended.stderr.count("\n") == 1
    assert not (tmp_path / "cloud").exists()


LINE = {
    "type": "click",
    "userId": "u-17",
    "mysfitId": "4e53920c-505a-4a90-a694-b9300791f0ae",
    "eventId": "0e2f7b8a-1f1d-4d3c-9a52-6b7f0a4c1d01",
    "receivedAt": "2026-11-24T02:38:02.123Z",
    "host": "mysfits.example",
    "path": "/index.html",
    "browser": "Chrome",
    "itemLookup": "found",
}


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({}, "click  4e53920c-505a-4a90-a694-b9300791f0ae  u-17  mysfits.example/index.html  Chrome"),
        ({"name": "Evangeline"}, "click  Evangeline  u-17  mysfits.example/index.html  Chrome"),
        ({"itemLookup": "not_found"}, "Chrome  item not_found"),
        ({"bot": "tool"}, "Chrome  bot: tool"),
        ({"type": "pageview", "mysfitId": None, "itemLookup": "none"}, "pageview  u-17  mysfits.example"),
    ],
)
def test_a_click_is_one_short_line(changes: dict[str, object], shown: str) -> None:
    line = summary_of("mysfitId", "delivered", LINE | changes)
    assert re.match(r"\d\d:\d\d:\d\d  ", line)
    assert shown in line
    assert "{" not in line


def test_a_failure_is_one_line_with_its_reason() -> None:
    document = {"errorCode": "Lambda.FunctionError", "errorMessage": "timed out", "rawData": "eyJ9"}
    assert summary_of("mysfitId", "failed", document) == "failed  Lambda.FunctionError  timed out"


@pytest.mark.parametrize("value", ["\x1b[2J", "two\nlines", "a\u202eb", "x" * 5000, 5, None, ["a"], {"b": 1}])
def test_no_value_of_a_stranger_breaks_the_line(value: object) -> None:
    for document in (dict.fromkeys(LINE, value), value, dict.fromkeys(("errorCode", "errorMessage"), value)):
        for event in ("delivered", "failed"):
            line = summary_of("mysfitId", event, document)
            assert len(line) <= MAX_LINE_CHARACTERS
            assert not set(line) & set("\x1b\n\u202e")
