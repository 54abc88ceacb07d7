"""Run queries in Athena over the stack's Glue tables, for lakes too large for one machine.

An hour is read from the table over columns/ if it has a current object there, else from the one over clicks/.
"""

import math
import time
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, NamedTuple

from sqlglot import exp

from clicklake.errors import CommandError
from clicklake.lake.bucket import Lake
from clicklake.lake.columns import sources_of
from clicklake.lake.partitions import Span
from clicklake.query import duckdb_engine
from clicklake.query.athena_results import DOLLARS_PER_TB, MIN_BILLED_BYTES, get_execution, read_rows
from clicklake.query.athena_sql import columns_table, to_athena
from clicklake.query.queries import Queries, QueryResult, QueryResults, referenced_tables
from clicklake.query.span_database import too_slow
from clicklake.tables.schema import line_table

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient

AT_ONCE = 5  # queries; an account may have 20: docs.aws.amazon.com/athena/latest/ug/service-limits.html
POLL_SECONDS = 0.25


class _QueryRun(NamedTuple):
    result: QueryResult
    scanned_bytes: int


def run_queries(
    lake: Lake,
    span: Span,
    queries: Queries,
    zone: tzinfo = UTC,
    *,
    lines_only: bool = False,
    query_seconds: float = math.inf,
) -> QueryResults:
    """Raise CommandError for SQL that Athena refuses, or that would scan more than the work group allows.

    A query that takes more than `query_seconds` is stopped.
    """
    if "AthenaWorkGroupName" not in lake.outputs:
        raise CommandError("Athena needs the table of a stack; pass --stage, not --bucket")
    athena, table = lake.client("athena"), line_table(lake)
    group = lake.outputs["AthenaWorkGroupName"]
    # A stack of an earlier version has no table over columns/.
    has_columns = "ColumnsTableName" in lake.outputs and not lines_only
    on_lines = {name: query for name, query in queries.items() if "failed" not in referenced_tables([query])}
    sources = {
        only: sources_of(lake, span, datetime.now(UTC), lines_only=only)
        for only in {_reads_lines_only(query, has_columns) for query in on_lines.values()}
    }

    def run(query: exp.Query) -> _QueryRun:
        chosen = sources[_reads_lines_only(query, has_columns)]
        sql = to_athena(query, table, columns_table(lake), span, chosen, zone)
        started = athena.start_query_execution(QueryString=sql, WorkGroup=group)
        return _result(athena, started["QueryExecutionId"], query_seconds)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        runs = dict(zip(on_lines, threads.map(run, on_lines.values()), strict=True))
    # Glue has no table of error documents: there are few, so DuckDB reads them.
    on_failed = {name: query for name, query in queries.items() if name not in on_lines}
    failed = duckdb_engine.run_queries(lake, span, on_failed, zone, query_seconds=query_seconds)
    results = {name: query_run.result for name, query_run in runs.items()} | failed.by_name
    return QueryResults(results, (*failed.notes, _cost(runs.values())))


def _reads_lines_only(query: exp.Query, has_columns: bool) -> bool:
    """Columns hold a row per event and hour, so a query that names `lines` reads clicks/ alone."""
    return not has_columns or "lines" in referenced_tables([query])


def _result(athena: "AthenaClient", query_id: str, seconds: float) -> _QueryRun:
    deadline = time.monotonic() + seconds
    while not (execution := get_execution(athena, query_id)).is_over:
        if time.monotonic() > deadline:
            athena.stop_query_execution(QueryExecutionId=query_id)
            raise too_slow(seconds)
        time.sleep(POLL_SECONDS)
    if not execution.has_succeeded:
        raise CommandError(f"Athena: {execution.reason}")
    return _QueryRun(read_rows(athena, query_id), execution.scanned_bytes)


def _cost(runs: Collection[_QueryRun]) -> str:
    scanned = sum(query_run.scanned_bytes for query_run in runs)
    billed = sum(max(query_run.scanned_bytes, MIN_BILLED_BYTES) for query_run in runs)
    return f"Athena read {scanned / 1e9:,.3f} GB, for about ${billed / 1e12 * DOLLARS_PER_TB:,.4f}"
