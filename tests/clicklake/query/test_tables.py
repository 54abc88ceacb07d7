"""Which tables a query may name: those that the documentation lists, and its own."""

from datetime import UTC, datetime

import pytest

from clicklake.errors import CommandError
from clicklake.lake.bucket import Lake
from clicklake.lake.columns import SpanSources
from clicklake.lake.partitions import HOUR, Span
from clicklake.query.athena_sql import to_athena
from clicklake.query.queries import (
    NAMES,
    check_tables,
    named_columns,
    parse_query,
    referenced_columns,
    saved_query,
)
from clicklake.tables.schema import line_table


@pytest.mark.parametrize(
    "sql",
    [
        "select 1",
        "select count(*) from EVENTS e, human_events h, hourly_events, lines, failed",
        "with A as (select * from events), b as (select * from a) select * from B",
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < 3) select * from n",
        "with a as (select 1) select * from a union select * from (select * from a) t",
        "select country from events where country in (with x as (select 'A') select * from x)",
        "select k from events cross join unnest(map_keys(properties)) as t(k)",
        "select * from (values (1)) v(x)",
    ],
)
def test_tables_of_ours_and_of_the_query_are_known(sql: str) -> None:
    check_tables(parse_query(sql))


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("select sql from duckdb_views", "no table duckdb_views"),
        ("select * from pragma_database_list", "no table pragma_database_list"),
        ("select * from stored_events", "no table stored_events"),
        ("select * from information_schema.tables", "no table information_schema.tables"),
        ("select * from of_days.events", "no table of_days.events"),
        ('select * from "other"."secrets"', "no table other.secrets"),
        ("select * from '/etc/passwd'", "no table /etc/passwd"),
        ("select * from read_csv('/etc/passwd')", "the table function read_csv is not supported"),
        ("select * from query_table('events')", "the table function query_table is not supported"),
        # A `with` that is not in scope where the table is read:
        ("select * from duckdb_views, (with duckdb_views as (select 1) select 1) t", "no table duckdb_views"),
        ("with duckdb_views as (select sql from duckdb_views) select * from duckdb_views", "no table duckdb"),
        ("with b as (select * from a), a as (select 1) select * from b", "no table a"),
        ("with recursive t as (select * from t) select * from t", "no table t"),
        ("with recursive t as (select * from t union all select 1) select * from t", "no table t"),
    ],
)
def test_other_tables_are_refused_by_name(sql: str, reason: str) -> None:
    with pytest.raises(CommandError, match=reason):
        check_tables(parse_query(sql))


@pytest.mark.parametrize("name", NAMES)
def test_a_saved_query_reads_few_columns(name: str) -> None:
    """Athena bills what is read."""
    known = line_table(Lake("a-bucket", {}, None)).columns  # type: ignore[arg-type]
    assert len(named_columns(saved_query(name), known)) < 10
    assert len(referenced_columns([saved_query(name)], known)) < 15


def athena_sql(sql: str) -> str:
    lake = Lake("a-bucket", {}, None)  # type: ignore[arg-type]
    hour = datetime(2026, 11, 19, tzinfo=UTC)
    sources = SpanSources({hour: None}, {}, {}, {})  # type: ignore[dict-item]
    return to_athena(parse_query(sql), line_table(lake), "columns", Span(hour, hour + HOUR), sources)


def test_a_with_keeps_its_columns_on_athena() -> None:
    assert "e(c) as (SELECT country FROM events)" in athena_sql(
        "with e(c) as (select country from events) select c from e"
    )
    counted = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 3) select i from n"
    assert athena_sql(counted).startswith("with recursive n(i) as (")


@pytest.mark.parametrize("name", ["events", "Human_Events", "stored_events", "landed_events"])
def test_a_with_that_hides_a_table_of_the_views_is_refused_on_athena(name: str) -> None:
    """The views are a `with` too: `human_events` would read the query's own `events`."""
    with pytest.raises(CommandError, match=f"with {name}: this is the name of a table"):
        athena_sql(f"with {name} as (select 1 as x) select count(*) from human_events")
