"""The saved questions give the same rows from lines, from columns, and from hours of both."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from clicklake.lake.bucket import Lake
from clicklake.lake.partitions import HOUR, Span
from clicklake.query import duckdb_engine, span_database
from clicklake.query.queries import NAMES, QueryResults, parse_query, saved_query
from clicklake.query.span_database import SpanDatabase
from clicklake.tables.parquet_cache import ParquetCache
from tests.clicklake.query.hostile_lines import put_hostile_lines
from tests.support.day import SPAN, Line, lay_day
from tests.support.emulator import Emulator
from tests.support.lakes import Commands, TestLake, compact, new_lake, to_text

pytestmark = pytest.mark.emulator

QUESTIONS = {name: saved_query(name) for name in NAMES}
PART = Span(SPAN.since + timedelta(hours=3, minutes=20), SPAN.until - timedelta(hours=2, minutes=50))
EVERY_ROW = "select dt, hr, eventid, country, copies, counted, event_time from hourly_events order by 1, 2, 3"


@pytest.fixture(scope="module", autouse=True)
def environment(aws_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    cache = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**aws_env, "XDG_CACHE_HOME": str(cache)}.items():
            patch.setenv(name, value)
        yield cache


@pytest.fixture(scope="module")
def stored(emulator: Emulator) -> TestLake:
    lake = new_lake(emulator)
    day = lay_day(lake, sessions=60)
    put_hostile_lines(lake)
    for line in day.lines[::9]:  # each ninth line lands again: hours later, and on the next day
        for hours in (20, 40):
            _land_again(lake, line, hours * HOUR)
    return lake


def _land_again(lake: TestLake, line: Line, later: timedelta) -> None:
    at = SPAN.since.fromisoformat(line["receivedAt"]) + later
    lake.put("clicks", [compact(line | {"processedAt": to_text(at)}) + b"\n"], at)


def ask(lake: TestLake, span: Span = SPAN, zone: str = "UTC", *, lines_only: bool = False) -> QueryResults:
    opened = Lake(lake.bucket, {}, lake.s3)
    queries = QUESTIONS | {"every row": parse_query(EVERY_ROW)}
    return duckdb_engine.run_queries(opened, span, queries, ZoneInfo(zone), lines_only=lines_only)


ASKED = [
    (SPAN, "UTC"),
    (PART, "UTC"),
    (SPAN, "America/St_Johns"),
    (Span(SPAN.since, SPAN.until + 48 * HOUR), "UTC"),
]


@pytest.fixture(scope="module")
def from_lines(stored: TestLake) -> list[QueryResults]:
    before = [ask(stored, span, zone) for span, zone in ASKED]
    Commands(stored.bucket)("compact")
    return before


@pytest.fixture(scope="module")
def from_columns(stored: TestLake, from_lines: list[QueryResults]) -> list[QueryResults]:
    return [ask(stored, span, zone) for span, zone in ASKED]


@pytest.fixture(scope="module")
def from_both(stored: TestLake, from_columns: list[QueryResults]) -> list[QueryResults]:
    for key in stored.keys("columns/")[::2]:
        stored.s3.delete_object(Bucket=stored.bucket, Key=key)
    return [ask(stored, span, zone) for span, zone in ASKED]


@pytest.mark.parametrize("name", [*NAMES, "every row"])
def test_columns_give_the_rows_that_lines_give(
    from_lines: list[QueryResults], from_columns: list[QueryResults], name: str
) -> None:
    for lines, columns in zip(from_lines, from_columns, strict=True):
        assert columns.by_name[name] == lines.by_name[name]
    assert from_columns[0].by_name[name].rows


@pytest.mark.parametrize("name", [*NAMES, "every row"])
def test_hours_of_both_give_the_rows_that_lines_give(
    from_lines: list[QueryResults], from_both: list[QueryResults], name: str
) -> None:
    for lines, both in zip(from_lines, from_both, strict=True):
        assert both.by_name[name] == lines.by_name[name]


def test_lines_alone_are_read_when_asked_for(stored: TestLake, from_both: list[QueryResults]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(span_database, "ParquetCache", None)
        assert ask(stored, lines_only=True).by_name["totals"] == from_both[0].by_name["totals"]


def test_many_threads_ask_an_open_span(stored: TestLake, from_both: list[QueryResults]) -> None:
    expected = from_both[0].by_name
    names = [name for name in NAMES if name != "duplicates"] * 3
    filtered = parse_query("select count(*) as n from human_events where country = 'DE' and type = 'click'")
    with SpanDatabase(Lake(stored.bucket, {}, stored.s3), SPAN) as span, ThreadPoolExecutor(4) as threads:
        results = dict(zip(names, threads.map(lambda name: span.run(QUESTIONS[name]), names), strict=True))
        counts = {span.run(filtered).rows[0] for _ in range(3)}
    assert results == {name: expected[name] for name in results}
    assert len(counts) == 1
    assert threading.active_count() < 20


def test_the_cache_is_its_owners_and_within_its_limit(
    stored: TestLake, environment: Path, from_both: list[QueryResults]
) -> None:
    (folder,) = (environment / "clicklake").glob(f"{stored.bucket}-*")
    assert folder.stat().st_mode & 0o777 == 0o700
    files = list(folder.rglob("*.parquet"))
    assert {file.relative_to(folder).parts[0][:3] for file in files} == {"dt=", "day"}
    cache = ParquetCache(
        Lake(stored.bucket, {}, stored.s3), max_bytes=min(file.stat().st_size for file in files)
    )
    cache.prune()
    assert len(list(folder.rglob("*.parquet"))) <= 1
