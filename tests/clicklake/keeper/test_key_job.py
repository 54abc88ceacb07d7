"""The keeper's key job turns the key of an idle stage exactly as the ingest app would have."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from clicklake.keeper.results import read_result, result_key
from clicklake.lake.bucket import Lake
from ingest_app.aws.visitor_key_table import VisitorKeyTable
from ingest_app.visitor_keys import DayKeys, turn
from tests.clicklake.keeper.conftest import SelfCalls, metrics_in
from tests.support.emulator import Emulator
from tests.support.paths import ROOT

pytestmark = pytest.mark.emulator

GOLDEN = json.loads((ROOT / "tests" / "data" / "visitor-ids.json").read_text())
KEY = {"job": "key"}
MIDNIGHT = datetime(2026, 11, 28, 0, 10, tzinfo=UTC)

Clock = Callable[[datetime], SelfCalls]


@pytest.fixture
def table(visitor_key_table: str) -> VisitorKeyTable:
    """The table as the ingest app reads and writes it."""
    return VisitorKeyTable(visitor_key_table, "tests")


def test_a_stage_that_never_had_a_request_gets_no_key(
    table: VisitorKeyTable, clock: Clock, keeper: Lake
) -> None:
    assert clock(MIDNIGHT).run(KEY)["keyOf"] is None
    assert table.read() is None


def test_the_key_of_an_idle_stage_is_turned_as_the_app_turns_it(
    table: VisitorKeyTable, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    old = DayKeys(date(2026, 11, 20), b"k" * 32, None)
    table.replace(None, old)
    assert clock(MIDNIGHT).run(KEY)["keyOf"] == "2026-11-28"
    assert table.read() == turn(old, date(2026, 11, 28))
    assert metrics_in(capsys.readouterr().out) == [{"KeyTurned": 1}]


def test_the_keeper_and_the_app_hold_to_the_same_golden_keys(table: VisitorKeyTable, clock: Clock) -> None:
    first, *others = GOLDEN["days"]
    table.replace(None, DayKeys(date.fromisoformat(first["day"]), bytes.fromhex(first["key"]), None))
    for golden in others:
        day = date.fromisoformat(golden["day"])
        clock(datetime(day.year, day.month, day.day, 0, 10, tzinfo=UTC)).run(KEY)
        stored = table.read()
        assert stored
        assert (stored.day, stored.key.hex()) == (day, golden["key"])


def test_a_second_run_and_a_run_after_the_app_change_nothing(
    table: VisitorKeyTable, clock: Clock, keeper: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    today = DayKeys(MIDNIGHT.date(), b"k" * 32, b"p" * 32)
    table.replace(None, today)
    first, second = (clock(MIDNIGHT).run(KEY) for _ in range(2))
    assert first == second
    assert table.read() == today
    assert [metrics["KeyTurned"] for metrics in metrics_in(capsys.readouterr().out)] == [0, 0]
    stored = read_result(keeper, result_key("key", MIDNIGHT.date()))
    assert stored
    assert stored.document == {"job": "key", "day": "2026-11-28", "keyOf": "2026-11-28"}


def test_a_keeper_that_is_two_days_late_leaves_no_old_key(table: VisitorKeyTable, clock: Clock) -> None:
    table.replace(None, DayKeys(MIDNIGHT.date() - timedelta(days=3), b"k" * 32, None))
    clock(MIDNIGHT).run(KEY)
    stored: Any = table.read()
    assert stored.day == MIDNIGHT.date()


def test_nothing_of_the_key_is_in_the_result_or_the_log(
    table: VisitorKeyTable, clock: Clock, emulator: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    table.replace(None, DayKeys(MIDNIGHT.date() - timedelta(days=1), b"k" * 32, None))
    document = clock(MIDNIGHT).run(KEY)
    stored: Any = table.read()
    for text in (json.dumps(document), capsys.readouterr().out):
        assert stored.key.hex() not in text
        assert "kkkk" not in text
