"""Write a query for Athena: its views, and which hours each of the stack's two tables is asked for."""

from bisect import bisect
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, tzinfo

from sqlglot import exp

from clicklake.errors import CommandError
from clicklake.lake.bucket import Lake
from clicklake.lake.columns import COUNTED_COLUMNS, SpanSources
from clicklake.lake.old_lines import item_lookup_sql
from clicklake.lake.partitions import Span
from clicklake.query.queries import (
    DIALECT,
    needed_views,
    referenced_columns,
    referenced_tables,
    view_definitions,
)
from clicklake.tables.schema import KEY_COLUMNS, PARTITIONS, VISIT_KEYS, LineTable


def columns_table(lake: Lake) -> str:
    """Return the quoted name of the table over columns/."""
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
    for cte in query.ctes:
        if cte.alias.lower() in {*views, "stored_lines", "stored_events"}:
            raise CommandError(f"with {cte.alias}: this is the name of a table; choose another")
        ctes[cte.args["alias"].sql(DIALECT)] = cte.this.sql(DIALECT)
    body = query.copy()
    body.set("with_", None)
    if not ctes:
        return body.sql(DIALECT)
    written = query.args.get("with_")
    kind = "with recursive" if written and written.args.get("recursive") else "with"
    return f"{kind} {', '.join(f'{name} as ({sql})' for name, sql in ctes.items())} {body.sql(DIALECT)}"


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
