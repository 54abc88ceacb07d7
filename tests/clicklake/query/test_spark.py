"""The saved queries in a second engine: Spark SQL gives the rows that DuckDB gives, hostile lines included.

Athena itself cannot be run here. Its SQL is Trino's; sqlglot, which the engines of `clicklake query` use too,
translates it to Spark's.
"""

import json
import os
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlglot
from sqlglot import exp

from clicklake.lake.bucket import Lake
from clicklake.lake.columns import sources_of
from clicklake.query import athena_engine, duckdb_engine
from clicklake.query.queries import NAMES, QueryResult, QueryResults, saved_query
from clicklake.tables.schema import LineTable, line_table
from tests.clicklake.query.hostile_lines import put_hostile_lines
from tests.support.day import SPAN, lay_day
from tests.support.emulator import Emulator
from tests.support.lakes import TestLake, new_lake
from tests.support.paths import ENVS

pytestmark = [pytest.mark.spark, pytest.mark.timeout(1200)]

PYTHON = Path(os.environ.get("CLICKLAKE_SPARK_PYTHON", ENVS / "spark" / "bin" / "python"))
JOB = Path(__file__).with_name("spark_job.py")
QUESTIONS = {name: saved_query(name) for name in NAMES if name != "failures"}  # it reads no events
ZONES = ("UTC", "America/St_Johns", "Australia/Lord_Howe")
BY_TIME = ("hours", "days", "months")
WHOLE_TIME = "^ *[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}( *$| +[0-9]{1,2}:[0-9])"


@pytest.fixture(scope="module")
def stored(emulator: Emulator) -> TestLake:
    lake = new_lake(emulator)
    lay_day(lake, sessions=100)
    put_hostile_lines(lake)
    return lake


@pytest.fixture(scope="module")
def by_duckdb(stored: TestLake) -> dict[str, QueryResults]:
    lake = Lake(stored.bucket, {}, stored.s3)
    return {zone: duckdb_engine.run_queries(lake, SPAN, _asked(zone), ZoneInfo(zone)) for zone in ZONES}


@pytest.fixture(scope="module")
def by_spark(stored: TestLake, tmp_path_factory: pytest.TempPathFactory) -> dict[str, QueryResult]:
    assert PYTHON.exists(), "Spark is not installed; run: make test-spark"
    folder = tmp_path_factory.mktemp("lake")
    for key in stored.keys("clicks/"):
        file = folder / key.removesuffix(".gz")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.with_suffix(".json").write_bytes(stored.body(key))
    lake = Lake(stored.bucket, {}, stored.s3)
    sources = sources_of(lake, SPAN, datetime.now(UTC), lines_only=True)
    table = line_table(lake)
    table = table._replace(glue_name="lake_lines", glue_columns=frozenset(table.columns))
    queries = {
        f"{zone} {name}": _spark_sql(
            athena_engine.to_athena(query, table, "lake_columns", SPAN, sources, ZoneInfo(zone))
        )
        for zone in ZONES
        for name, query in _asked(zone).items()
    }
    return _run_spark({"tables": {"lake_lines": _lines(table, folder)}, "queries": queries}, folder)


def _asked(zone: str) -> dict[str, Any]:
    return QUESTIONS if zone == "UTC" else {name: QUESTIONS[name] for name in BY_TIME}


def _spark_sql(athena_sql: str) -> str:
    query = sqlglot.parse_one(athena_sql, dialect="athena")
    return query.transform(_only_whole_times).transform(_key).sql("spark")


def _key(node: exp.Expression) -> exp.Expression:
    """Write the key of an id, the first eight bytes of its MD5, in Spark's words: sqlglot cannot."""
    if not isinstance(node, exp.Anonymous) or node.name.lower() != "from_big_endian_64":
        return node
    (column,) = node.find_all(exp.Column)
    key = f"cast(conv(substring(md5({column.name}), 1, 16), 16, -10) as bigint)"
    return sqlglot.parse_one(key, dialect="spark", into=exp.Cast)


def _only_whole_times(node: exp.Expression) -> exp.Expression:
    """Cast only texts of a date or of a date, hour and minute.

    Spark alone casts 2026 and 2026-11-19 10, and takes 10:00 for a time of today.
    """
    if not isinstance(node, exp.TryCast) or not node.to.is_type("timestamp"):
        return node
    is_whole = exp.RegexpLike(this=node.this.copy(), expression=exp.Literal.string(WHOLE_TIME))
    return exp.Case(ifs=[exp.If(this=is_whole, true=node.copy())])


def _lines(table: LineTable, folder: Path) -> dict[str, Any]:
    """Return the table of lines. Athena's reader and DuckDB's turn "12" into a number, Spark's does not."""
    fields, select = [], []
    for name, column in table.columns.items():
        is_number = column.type == "bigint"
        fields.append(f"`{column.field}` {'string' if is_number else column.type}")
        select.append(
            f"{f'try_cast(`{column.field}` as bigint)' if is_number else f'`{column.field}`'} as {name}"
        )
    return {
        "format": "json",
        "path": str(folder / "clicks"),
        "schema": ", ".join([*fields, "dt string", "hr string"]),
        "select": [*select, "dt", "cast(hr as int) as hr"],
    }


def _run_spark(job: Mapping[str, Any], folder: Path) -> dict[str, QueryResult]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder)}
    done = subprocess.run(
        [PYTHON, JOB], input=json.dumps(job), env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return {
        name: QueryResult(tuple(columns), [tuple(row) for row in rows])
        for name, (columns, rows) in json.loads(done.stdout).items()
    }


@pytest.mark.parametrize("name", QUESTIONS)
def test_spark_gives_the_rows_that_duckdb_gives(
    by_duckdb: dict[str, QueryResults], by_spark: dict[str, QueryResult], name: str
) -> None:
    assert by_spark[f"UTC {name}"] == by_duckdb["UTC"].by_name[name]
    assert by_spark[f"UTC {name}"].rows


@pytest.mark.parametrize("zone", ZONES[1:])
@pytest.mark.parametrize("name", BY_TIME)
def test_spark_knows_the_hours_of_a_time_zone(
    by_duckdb: dict[str, QueryResults], by_spark: dict[str, QueryResult], name: str, zone: str
) -> None:
    assert by_spark[f"{zone} {name}"] == by_duckdb[zone].by_name[name]


def test_the_hostile_lines_are_among_the_rows(by_spark: dict[str, QueryResult]) -> None:
    assert {row[0] for row in by_spark["UTC bots"].rows} >= {"<script>alert(1)</script>", "\U0001f42b", ""}
    assert dict(by_spark["UTC duplicates"].rows)[48] == 1  # the event with two lines in each hour
