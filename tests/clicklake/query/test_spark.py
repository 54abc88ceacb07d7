"""The saved queries in a second engine: Spark SQL gives the rows that DuckDB gives, hostile lines included.

Athena itself cannot be run here. Its SQL is Trino's; sqlglot, which the engines of `clicklake query` use too,
translates it to Spark's.
"""

import ast
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlglot
from sqlglot import exp

from clicklake.lake.bucket import Lake
from clicklake.lake.columns import sources_of
from clicklake.lake.partitions import Span
from clicklake.query import duckdb_engine
from clicklake.query.athena_sql import to_athena
from clicklake.query.queries import NAMES, QueryResult, QueryResults, parse_query, saved_query
from clicklake.tables.schema import LineTable, line_table
from tests.clicklake.query.hostile_lines import put_hostile_lines
from tests.support.compacted import compact_span, drop_columns
from tests.support.day import SPAN, lay_day
from tests.support.emulator import Emulator
from tests.support.lakes import TestLake, new_lake
from tests.support.paths import ENVS, ROOT

pytestmark = [pytest.mark.spark, pytest.mark.timeout(2400)]

PYTHON = Path(os.environ.get("CLICKLAKE_SPARK_PYTHON", ENVS / "spark" / "bin" / "python"))
JOB = Path(__file__).with_name("spark_job.py")
QUESTIONS = {name: saved_query(name) for name in NAMES if name != "failures"}  # it reads no events
STATES = ("lines", "columns", "mixture")
AROUND = Span(SPAN.since - timedelta(days=2), SPAN.until + timedelta(days=1))
ZONES = ("UTC", "America/St_Johns", "Australia/Lord_Howe")
BY_TIME = ("hours", "days", "months")
WHOLE_TIME = "^ *[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}( *$| +[0-9]{1,2}:[0-9])"


@pytest.fixture(scope="module")
def stored(
    emulator: Emulator, aws_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestLake]:
    lake = new_lake(emulator)
    lay_day(lake, sessions=100)
    put_hostile_lines(lake)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in aws_env.items():
            patch.setenv(name, value)
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield lake


@pytest.fixture(scope="module")
def by_duckdb(stored: TestLake) -> dict[str, QueryResults]:
    """The rows that DuckDB gets of the lines, by time zone."""
    lake = Lake(stored.bucket, {}, stored.s3)
    return {
        zone: duckdb_engine.run_queries(lake, SPAN, _asked(zone), ZoneInfo(zone), lines_only=True)
        for zone in ZONES
    }


@pytest.fixture(scope="module")
def by_spark(stored: TestLake, tmp_path_factory: pytest.TempPathFactory) -> dict[str, QueryResult]:
    """The rows of Spark: from lines in each time zone, from columns/, and from a mixture of both."""
    assert PYTHON.exists(), "Spark is not installed; run: make test-spark"
    folder, lake = tmp_path_factory.mktemp("lake"), Lake(stored.bucket, {}, stored.s3)
    table = line_table(lake)
    table = table._replace(glue_name="lake_lines", glue_columns=frozenset(table.columns))
    _download(stored, "clicks/", folder)
    tables, queries = {"lake_lines": _lines(table, folder / "clicks")}, {}
    for state in STATES:
        if state == "columns":
            assert compact_span(lake, AROUND).written
        elif state == "mixture":
            assert drop_columns(lake, AROUND, every=3) > 8
        if state != "lines":
            _download(stored, "columns/", folder / state)
            tables[f"lake_{state}"] = _columns(folder / state / "columns")
        sources = sources_of(lake, SPAN, datetime.now(UTC))
        for zone in ZONES if state == "lines" else ZONES[:1]:
            for name, query in _asked(zone).items():
                sql = to_athena(query, table, f"lake_{state}", SPAN, sources, ZoneInfo(zone))
                queries[f"{state} {zone} {name}"] = _spark_sql(sql)
    return _run_spark({"tables": tables, "queries": queries}, folder)


def _download(stored: TestLake, prefix: str, folder: Path) -> None:
    """Copy the objects, decompressed; the names of partitions stay."""
    for key in stored.keys(prefix):
        file = folder / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.with_suffix(".json" if prefix == "clicks/" else ".parquet").write_bytes(stored.body(key))


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
    hexadecimal = sqlglot.parse_one(f"conv(substring(md5({column.name}), 1, 16), 16, -10)", dialect="spark")
    return exp.cast(hexadecimal, "bigint")


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
        "path": str(folder),
        "schema": ", ".join([*fields, "dt string", "hr string"]),
        "select": [*select, "dt", "cast(hr as int) as hr"],
    }


def _columns(folder: Path) -> dict[str, Any]:
    return {
        "format": "parquet",
        "path": str(folder),
        "schema": None,
        "select": ["* except (hr)", "cast(hr as int) as hr"],
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


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("name", QUESTIONS)
def test_spark_gives_the_rows_that_duckdb_gives(
    by_duckdb: dict[str, QueryResults], by_spark: dict[str, QueryResult], name: str, state: str
) -> None:
    assert by_spark[f"{state} UTC {name}"] == by_duckdb["UTC"].by_name[name]
    assert by_spark[f"{state} UTC {name}"].rows


@pytest.mark.parametrize("zone", ZONES[1:])
@pytest.mark.parametrize("name", BY_TIME)
def test_spark_knows_the_hours_of_a_time_zone(
    by_duckdb: dict[str, QueryResults], by_spark: dict[str, QueryResult], name: str, zone: str
) -> None:
    assert by_spark[f"lines {zone} {name}"] == by_duckdb[zone].by_name[name]


def test_the_hostile_lines_are_among_the_rows(by_spark: dict[str, QueryResult]) -> None:
    bots, copies = (by_spark[f"lines UTC {name}"].rows for name in ("bots", "duplicates"))
    assert {row[0] for row in bots} >= {"<script>alert(1)</script>", "\U0001f42b", ""}
    assert dict(copies)[48] == 1  # the event with two lines in each hour


def test_the_example_in_the_docs_gives_the_rows_of_the_same_question(
    by_spark: dict[str, QueryResult], stored: TestLake, tmp_path: Path
) -> None:
    compact_span(Lake(stored.bucket, {}, stored.s3), AROUND)
    _download(stored, "columns/", tmp_path)
    page = (ROOT / "docs" / "columns.md").read_text()
    example = page.split("## Spark\n")[1].split("```python\n")[1].split("```")[0]
    program = example.replace("s3a://YOUR-BUCKET", str(tmp_path))
    assert program != example
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "SPARK_LOCAL_IP": "127.0.0.1"}
    done = subprocess.run(
        [PYTHON, "-c", program], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    shown = [line.strip("|").split("|") for line in done.stdout.splitlines() if line.startswith("|")]
    (item, clicks, visitors) = (cell.strip() for cell in shown[1])
    first = next(iter(by_spark["lines UTC items"]))
    assert (item, int(clicks), int(visitors)) == (first["itemid"], first["clicks"], first["visitors"])


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_the_examples_of_data_frames_give_the_rows_of_the_same_question(
    stored: TestLake, tmp_path: Path, library: str
) -> None:
    lake = Lake(stored.bucket, {}, stored.s3)
    compact_span(lake, AROUND)
    _download(stored, "columns/", tmp_path)
    page = (ROOT / "docs" / "columns.md").read_text()
    example = (
        page.split(f"import {library} as ")[1].split("```")[0].replace("2026-11-01", f"{SPAN.since:%Y-%m-%d}")
    )
    example = example.replace("pl.date(2026, 11, 1)", f"pl.date({SPAN.since:%Y, %-m, %-d})")
    alias, _, body = example.partition("\n")
    shown = {
        "pandas": "print(json.dumps([list(map(str, row)) for row in found.reset_index().values.tolist()]))",
        "polars": "print(json.dumps([list(map(str, row)) for row in found.rows() if row[0] is not None]))",
    }
    statements = ast.parse(body).body
    last = ast.unparse(statements.pop())
    before = "\n".join(map(ast.unparse, statements))
    program = f"import json\nimport {library} as {alias}\n{before}\nfound = {last}\n{shown[library]}"
    done = subprocess.run([PYTHON, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    asked = parse_query(
        "select itemid, count(*), count(distinct visitor_key) from events"
        f" where type = 'click' and itemid is not null and dt = '{SPAN.since:%Y-%m-%d}' group by 1 order by 1"
    )
    expected = duckdb_engine.run_queries(lake, SPAN, {"asked": asked}).by_name["asked"].rows
    assert len(expected) > 5
    assert sorted(json.loads(done.stdout)) == [[*map(str, row)] for row in expected]
