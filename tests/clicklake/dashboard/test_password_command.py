"""`clicklake dashboard-password`: asks twice, or reads stdin, and ends every session and pause."""

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from clicklake.cli.group import main
from clicklake.dashboard.access.attempts import TRIES_OF_ONE, Attempts, PausedError
from clicklake.dashboard.access.password import is_right, parse_password
from clicklake.dashboard.shared_state import SharedState
from clicklake.lake.bucket import Lake
from tests.support.lakes import Commands, TestLake

pytestmark = pytest.mark.emulator

PASSWORD = "twelve tall trolls"


@pytest.fixture
def state(lake: TestLake) -> SharedState:
    return SharedState(Lake(lake.bucket, {}, lake.s3))


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A person at a terminal, who types these answers."""

    def type_in(*answers: str) -> None:
        given = iter(answers)
        monkeypatch.setattr(sys, "stdin", type("Terminal", (), {"isatty": lambda _: True})())
        monkeypatch.setattr("getpass.getpass", lambda _: next(given))

    return type_in


def run(bucket: str, *options: str) -> int:
    try:
        main(["dashboard-password", "--bucket", bucket, *options])
    except SystemExit as ended:
        return int(ended.code or 0)
    raise AssertionError("the command did not end")


def test_a_password_that_is_typed_twice_is_stored(
    lake: TestLake, state: SharedState, typed: Any, clicklake: Commands, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(PASSWORD, PASSWORD)
    assert run(lake.bucket, "--json") == 0
    assert json.loads(capsys.readouterr().out)["bucket"] == lake.bucket
    stored = parse_password(state.read("password.json").document)
    assert stored
    assert is_right(stored, PASSWORD)
    assert PASSWORD.encode() not in lake.body("dashboard/password.json")


def test_two_different_passwords_change_nothing(
    lake: TestLake, state: SharedState, typed: Any, clicklake: Commands, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(PASSWORD, f"{PASSWORD}!")
    assert run(lake.bucket) == 2
    assert "the two passwords are different; nothing was changed" in capsys.readouterr().err
    assert state.read("password.json").document is None


def test_a_short_password_is_refused_with_the_rule(
    lake: TestLake, state: SharedState, typed: Any, clicklake: Commands, capsys: pytest.CaptureFixture[str]
) -> None:
    typed("troll", "troll")
    assert run(lake.bucket) == 2
    assert "the password has 5 characters: it needs 12 to 256" in capsys.readouterr().err
    assert state.read("password.json").document is None


def test_a_new_password_ends_the_pause_and_the_old_key(
    lake: TestLake, state: SharedState, typed: Any, clicklake: Commands
) -> None:
    typed(PASSWORD, PASSWORD)
    assert run(lake.bucket) == 0
    first = parse_password(state.read("password.json").document)
    tries = Attempts(state, lambda: datetime.now(UTC))
    for _ in range(TRIES_OF_ONE):
        tries.enter("network a")
    with pytest.raises(PausedError):
        tries.enter("network a")
    typed(PASSWORD, PASSWORD)
    assert run(lake.bucket) == 0
    tries.enter("network a")
    second = parse_password(state.read("password.json").document)
    assert first
    assert second
    assert first.signing_key != second.signing_key


def test_state_that_strangers_change_all_the_time_is_a_clear_error(
    lake: TestLake,
    typed: Any,
    clicklake: Commands,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    typed(PASSWORD, PASSWORD)
    monkeypatch.setattr(SharedState, "replace", lambda *_: False)  # somebody else is always faster
    assert run(lake.bucket) == 2
    assert "dashboard/password.json is changed again and again by others; run this" in capsys.readouterr().err
