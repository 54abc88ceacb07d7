"""Run queries in Athena over the stack's Glue tables, for lakes too large for one machine.

An hour is read from the table over columns/ if it has a current object there, else from the one over clicks/.
"""

import time
from bisect import bisect
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlglot import exp

from clicklake.errors import CommandError
from clicklake.lake.bucket import Lake
from clicklake.lake.columns import COUNTED_COLUMNS, SpanSources, sources_of
from clicklake.lake.old_lines import item_lookup_sql
from clicklake.lake.partitions import Span
from clicklake.query import duckdb_engine
from clicklake.query.queries import (
    DIALECT,
    Queries,
    QueryResult,
    QueryResults,
    needed_views,
    referenced_columns,
    referenced_tables,
    view_definitions,
)
from clicklake.tables.schema import KEY_COLUMNS, PARTITIONS, VISIT_KEYS, LineTable, line_table

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
    # A stack of an earlier version has no table over columns/.
    has_columns = "ColumnsTableName" in lake.outputs and not lines_only
    on_lines = {name: query for name, query in queries.items() if "failed" not in referenced_tables([query])}
    sources = {
        only: sources_of(lake, span, datetime.now(UTC), lines_only=only)
        for only in {_reads_lines_only(query, has_columns) for query in on_lines.values()}
    }

    def run(query: exp.Query) -> _QueryRun:
        chosen = sources[_reads_lines_only(query, has_columns)]
        sql = to_athena(query, table, _columns_name(lake), span, chosen, zone)
        started = athena.start_query_execution(QueryString=sql, WorkGroup=group)
        return _result(athena, started["QueryExecutionId"])

    with ThreadPoolExecutor(AT_ONCE) as threads:
        runs = dict(zip(on_lines, threads.map(run, on_lines.values()), strict=True))
    # Glue has no table of error documents: there are few, so DuckDB reads them.
    on_failed = {name: query for name, query in queries.items() if name not in on_lines}
    failed = duckdb_engine.run_queries(lake, span, on_failed, zone)
    results = {name: query_run.result for name, query_run in runs.items()} | failed.by_name
    return QueryResults(results, (*failed.notes, _cost(runs.values())))


def _reads_lines_only(query: exp.Query, has_columns: bool) -> bool:
    """Columns hold a row per event and hour, so a query that names `lines` reads clicks/ alone."""
    return not has_columns or "lines" in referenced_tables([query])


def _columns_name(lake: Lake) -> str:
    return f'"{lake.outputs["GlueDatabaseName"]}"."{lake.outputs.get("ColumnsTableName", "")}"'


def to_athena(
    query: exp.Query,
    table: LineTable,
    columns_name: str,
    span: Span,
    sources: SpanSources,
    zone: tzinfo = UTC,
) -> str:
    """Return the query's SQL, with the views that it reads before it. `columns_name` is a table in Glue."""
    columns = referenced_columns([query], table.columns | PARTITIONS | KEY_COLUMNS)
    views = view_definitions(
        zone, span, columns, from_lines=bool(sources.lines), from_columns=bool(sources.columns)
    )
    needed = needed_views(query, views)
    read = referenced_tables([query, *needed.values()])
    ctes: dict[str, str] = {}
    if "stored_lines" in read:
        ctes["stored_lines"] = _stored_lines(columns, table, columns_name, sources)
    if "stored_events" in read:
        ctes["stored_events"] = _stored_events(columns, table, columns_name, sources)
    ctes |= {name: view.sql(DIALECT) for name, view in needed.items()}
    ctes |= {cte.alias: cte.this.sql(DIALECT) for cte in query.ctes}
    body = query.copy()
    body.set("with_", None)
    if not ctes:
        return body.sql(DIALECT)
    return f"with {', '.join(f'{name} as ({sql})' for name, sql in ctes.items())} {body.sql(DIALECT)}"


def _stored_lines(columns: Sequence[str], table: LineTable, columns_name: str, sources: SpanSources) -> str:
    """Select the lines of the hours without columns, and the ids that landed in the 25 hours before them.

    A line that is not a JSON object, or has no eventId, is left out, as in DuckDB: it reads as nulls.
    """
    asked = [f"{expression} as {name}" for name, expression in _line_expressions(columns, table).items()]
    ids = [
        name if name in ("eventid", *PARTITIONS) else f"cast(null as {_sql_type(name, table)}) as {name}"
        for name in columns
    ]
    hours = f"{_hours_sql(sources.lines, sources)} and eventid is not null"
    selects = [_select([*asked, "true as is_asked"], table.glue_name, hours)]
    for name, earlier in ((table.glue_name, sources.earlier_lines), (columns_name, sources.earlier_columns)):
        if earlier:
            selects.append(_select([*ids, "false as is_asked"], name, _hours_sql(earlier, sources)))
    return " union all ".join(selects)


def _stored_events(columns: Sequence[str], table: LineTable, columns_name: str, sources: SpanSources) -> str:
    columns = [*columns, *(name for name in COUNTED_COLUMNS if name not in KEY_COLUMNS)]
    known = {*table.glue_columns, *PARTITIONS, *COUNTED_COLUMNS}
    selected = [name if name in known else f"cast(null as varchar) as {name}" for name in columns]
    if "itemlookup" in columns:
        selected[columns.index("itemlookup")] = f"{_item_lookup(table)} as itemlookup"
    return _select(selected, columns_name, _hours_sql(sources.columns, sources))


def _line_expressions(columns: Sequence[str], table: LineTable) -> dict[str, str]:
    """Return what to select from the table of lines for each column."""
    expressions = {}
    for name in columns:
        if name in VISIT_KEYS:
            expressions[name] = f"from_big_endian_64(substr(md5(to_utf8({VISIT_KEYS[name]})), 1, 8))"
        elif name == "itemlookup":
            expressions[name] = _item_lookup(table)
        else:
            is_known = name in table.glue_columns or name in PARTITIONS
            expressions[name] = name if is_known else "cast(null as varchar)"
    return expressions


def _item_lookup(table: LineTable) -> str:
    known, unknown = table.glue_columns, "cast(null as varchar)"
    new, old = (name if name in known else unknown for name in ("itemlookup", "enrichment"))
    return item_lookup_sql(new, old)


def _sql_type(name: str, table: LineTable) -> str:
    if name in VISIT_KEYS:
        return "bigint"
    glue = table.columns[name].type
    return exp.DataType.build(glue, dialect="hive").sql(DIALECT).lower()


def _select(selected: Sequence[str], table_name: str | None, hours: str) -> str:
    return f"select {', '.join(selected)} from {table_name} where {hours}"  # noqa: S608 (our own names)


def _hours_sql(hours: Collection[datetime], sources: SpanSources) -> str:
    known = {*sources.lines, *sources.columns, *sources.earlier_lines, *sources.earlier_columns}
    return hours_sql(hours, known.difference(hours))


def hours_sql(hours: Iterable[datetime], others: Iterable[datetime] = ()) -> str:
    """Return the condition for these hours, which Athena evaluates before it reads anything.

    A range also covers hours that have no object at all, but none of `others`: those are read from elsewhere.
    """
    runs: list[tuple[datetime, datetime]] = []
    limits = sorted(others)
    for hour in sorted(hours):
        if runs and bisect(limits, hour) == bisect(limits, runs[-1][1]):
            runs[-1] = runs[-1][0], hour
        else:
            runs.append((hour, hour))
    if not runs:
        return "false"
    ranges = [_range_sql(first, last) for first, last in runs]
    days = f"dt between '{runs[0][0]:%Y-%m-%d}' and '{runs[-1][1]:%Y-%m-%d}'"
    return ranges[0] if len(ranges) == 1 else f"{days} and ({' or '.join(ranges)})"


def _range_sql(first: datetime, last: datetime) -> str:
    """Bound the days, then trim the hours of the first and the last day."""
    start, end = f"{first:%Y-%m-%d}", f"{last:%Y-%m-%d}"
    if start == end:
        return f"(dt = '{start}' and hr between {first.hour} and {last.hour})"
    return (
        f"(dt between '{start}' and '{end}' and (dt > '{start}' or hr >= {first.hour})"
        f" and (dt < '{end}' or hr <= {last.hour}))"
    )


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
