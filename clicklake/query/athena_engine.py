"""Run queries in Athena over the stack's Glue table, for lakes too large for one machine."""

import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, timedelta, tzinfo
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlglot import exp

from clicklake.errors import CommandError
from clicklake.lake.bucket import Lake
from clicklake.lake.old_lines import item_lookup_sql
from clicklake.lake.partitions import HOUR, Span, hour_of
from clicklake.query import duckdb_engine
from clicklake.query.queries import (
    DIALECT,
    Queries,
    QueryResult,
    QueryResults,
    referenced_columns,
    referenced_tables,
    view_definitions,
)
from clicklake.tables.schema import PARTITIONS, LineTable, landed_in, line_table

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient

AT_ONCE = 5  # queries; an account may have 20: docs.aws.amazon.com/athena/latest/ug/service-limits.html
POLL_SECONDS = 0.25
DOLLARS_PER_TB = 5.0  # aws.amazon.com/athena/pricing (most regions)
MIN_BILLED_BYTES = 10_000_000  # per query

_PARSERS: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(("tinyint", "smallint", "int", "integer", "bigint"), int),
    **dict.fromkeys(("float", "real", "double", "decimal"), float),
}


class _QueryRun(NamedTuple):
    result: QueryResult
    scanned_bytes: int


def run_queries(
    lake: Lake, span: Span, queries: Queries, zone: tzinfo = UTC, *, lines_only: bool = False
) -> QueryResults:
    """Raise CommandError for SQL that Athena refuses, or that would scan more than the work group allows."""
    if "AthenaWorkGroupName" not in lake.outputs:
        raise CommandError("Athena needs the table of a stack; pass --stage, not --bucket")
    athena, table = lake.client("athena"), line_table(lake)
    group = lake.outputs["AthenaWorkGroupName"]

    def run(query: exp.Query) -> _QueryRun:
        started = athena.start_query_execution(
            QueryString=to_athena(query, table, span, zone), WorkGroup=group
        )
        return _result(athena, started["QueryExecutionId"])

    on_lines = {name: query for name, query in queries.items() if "failed" not in referenced_tables([query])}
    with ThreadPoolExecutor(AT_ONCE) as threads:
        runs = dict(zip(on_lines, threads.map(run, on_lines.values()), strict=True))
    # Glue has no table of error documents: there are few, so DuckDB reads them.
    on_failed = {name: query for name, query in queries.items() if name not in on_lines}
    failed = duckdb_engine.run_queries(lake, span, on_failed, zone)
    results = {name: query_run.result for name, query_run in runs.items()} | failed.by_name
    return QueryResults(results, (*failed.notes, _cost(runs.values())))


def to_athena(query: exp.Query, table: LineTable, span: Span, zone: tzinfo = UTC) -> str:
    """Return the query's SQL, with the views before it."""
    first = hour_of(span.since)
    last = hour_of(span.until - timedelta(microseconds=1)) + HOUR
    # Athena prunes partitions by the days; the hours then trim the first and the last day.
    days = f"dt between '{first:%Y-%m-%d}' and '{last:%Y-%m-%d}'"
    ends = f"(dt > '{first:%Y-%m-%d}' or hr >= {first.hour}) and (dt < '{last:%Y-%m-%d}' or hr < {last.hour})"
    bounds = [days, ends, *filter(None, [landed_in(span)])]
    ctes = {"stored_lines": f"{_select(query, table)} where {' and '.join(bounds)}"}
    ctes |= {name: view.sql(DIALECT) for name, view in view_definitions(zone, span).items()}
    ctes |= {cte.alias: cte.this.sql(DIALECT) for cte in query.ctes}
    body = query.copy()
    body.set("with_", None)
    return f"with {', '.join(f'{name} as ({sql})' for name, sql in ctes.items())} {body.sql(DIALECT)}"


def _select(query: exp.Query, table: LineTable) -> str:
    columns = referenced_columns([query], table.columns | PARTITIONS)
    known = table.glue_columns | PARTITIONS.keys()
    read = {name: name if name in known else "cast(null as varchar)" for name in table.columns | PARTITIONS}
    selected = [name if read[name] == name else f"{read[name]} as {name}" for name in columns]
    if "itemlookup" in columns:
        lookup = item_lookup_sql(read["itemlookup"], read["enrichment"])
        selected[columns.index("itemlookup")] = f"{lookup} as itemlookup"
    return f"select {', '.join(selected)} from {table.glue_name}"  # noqa: S608 (names of our own table)


def _result(athena: "AthenaClient", query_id: str) -> _QueryRun:
    while True:
        execution = athena.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]
        status = execution["Status"]
        if status["State"] not in ("QUEUED", "RUNNING"):
            break
        time.sleep(POLL_SECONDS)
    if status["State"] != "SUCCEEDED":
        raise CommandError(f"Athena: {status.get('StateChangeReason') or status['State']}")
    pages = [*athena.get_paginator("get_query_results").paginate(QueryExecutionId=query_id)]
    columns = pages[0]["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
    parsers = [_PARSERS.get(column["Type"], str) for column in columns]
    _names, *rows = [row["Data"] for page in pages for row in page["ResultSet"]["Rows"]]
    parsed = [tuple(_parse(cell, parser) for cell, parser in zip(row, parsers, strict=True)) for row in rows]
    result = QueryResult(tuple(column["Name"].lower() for column in columns), parsed)
    return _QueryRun(result, execution["Statistics"]["DataScannedInBytes"])


def _parse(cell: Mapping[str, str], parser: Callable[[str], Any]) -> Any:
    text = cell.get("VarCharValue")
    return None if text is None else parser(text)


def _cost(runs: Collection[_QueryRun]) -> str:
    scanned = sum(query_run.scanned_bytes for query_run in runs)
    billed = sum(max(query_run.scanned_bytes, MIN_BILLED_BYTES) for query_run in runs)
    return f"Athena read {scanned / 1e9:,.3f} GB, for about ${billed / 1e12 * DOLLARS_PER_TB:,.4f}"
