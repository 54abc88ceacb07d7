"""`tail` shows what lands, once, and as text."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from clicklake.tail.command import click_line, failed_line
from tests.support.lakes import NOON, TestLake, click, document, envelope, line, new_id
from tests.support.paths import ROOT

HOSTILE = "\x1b]0;owned\x07\n\u202etxt.exe\u2028<script>=cmd()"


def test_a_line_tells_what_was_clicked_and_what_was_found_out() -> None:
    shown = click_line(json.loads(line(new_id(), species="Chimera", path="/index.html", bot="curl")))
    for each in (
        "click",
        "guest",
        "4e53920c-505a-4a90-a694-b9300791f0ae",
        "Chimera",
        "found",
        "/index.html",
        "bot: curl",
    ):
        assert each in shown


def test_a_failed_record_tells_why_and_how_many_clicks_it_holds() -> None:
    record = envelope([click(), click()])
    assert (
        failed_line(document(record, code="Lambda.FunctionError")) == "failed  Lambda.FunctionError  2 clicks"
    )
    assert failed_line(document(b"garbage")) == "failed  Lambda.FunctionError  no envelope"


@pytest.mark.parametrize("field", ["userId", "type", "mysfitId", "path", "species", "browser", "receivedAt"])
def test_whatever_a_stranger_wrote_is_one_line_of_text(field: str) -> None:
    shown = click_line(json.loads(line(new_id())) | {field: HOSTILE})
    assert shown.isprintable()
    assert r"\x1b]0;owned\x07\x0a\u202etxt.exe\u2028<script>=cmd()" in shown


@pytest.mark.parametrize(
    "shown", [click_line(HOSTILE), failed_line(HOSTILE.encode()), failed_line(document(b"", HOSTILE))]
)
def test_what_is_no_line_is_text_too(shown: str) -> None:
    assert shown.isprintable()


@pytest.fixture
def tail(lake: TestLake, aws_env: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    since = datetime.now(UTC) - timedelta(seconds=5)
    command = [sys.executable, "-m", "clicklake", "tail", "--bucket", lake.bucket, "--json"]
    command += ["--interval", "0.1", "--since", since.isoformat()]
    started = subprocess.Popen(
        command, cwd=ROOT, env=aws_env | {"PYTHONUNBUFFERED": "1"}, stdout=subprocess.PIPE, text=True
    )
    with started:
        yield started
        started.send_signal(signal.SIGINT)
        try:
            assert started.wait(20) == 0
        finally:
            started.kill()


def test_each_click_is_shown_once_as_it_lands(lake: TestLake, tail: "subprocess.Popen[str]") -> None:
    assert tail.stdout
    now = datetime.now(UTC)
    lake.put("clicks", [line(new_id())], at=NOON)  # long past: not what lands now
    for number in range(3):
        lake.put("clicks", [line(new_id(), title=f"{number} \u202e")], at=now)
        shown = tail.stdout.readline()
        assert shown.isascii()
        assert json.loads(shown)["title"] == f"{number} \u202e"
    lake.put("failed", [document(envelope([click()]), at=now)], at=now)
    assert json.loads(tail.stdout.readline())["errorCode"] == "Lambda.FunctionError"
