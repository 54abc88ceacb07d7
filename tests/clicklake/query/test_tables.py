"""Which tables a query may name: those that the documentation lists, and its own."""

import pytest

from clicklake.errors import CommandError
from clicklake.query.queries import check_tables, parse_query


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
