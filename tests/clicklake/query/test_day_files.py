"""Settled days are kept as one file each: the same rows, read from fewer files, and gone with their hours."""

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from clicklake.errors import CommandError
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


ASKED_OF_BOTH = """
select country, count(*) from events group by all
select count(*) from (select * from events group by all) t
select country from (select * from events order by 1 limit 5) t
select bot from (select * from events order by eventid limit 5) t
select * from (select * from events where country = 'A') t
select count(*) from (select distinct * exclude (title) from events) t
select count(*) from (select * from events except select * from events where title = '0') t
select title from events union select country from events
select country from events union all by name select country from events
with e as (select * from events) select count(title) from e
with e as (select * from events) select max(e) from e
with events as (select country, title from events) select count(title) from events
with country as (select type from events) select country from country
select count(events) from events
select events from events
select e from events e where e is not null
select max(t) from (select * from events) t
select (e).title from events e
select count((e).receivedat) from events e
select count(e['title']) from events e
select unnest(e) from events e
select row_number() over (order by e) from events e
select (select max(e) from human_events) from events e
select count(*) from events a where exists (select 1 from events b where a = b)
select country, count(*) as events from events group by country order by events, country
select sum(events) from (select count(*) as events from events group by country) t
select count(e) from (events e join events f on e.title = f.title)
select count(*) from (describe events)
select count(distinct a) from events e(a, b, c)
select count(distinct a) from (select * from events) e(a, b, c)
select count(*) from events pivot (count(*) for country in ('A'))
select count(*) from (select * from events) pivot (count(*) for country in ('A'))
select count(*) from events unpivot (v for n in (country, title))
select count(*) from events a join events b using (title)
select count(*) from events a join events b using (receivedat)
select count(*) from events a join events b using (country, dt, hr)
select count(*) from events a semi join events b using (title)
select count(*) from events natural join (select title, country from events) e
select count(title_1) from (select * from events a join events b on a.eventid = b.eventid) t
select count(receivedat_1) from (select * from events a join events b on a.country = b.country) t
select "Title", count(*) from events group by 1
select "RECEIVEDAT" from events
select country as title from events order by title
select title as country from events order by country
select type as url, url as b from events
select x.c from events e, lateral (select e.title as c) x
select x.country from events e, lateral (select e.country) x(country)
select k from events cross join unnest(array[country, title]) as t(k)
select map_keys(properties) from events
select country from events where title in (select title from events where country = 'A')
select country from events e where (select count(*) from events b where b.title = e.title) > 3
select country from events where exists (select * from events h where h.title = events.country)
select count(*) filter (where title is null) from events
select count(*) from events group by grouping sets ((title), ())
select distinct on (title) title from events
select first_value(country) over (order by title, country) from events
select country from events group by country order by max(title), country
select count(*) from (select *, title as x from events) t where x is null
select element.x from events
select * exclude (title) from events
table events
select local_time, event_time, copies, counted, arrival_delay_seconds from events
select dt, hr, count(*) from hourly_events group by 1, 2
"""


def test_files_of_days_and_of_hours_give_the_same_rows(
    lake: TestLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    for hour in range(0, 48, 4):
        at = DAY + hour * HOUR
        titles = [*(f"{hour % 12}" for _ in "AB"), None]
        fields = zip([*"AB", None], titles, [None, None, "rule"], strict=True)
        lines = [line(new_id(), at, country=one, title=two, bot=three) for one, two, three in fields]
        lake.put("clicks", lines, at)
    found = Lake(lake.bucket, {}, lake.s3)
    compact_span(found, TWO_DAYS)

    def rows(database: SpanDatabase, sql: str) -> list[str]:
        try:
            result = database.run(parse_query(sql))
        except CommandError as error:
            return [str(error)]
        return [str(result.columns), *sorted(map(repr, result.rows))]

    queries = ASKED_OF_BOTH.strip().split("\n")
    with SpanDatabase(found, TWO_DAYS, now=SETTLED) as database:
        chosen = {sql: rows(database, sql) for sql in queries}
        monkeypatch.setattr(database, "_schema", lambda _: "main")
        assert chosen == {sql: rows(database, sql) for sql in queries}
    assert len(files_of_days(found)) == 2


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
        ("select count(*) from events a join events b using (title)", {"title"}),
        ('select "Title" from events', {"title"}),
        ("select count(e) from events e", None),
        ("select (events).title from events", None),
        ("select (select max(e) from events) from events e", None),
        ("select count(*) from events a where exists (select 1 from events b where a = b)", None),
        ("select row_number() over (order by e) from events e", None),
        ("select events, count(*) as n from events group by events order by n", None),
        ("select os, count(*) as events from events group by os order by events", {"os"}),
        ("select sum(events) from (select count(*) as events from events group by os) t", {"os"}),
        ("select count(distinct a) from events e(a, b, c)", None),
        ("select count(*) from (select * from events group by all) t", None),
        ("select bot from (select * from events order by 1 limit 5) t", None),
        ("select count(*) from events pivot (count(*) for country in ('A'))", None),
        ("select count(*) from (select * from events where os = 'x') e", {"os"}),
        ("select count(*) from events cross join unnest(array[country]) as t(k)", {"country"}),
    ],
)
def test_the_columns_that_a_result_depends_on(sql: str, named: set[str] | None, opened: Lake) -> None:
    known = {*line_table(opened).columns, "visitor_key"}
    assert named_columns(parse_query(sql), known) == (known if named is None else named)
