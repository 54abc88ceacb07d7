"""Run queries on this machine, with DuckDB."""

import math
from datetime import UTC, tzinfo

from clicklake.lake.bucket import Lake
from clicklake.lake.partitions import Span
from clicklake.query.queries import (
    Queries,
    QueryResult,
    QueryResults,
    referenced_columns,
    referenced_tables,
)
from clicklake.query.span_database import SpanDatabase
from clicklake.tables.schema import KEY_COLUMNS, PARTITIONS, line_table


def run_queries(
    lake: Lake,
    span: Span,
    queries: Queries,
    zone: tzinfo = UTC,
    *,
    lines_only: bool = False,
    query_seconds: float = math.inf,
) -> QueryResults:
    """Raise CommandError for SQL that DuckDB refuses, or that needs too much memory or too many seconds.

    Lines are in clicks/ alone: queries that name the table `lines` read nothing else.
    """
    on_lines = {name: query for name, query in queries.items() if "lines" in referenced_tables([query])}
    others = {name: query for name, query in queries.items() if name not in on_lines}
    results: dict[str, QueryResult] = {}
    notes: list[str] = []
    for some, is_lines_only in ((others, lines_only), (on_lines, True)):
        if some:
            found, said = _run(lake, span, some, zone, is_lines_only, query_seconds)
            results |= found
            notes += said
    return QueryResults({name: results[name] for name in queries}, tuple(dict.fromkeys(notes)))


def _run(
    lake: Lake, span: Span, queries: Queries, zone: tzinfo, lines_only: bool, query_seconds: float
) -> tuple[dict[str, QueryResult], list[str]]:
    tables = referenced_tables(queries.values())
    known = line_table(lake).columns | PARTITIONS | KEY_COLUMNS
    with SpanDatabase(
        lake,
        span,
        zone,
        columns=referenced_columns(queries.values(), known),
        lines_only=lines_only,
        with_events=bool(tables - {"failed"}),
        with_failed="failed" in tables,
        query_seconds=query_seconds,
    ) as opened:
        return {name: opened.run(query) for name, query in queries.items()}, opened.notes
