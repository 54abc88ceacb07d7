"""Answers stay true while the lake changes, and no more spans are open than there is memory for."""

import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, timedelta
from pathlib import Path

import pytest

from clicklake.dashboard.answers import duckdb_answers as answers_module
from clicklake.dashboard.answers.duckdb_answers import MAX_OPEN, DuckdbAnswers
from clicklake.errors import CommandError
from clicklake.lake.bucket import Lake
from clicklake.lake.partitions import HOUR, Span, hour_of
from clicklake.query.queries import parse_query
from clicklake.tables import database
from tests.clicklake.dashboard.conftest import ATTRIBUTES, NOW
from tests.support.compacted import compact_span
from tests.support.emulator import Emulator
from tests.support.lakes import TestLake, line, new_id, new_lake

pytestmark = pytest.mark.emulator

EVENTS = parse_query("select count(*) as events from events")
FAILED = parse_query("select count(*) as records from failed")
YESTERDAY = Span(hour_of(NOW) - 34 * HOUR, hour_of(NOW) - 10 * HOUR)
AT = YESTERDAY.until - HOUR / 2

OpenAnswers = Callable[[TestLake], DuckdbAnswers]


@pytest.fixture
def lake(emulator: Emulator) -> TestLake:
    return new_lake(emulator)


@pytest.fixture
def ask(lake: TestLake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DuckdbAnswers]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(answers_module, "LISTED_SECONDS", 0.0)
    opened = DuckdbAnswers(Lake(lake.bucket, {}, lake.s3), ATTRIBUTES, lambda: NOW)
    yield opened
    opened.close()


def events_of(answers: DuckdbAnswers, span: Span = YESTERDAY) -> int:
    return int(answers.ask(span, UTC, EVENTS).rows[0][0])


def test_a_click_that_lands_late_in_a_day_that_has_ended_is_counted(
    lake: TestLake, ask: DuckdbAnswers
) -> None:
    lake.put("clicks", [line(new_id(), AT)], AT)
    assert events_of(ask) == 1
    lake.put("clicks", [line(new_id(), AT)], AT)
    assert events_of(ask) == 2


def test_a_click_that_is_erased_from_a_day_that_has_ended_is_not_counted(
    lake: TestLake, ask: DuckdbAnswers
) -> None:
    key = lake.put("clicks", [line(new_id(), AT)], AT)
    assert events_of(ask) == 1
    lake.s3.delete_object(Bucket=lake.bucket, Key=key)
    assert events_of(ask) == 0


def test_an_old_hour_of_a_time_that_goes_on_can_change(lake: TestLake, ask: DuckdbAnswers) -> None:
    week = Span(hour_of(NOW) - 7 * 24 * HOUR, hour_of(NOW) + HOUR)
    at = NOW - timedelta(days=4)
    key = lake.put("clicks", [line(new_id(), at)], at)
    assert events_of(ask, week) == 1
    lake.s3.delete_object(Bucket=lake.bucket, Key=key)
    assert events_of(ask, week) == 0


def test_a_record_that_failed_late_is_counted(lake: TestLake, ask: DuckdbAnswers) -> None:
    assert ask.ask(YESTERDAY, UTC, FAILED).rows == [(0,)]
    lake.put("failed", [b"{}\n"], AT)
    assert ask.ask(YESTERDAY, UTC, FAILED).rows == [(1,)]


def test_an_unchanged_lake_is_opened_once(lake: TestLake, ask: DuckdbAnswers) -> None:
    lake.put("clicks", [line(new_id(), AT)], AT)
    assert ask.ask(YESTERDAY, UTC, EVENTS) is ask.ask(YESTERDAY, UTC, EVENTS)


def test_the_cache_of_columns_can_be_deleted_at_any_time(
    lake: TestLake, ask: DuckdbAnswers, tmp_path: Path
) -> None:
    lake.put("clicks", [line(new_id(), AT)], AT)
    compact_span(Lake(lake.bucket, {}, lake.s3), YESTERDAY)
    assert events_of(ask) == 1
    assert list((tmp_path / "cache").rglob("*.parquet"))
    shutil.rmtree(tmp_path / "cache")
    other = parse_query("select count(*) as clicks from events where type = 'click'")
    assert ask.ask(YESTERDAY, UTC, other).rows == [(1,)]


def test_objects_that_cannot_be_read_are_named(lake: TestLake, ask: DuckdbAnswers) -> None:
    broken = lake.put_broken(lake.put("clicks", [line(new_id(), AT)], AT))
    assert events_of(ask) == 1
    (note,) = ask.notes(YESTERDAY, UTC)
    assert broken in note
    assert "cannot be read and are left out" in note


def test_too_little_memory_to_open_a_span_is_said(
    lake: TestLake, ask: DuckdbAnswers, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.put("clicks", [line(new_id(), AT, title="x" * 500) for _ in range(20_000)], AT)
    monkeypatch.setattr(database, "MEMORY_LIMIT", "1MB")
    with pytest.raises(CommandError, match="too much for DuckDB here"):
        events_of(ask)


def test_many_who_ask_at_once_open_few_spans(lake: TestLake, ask: DuckdbAnswers, tmp_path: Path) -> None:
    lake.put("clicks", [line(new_id(), AT)], AT)
    spans = [Span(YESTERDAY.since - number * HOUR, YESTERDAY.until) for number in range(12)]
    is_over = threading.Event()
    most = 0

    def watch() -> None:
        nonlocal most
        while not is_over.is_set():
            with suppress(OSError):  # closed meanwhile
                most = max(most, len([*tmp_path.rglob("lines.duckdb")]))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        with ThreadPoolExecutor(8) as threads:
            found = [*threads.map(lambda span: events_of(ask, span), spans * 2)]
    finally:
        is_over.set()
        watcher.join()
    assert found == [1] * len(found)
    assert 0 < most <= MAX_OPEN


def test_nothing_of_a_lake_is_left_behind(lake: TestLake, ask: DuckdbAnswers, tmp_path: Path) -> None:
    lake.put("clicks", [line(new_id(), AT)], AT)

    def open_late() -> None:
        with suppress(Exception):  # its folder is gone
            events_of(ask)

    opening = threading.Thread(target=open_late)
    opening.start()
    ask.close()
    opening.join()
    assert not [found for found in tmp_path.rglob("*") if found.name == "lines.duckdb"]
