"""The rule of counting: DuckDB's quick way and the views' SQL give what plain Python gives."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest
from duckdb import DuckDBPyConnection
from hypothesis import given
from hypothesis import strategies as st

from clicklake.lake.partitions import Span
from clicklake.query.queries import view_definitions
from clicklake.tables.counting import UNRANKED, rank_lines
from clicklake.tables.line_files import LANDING_HOUR, key_sql
from tests.support.counting import LandedLine, counted_events

FIRST = datetime(2026, 11, 1, tzinfo=UTC)
ASKED = Span(FIRST + timedelta(hours=25), FIRST + timedelta(hours=60))

landed_lines = st.lists(
    st.builds(
        lambda event, hour, processed, received, title: LandedLine(
            FIRST + timedelta(hours=hour),
            {
                "eventId": event,
                "processedAt": f"2026-11-05T00:00:0{processed}.000Z",
                "receivedAt": f"2026-11-04T00:00:0{received}.000Z",
                "title": title,
            },
        ),
        st.sampled_from(["a", "b", "c"]),
        st.integers(0, 59),
        st.integers(0, 2),
        st.integers(0, 2),
        st.text(max_size=2),
    ),
    max_size=25,
    # Of two lines alike in both times, either may win: the rule says no more.
    unique_by=lambda line: (line.hour, line.fields["eventId"], *list(line.fields.values())[1:3]),
)


@pytest.fixture(scope="module")
def db() -> Iterator[DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def as_rows(lines: list[LandedLine]) -> list[tuple[Any, ...]]:
    return [
        (
            *(fields["eventId"], fields["title"], fields["processedAt"], fields["receivedAt"]),
            *(f"{hour:%Y-%m-%d}", hour.hour, hour >= ASKED.since),
        )
        for hour, fields in lines
    ]


def expected(lines: list[LandedLine]) -> list[tuple[Any, ...]]:
    return [
        (f"{hour:%Y-%m-%d}", hour.hour, fields["eventId"], fields["title"], copies, counted)
        for hour, fields, copies, counted in counted_events(lines)
        if hour >= ASKED.since
    ]


def fill(db: DuckDBPyConnection, table: str, rows: list[tuple[Any, ...]]) -> None:
    texts = ", ".join(f"{name} varchar" for name in ("eventid", "title", "processedat", "receivedat", "dt"))
    db.execute(f"create or replace table {table} ({texts}, hr integer, is_asked boolean)")
    if rows:
        db.executemany(f"insert into {table} values (?, ?, ?, ?, ?, ?, ?)", rows)


@given(landed_lines)
def test_the_views_count_by_the_rule(db: DuckDBPyConnection, lines: list[LandedLine]) -> None:
    fill(db, "stored_lines", as_rows(lines))
    db.execute("alter table stored_lines add column occurredat varchar")
    views = view_definitions(UTC, ASKED, ["dt", "hr", "eventid", "title"])
    ctes = ", ".join(
        f"{name} as ({views[name].sql('duckdb')})"
        for name in ("timed_lines", "ranked_lines", "landed_events", "hourly_events")
    )
    found = db.execute(
        f"with {ctes} select dt, hr, eventid, title, copies, counted from hourly_events order by 1, 2, 3"
    )
    assert found.fetchall() == expected(lines)


@given(landed_lines)
def test_ranking_only_the_ids_that_occur_twice_counts_the_same(
    db: DuckDBPyConnection, lines: list[LandedLine]
) -> None:
    rows = as_rows(lines)
    fill(db, "asked", [row for row in rows if row[-1]])
    fill(db, "earlier", [row for row in rows if not row[-1]])
    db.execute(
        "create or replace table ranked_lines as"
        f" select * exclude (is_asked), {LANDING_HOUR} as landing_hour, {UNRANKED} from asked"
    )
    db.execute(
        f"create or replace table earlier_ids as select eventid, {LANDING_HOUR} as landing_hour from earlier"
    )
    rank_lines(db)
    found = db.execute(
        "select dt, hr, eventid, title, copies, counted from ranked_lines where dedup_rank = 1 order by all"
    )
    assert found.fetchall() == expected(lines)


@given(st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_a_key_is_the_first_eight_bytes_of_the_md5_of_the_text(db: DuckDBPyConnection, text: str) -> None:
    digest = hashlib.md5(text.encode(), usedforsecurity=False).digest()
    (key,) = db.execute(f"select {key_sql('$text')}", {"text": text}).fetchall()[0]
    assert key == int.from_bytes(digest[:8], "big", signed=True)


def test_no_id_has_no_key(db: DuckDBPyConnection) -> None:
    assert db.execute(f"select {key_sql('null')}").fetchall() == [(None,)]
