"""Run queries on this machine: read the lines once into a database on disk, then query it with DuckDB."""

import re
import shutil
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, tzinfo
from difflib import get_close_matches
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection
from sqlglot import exp

from clicklake.errors import CommandError
from clicklake.lake.bucket import Lake, S3Object
from clicklake.lake.error_documents import FAILED, objects_of_day
from clicklake.lake.old_lines import item_lookup_sql
from clicklake.lake.partitions import Span, hours_between, partition_of
from clicklake.query.queries import (
    Queries,
    QueryResult,
    QueryResults,
    referenced_columns,
    referenced_tables,
    view_definitions,
)
from clicklake.query.translate import MACROS, to_duckdb
from clicklake.tables.downloads import Download, download_batches
from clicklake.tables.schema import (
    COMPUTED_COLUMNS,
    FAILED_COLUMNS,
    PARTITIONS,
    Column,
    landed_in,
    line_table,
)

MEMORY_LIMIT = "220MB"  # for DuckDB alone; it spills the rest to disk
ROW_GROUP_ROWS = 61_440  # half of DuckDB's default: rows that fill no group are written twice
THREADS = 2  # each needs up to 100 MB while it reads lines: four would exceed the limit
MAX_LINE_BYTES = 4 * 1024 * 1024  # Firehose takes no record of more than 1,000 KiB
DISK_FACTOR = 10  # free disk per byte of objects: their lines uncompressed, and half as much again
LISTINGS = 8  # at once
TABLES = ("lines", "events", "human_events", "failed")
NAMED_OBJECTS = 5  # at most, of those that cannot be read

# The same as the view `events`, but faster: scan all ids, then rank only the lines whose id occurs twice.
_RANK_LINES = """
create table repeated as select eventid from lines group by eventid having count(*) > 1;
create table ranks as
  select
    lines.rowid as line,
    row_number() over (partition by eventid order by processedat desc, receivedat desc) as dedup_rank
  from lines semi join repeated using (eventid);
update lines set dedup_rank = ranks.dedup_rank from ranks where lines.rowid = ranks.line;
create view events as select * from lines where dedup_rank = 1;
"""


def run_queries(lake: Lake, span: Span, queries: Queries, zone: tzinfo = UTC) -> QueryResults:
    """Raise CommandError for SQL that DuckDB refuses, or that needs too much memory."""
    try:
        with TemporaryDirectory(prefix="clicklake-") as name, _database(Path(name)) as db:
            return _run_queries(db, lake, span, queries, zone, Path(name))
    except duckdb.OutOfMemoryException as error:
        raise CommandError("too much for DuckDB here; choose fewer days, or --engine athena") from error


def _database(folder: Path) -> DuckDBPyConnection:
    # A checkpoint after each insert would write the last rows again: half of the time for a million lines.
    config = {
        "memory_limit": MEMORY_LIMIT,
        "threads": THREADS,
        "temp_directory": str(folder),
        "preserve_insertion_order": False,
        "checkpoint_threshold": "1TB",
    }
    if "?" in str(folder):  # DuckDB would cut the path there
        raise CommandError(
            f"DuckDB cannot use the folder for temporary files {folder}: choose a TMPDIR without ?"
        )
    db = duckdb.connect(config=config)  # type: ignore[arg-type]
    file = exp.Literal.string(str(folder / "lines.duckdb")).sql("duckdb")
    db.execute(f"attach {file} as disk (row_group_size {ROW_GROUP_ROWS}); use disk")
    db.execute("pragma disable_checkpoint_on_shutdown")  # the file is thrown away
    db.execute("set integer_division = true; set timezone = 'UTC'")
    db.execute(MACROS)
    return db


def _run_queries(
    db: DuckDBPyConnection, lake: Lake, span: Span, queries: Queries, zone: tzinfo, folder: Path
) -> QueryResults:
    notes = []
    tables = referenced_tables(queries.values())
    if tables - {"failed"}:
        notes += _load_lines(db, lake, span, queries, zone, folder)
    if "failed" in tables:
        select = _select_from_files(FAILED_COLUMNS)
        notes += _load(db, "failed", select, lake, _failed_objects(lake, span), folder)
    _close_file_system(db, folder)
    results = {name: _run_query(db, lake, query) for name, query in queries.items()}
    return QueryResults(results, tuple(notes))


def _click_objects(lake: Lake, span: Span) -> list[S3Object]:
    partitions = tuple(f"clicks/{partition_of(hour)}" for hour in hours_between(span.since, span.until))
    days = sorted({partition.partition("hr=")[0] for partition in partitions})
    with ThreadPoolExecutor(LISTINGS) as threads:
        by_day = threads.map(lambda day: list(lake.objects(day)), days)
        return [found for objects in by_day for found in objects if found.key.startswith(partitions)]


def _failed_objects(lake: Lake, span: Span) -> list[S3Object]:
    days = sorted({hour.date() for hour in hours_between(span.since, span.until)})
    return [found for day in days for found in objects_of_day(lake, FAILED, day)]


def _load_lines(
    db: DuckDBPyConnection, lake: Lake, span: Span, queries: Queries, zone: tzinfo, folder: Path
) -> list[str]:
    """Make the views of views.sql, but compute times and ranks once, not once per query. Return notes."""
    known = line_table(lake).columns | PARTITIONS
    trimmed = landed_in(span)
    needed = {*referenced_columns(queries.values(), known), *(PARTITIONS if trimmed else ())}
    columns = {name: column for name, column in known.items() if name in needed}
    views = view_definitions(zone, span)
    stored = _select_from_files(columns)
    if trimmed:
        stored = f"select * from ({stored}) where {trimmed}"  # noqa: S608 (SQL of our own)
    timed = views["timed_lines"].transform(_cast_iso_times).sql("duckdb")
    timed = timed.replace("FROM stored_lines", f"FROM ({stored})")
    select = views["lines"].sql("duckdb").replace("FROM timed_lines", f"FROM ({timed})")
    select = f"select *, 1 as dedup_rank from ({select})"  # noqa: S608 (SQL of our own)
    notes = _load(db, "lines", select, lake, _click_objects(lake, span), folder)
    # A line that is not a JSON object, or has no eventId, reads as nulls in every engine.
    (malformed,) = db.execute("delete from lines where eventid is null").fetchone() or (0,)
    if malformed:
        notes.append(f"{malformed:,} lines are not clicks (not JSON, or without eventId) and are left out")
    db.execute(_RANK_LINES)
    db.execute(f"create view human_events as {views['human_events'].sql('duckdb')}")
    return notes


def _load(
    db: DuckDBPyConnection,
    table: str,
    select: str,
    lake: Lake,
    objects: list[S3Object],
    folder: Path,
) -> list[str]:
    """Make a table of the objects' lines. Return a note if some objects cannot be read."""
    needed = DISK_FACTOR * sum(found.size for found in objects)
    has_room = needed < shutil.disk_usage(folder).free  # compression takes a fifth of the time
    db.execute(f"pragma force_compression = '{'uncompressed' if has_room else 'auto'}'")
    empty = folder / "empty.json"
    empty.touch()
    db.execute(f"create table {table} as {select}", {"files": [str(empty)]})
    unreadable = [
        key
        for batch in download_batches(lake, objects, folder, table)
        for key in _insert(db, f"insert into {table} {select}", batch)
    ]
    if not unreadable:
        return []
    named = ", ".join(sorted(unreadable)[:NAMED_OBJECTS])
    return [f"{len(unreadable)} of {len(objects)} objects cannot be read and are left out: {named}"]


def _cast_iso_times(node: exp.Expression) -> exp.Expression:
    """Drop the replacement of a time's T, which only Athena's cast needs: a tenth of an insert's time."""
    return node.this if isinstance(node, exp.Replace) else node


def _select_from_files(columns: Mapping[str, Column]) -> str:
    read: dict[str, str] = {}
    selected = []
    for name, column in columns.items():
        kind = exp.DataType.build(column.type, dialect="hive").sql("duckdb")
        if name in PARTITIONS:  # from the object's key, which the file's name quotes
            selected.append(f"try_cast(regexp_extract(filename, '{name}=([^%]*)', 1) as {kind}) as {name}")
        else:
            read[column.field] = kind
            selected.append(f'"{column.field}" as {name}')
        if name == "itemlookup":
            read["enrichment"] = kind
            selected[-1] = f"""{item_lookup_sql('"itemLookup"', '"enrichment"')} as {name}"""
    options = "format = 'newline_delimited', ignore_errors = true, filename = true"
    options += f", maximum_object_size = {MAX_LINE_BYTES}"
    fields = ", ".join(f"'{field}': '{kind}'" for field, kind in read.items())
    source = f"read_json($files, columns = {{{fields}}}, {options})"
    return f"select {', '.join(selected)} from {source}"  # noqa: S608 (names of our own table)


def _insert(db: DuckDBPyConnection, statement: str, batch: Iterable[Download]) -> list[str]:
    """Insert every readable object of the batch. Return the keys of those that cannot be read."""
    readable = [download for download in batch if download.size is not None]
    unreadable = [download.key for download in batch if download.size is None]
    if not readable:
        return unreadable
    try:
        db.execute(statement, {"files": [str(download.file) for download in readable]})
    except duckdb.Error as error:
        if len(readable) == 1:
            if isinstance(error, duckdb.OutOfMemoryException):
                raise
            return [*unreadable, readable[0].key]
        unreadable += [key for download in readable for key in _insert(db, statement, [download])]
    return unreadable


def _close_file_system(db: DuckDBPyConnection, folder: Path) -> None:
    """Let the queries read no other file of this machine: DuckDB's SQL can name any."""
    allowed = exp.Literal.string(str(folder)).sql("duckdb")
    db.execute(f"set allowed_directories = [{allowed}]; set enable_external_access = false")
    db.execute("set lock_configuration = true")


def _run_query(db: DuckDBPyConnection, lake: Lake, query: exp.Query) -> QueryResult:
    try:
        cursor = db.execute(to_duckdb(query))
        columns = tuple(column[0].lower() for column in cursor.description or ())
        return QueryResult(columns, [tuple(map(_as_athena, row)) for row in cursor.fetchall()])
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        raise CommandError(_reason(lake, error)) from error


def _as_athena(cell: Any) -> Any:
    """Return a time as the text that Athena's results have for it."""
    if not isinstance(cell, datetime):
        return cell
    text = f"{cell:%Y-%m-%d %H:%M:%S}.{cell.microsecond // 1000:03}"
    return f"{text} UTC" if cell.tzinfo == UTC or cell.tzinfo else text


def _reason(lake: Lake, error: duckdb.Error) -> str:
    """Return DuckDB's message in one line, with the names that a misspelt column or table may mean."""
    message = str(error).split("\n")[0]
    missing = re.search(r'(?:column|Table with name) "?([^"\s]+)"? (?:not found|does not exist)', message)
    if missing is None:
        return f"DuckDB: {message}"
    name = missing[1].lower()
    if "Table" in missing[0]:
        return f"there is no table {name}; the tables are {', '.join(TABLES)}"
    known = {*line_table(lake).columns, *PARTITIONS, *FAILED_COLUMNS, *COMPUTED_COLUMNS}
    close = get_close_matches(name, sorted(known), n=3)
    hint = f"did you mean {' or '.join(close)}?" if close else "docs/line.md lists the columns"
    return f"there is no column {name}; {hint}"
