"""Settled days are kept as one file each: the same rows, read from fewer files, and gone with their hours."""

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from clicklake.lake.bucket import Lake
from clicklake.lake.partitions import HOUR, Span
from clicklake.query.queries import named_columns, parse_query
from clicklake.query.span_database import SpanDatabase
from clicklake.tables import day_files
from clicklake.tables.parquet_cache import STILL_READ_SECONDS, ParquetCache, cache_folder
from clicklake.tables.schema import line_table
from tests.support.compacted import compact_span
from tests.support.lakes import TestLake, line, new_id

pytestmark = pytest.mark.emulator

DAY = datetime(2026, 11, 19, tzinfo=UTC)
TWO_DAYS = Span(DAY, DAY + timedelta(days=2))
SETTLED = DAY + timedelta(days=4)
BY_COUNTRY = parse_query("select dt, country, count(*) as n from events group by 1, 2 order by 1, 2")


@pytest.fixture(autouse=True)
def environment(aws_env: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**aws_env, "XDG_CACHE_HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def opened(lake: TestLake) -> Lake:
    for hour in range(48):
        lines = [line(new_id(), DAY + hour * HOUR, country=country, title=f"{hour}") for country in "AB"]
        lake.put("clicks", lines, DAY + hour * HOUR)
    found = Lake(lake.bucket, {}, lake.s3)
    compact_span(found, TWO_DAYS)
    return found


def files_of_days(lake: Lake) -> list[Path]:
    return sorted((cache_folder(lake) / "days").rglob("*.parquet"))


def ask(lake: Lake, sql: str, span: Span = TWO_DAYS, now: datetime = SETTLED) -> list[tuple[object, ...]]:
    with SpanDatabase(lake, span, now=now) as database:
        return database.run(parse_query(sql)).rows


def test_a_day_is_read_from_one_file(opened: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = [(day, country, 24) for day in ("2026-11-19", "2026-11-20") for country in "AB"]
    assert ask(opened, BY_COUNTRY.sql("athena")) == expected
    assert [file.parent.name for file in files_of_days(opened)] == ["2026-11-19", "2026-11-20"]
    monkeypatch.setattr(day_files, "_merge", None)  # they are there
    with SpanDatabase(opened, TWO_DAYS, now=SETTLED) as database:
        for file in cache_folder(opened).glob("dt=*/hr=*/*.parquet"):
            file.unlink()
        assert database.run(BY_COUNTRY).rows == expected


def test_what_a_days_file_lacks_is_read_from_its_hours(opened: Lake) -> None:
    assert ask(opened, "select count(distinct title) from events") == [(48,)]
    assert len(ask(opened, "select * from events")) == 96
    assert ask(opened, "select count(*) from (select distinct * from events)") == [(96,)]
    assert ask(opened, "select count(*) from failed") == [(0,)]


@pytest.mark.parametrize(
    ("since", "until", "days", "rows"),
    [
        (DAY + HOUR, DAY + 48 * HOUR, 1, 94),
        (DAY, DAY + timedelta(hours=24, minutes=30), 1, 50),
        (DAY + timedelta(minutes=30), DAY + timedelta(hours=23), 0, 44),
    ],
)
def test_only_whole_days_of_the_span_are_read_so(
    opened: Lake, since: datetime, until: datetime, days: int, rows: int
) -> None:
    assert ask(opened, "select count(*) from events", Span(since, until)) == [(rows,)]
    assert len(files_of_days(opened)) == days


def test_a_day_that_may_still_change_has_no_file(opened: Lake) -> None:
    soon = DAY + timedelta(days=2, hours=25)
    assert ask(opened, "select count(*) from events", now=soon) == [(96,)]
    assert [file.parent.name for file in files_of_days(opened)] == ["2026-11-19"]


def test_a_changed_hour_makes_another_file(opened: Lake, lake: TestLake) -> None:
    ask(opened, "select count(*) from events")
    before = files_of_days(opened)
    unused = time.time() - 2 * STILL_READ_SECONDS
    os.utime(before[0], (unused, unused))
    lake.put("clicks", [line(new_id(), DAY, country="C")], DAY)
    compact_span(opened, TWO_DAYS)
    assert ask(opened, "select count(*) from events where country = 'C'") == [(1,)]
    assert before[0] not in files_of_days(opened)
    assert before[1] in files_of_days(opened)


def test_an_erased_hour_takes_its_day_along(opened: Lake) -> None:
    ask(opened, "select count(*) from events")
    ParquetCache(opened).forget(DAY + 5 * HOUR)
    assert [file.parent.name for file in files_of_days(opened)] == ["2026-11-20"]


def test_a_day_too_large_for_memory_is_read_by_hours(opened: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    def too_large(*_: object) -> bool:
        return False

    monkeypatch.setattr(day_files, "_merge", too_large)
    assert ask(opened, "select count(*) from events") == [(96,)]
    assert files_of_days(opened) == []


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("select count(*) from events", set()),
        ("select Country from events where bot is null", {"country", "bot"}),
        (
            "select count(distinct visitor_key) from (select * from events where os = 'x') e",
            {"visitor_key", "os"},
        ),
        ("with e as (select * from events) select count(country) from e", None),
        ("select e.* from (select * from events) e", None),
        ("select count(*) from (select distinct * from events) e", None),
        ("select count(*) from (select * from events) a natural join (select * from events) b", None),
        ("select country from events union select * from (select title from events) t", None),
    ],
)
def test_the_columns_that_a_result_depends_on(sql: str, named: set[str] | None, opened: Lake) -> None:
    known = {*line_table(opened).columns, "visitor_key"}
    assert named_columns(parse_query(sql), known) == (known if named is None else named)
