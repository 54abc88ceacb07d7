"""Athena's SQL in DuckDB: each value is what Trino's documentation gives for it, or the function is refused.

The expected values are from trino.io/docs/current/functions.html: Athena itself cannot be asked here.
"""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from clicklake.errors import CommandError
from clicklake.query.queries import FOLDER, NAMES, parse_query, saved_query
from clicklake.query.translate import FUNCTIONS, MACROS, to_duckdb


@pytest.fixture(scope="module")
def db() -> duckdb.DuckDBPyConnection:
    db = duckdb.connect()
    db.execute("set integer_division = true; set timezone = 'UTC'")
    db.execute(MACROS)
    return db


def value_of(db: duckdb.DuckDBPyConnection, expression: str) -> Any:
    (row,) = db.execute(to_duckdb(parse_query(f"select {expression}"))).fetchall()
    return row[0]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("7/2", 3),
        ("-7/2", -3),
        ("7/-2", -3),
        ("1/3*3", 0),
        ("7/2.0", 3.5),
        ("7e0/2", 3.5),
        ("count(*)/2", 0),
        ("7 % 3", 1),
        ("-7 % 3", -1),
        ("mod(7, -3)", 1),
        ("case when true then 1 else 1/0 end", 1),
        ("substr('abc', 0, 2)", ""),
        ("substr('abc', 1, 2)", "ab"),
        ("substr('abc', 2)", "bc"),
        ("substr('abc', -2)", "bc"),
        ("substr('abc', -2, 1)", "b"),
        ("substr('abc', -5, 3)", ""),
        ("substr('abc', 2, -1)", ""),
        ("substr('abc', 9)", ""),
        ("substr(null, 1)", None),
        ("concat('a', 'b', 'c')", "abc"),
        ("concat('a', null)", None),
        ("'a' || null", None),
        ("greatest(1, null)", None),
        ("least(2, 1)", 1),
        ("regexp_extract('1a 2b', '[a-z]')", "a"),
        ("regexp_extract('1a 2b', '(\\d)([a-z])', 2)", "a"),
        ("regexp_extract('abc', 'x')", None),
        ("regexp_replace('1a 2b', '\\d')", "a b"),
        ("regexp_replace('aaa', 'a', 'b')", "bbb"),
        ("split_part('a,b', ',', 2)", "b"),
        ("split_part('a,b', ',', 3)", None),
        ("date_diff('hour', timestamp '2026-01-01 10:59:00', timestamp '2026-01-01 11:01:00')", 0),
        ("date_diff('day', date '2026-01-01', date '2026-01-03')", 2),
        ("date_diff('second', timestamp '2026-01-01 10:00:00', timestamp '2026-01-01 09:59:30')", -30),
        ("date_add('day', 1, date '2026-01-31')", date(2026, 2, 1)),
        ("date '2026-01-31' + interval '1' month", date(2026, 2, 28)),
        ("date '2026-01-01' - interval '1' day", date(2025, 12, 31)),
        ("timestamp '2026-01-01 10:00:00' + interval '1' hour", datetime(2026, 1, 1, 11)),  # noqa: DTZ001
        ("day_of_week(date '2026-11-29')", 7),
        ("week(date '2026-11-28')", 48),
        ("from_unixtime(0)", datetime(1970, 1, 1, tzinfo=UTC)),
        ("date_format(timestamp '2026-11-28 09:05:00', '%Y-%m-%d %H:%i')", "2026-11-28 09:05"),
        ("cast(2.5 as integer)", 3),
        ("try_cast('x' as bigint)", None),
        ("element_at(map(array['a'], array['b']), 'a')", "b"),
        ("element_at(map(array['a'], array['b']), 'c')", None),
        ("cardinality(map(array['a'], array['b']))", 1),
        ("round(2.5)", Decimal(3)),
        ("position('b' in 'abc')", 2),
        ("log10(100)", 2.0),
    ],
)
def test_a_value_is_the_one_that_athena_gives(
    db: duckdb.DuckDBPyConnection, expression: str, value: Any
) -> None:
    assert value_of(db, expression) == value


@pytest.mark.parametrize("expression", ["1/0", "1 % 0", "mod(1, 0)", "1.5/0", "split_part('a', ',', 0)"])
def test_what_is_an_error_in_athena_is_one_here(db: duckdb.DuckDBPyConnection, expression: str) -> None:
    with pytest.raises(duckdb.InvalidInputException):
        value_of(db, expression)


@pytest.mark.parametrize(
    "call",
    [
        *("format_datetime(now(), 'yyyy')", "url_extract_host('http://a')", "read_csv('/etc/passwd')"),
        *("getenv('HOME')", "approx_percentile(1, 0.5)", "json_extract_scalar('{}', '$.a')", "hash(1)"),
        *("current_setting('threads')", "histogram(1)", "sequence(1, 3)", "split('a,b', ',')", "typeof(1)"),
    ],
)
def test_a_function_that_may_differ_is_refused_by_its_name(call: str) -> None:
    with pytest.raises(
        CommandError, match=rf"the function {call.partition('(')[0]}\w* is not supported here"
    ):
        to_duckdb(parse_query(f"select {call}"))


@pytest.mark.parametrize("name", NAMES)
def test_every_saved_query_uses_supported_functions(name: str) -> None:
    assert to_duckdb(saved_query(name))
    assert sqlglot.parse_one((FOLDER / f"{name}.sql").read_text(), dialect="athena").find(exp.Select)


def test_no_function_is_listed_twice_or_unknown_to_the_parser() -> None:
    assert all(name == name.lower() and name.isidentifier() for name in FUNCTIONS)
