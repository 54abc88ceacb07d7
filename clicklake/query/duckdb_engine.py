"""Questions answered on this machine: the lines are read once into a database on disk, and DuckDB asks it."""

import shutil
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
from duckdb import DuckDBPyConnection
from sqlglot import exp

from clicklake.errors import CommandError
from clicklake.lake.bucket import Lake, S3Object
from clicklake.lake.error_documents import FAILED, objects_of_day
from clicklake.lake.old_lines import item_lookup_sql
from clicklake.lake.partitions import Span, hours_between, partition_of
from clicklake.query.downloads import Inflated, inflated_batches
from clicklake.query.queries import Answer, Answers, Questions, asked_columns, asked_tables, tables_sql
from clicklake.query.schema import FAILED_COLUMNS, PARTITIONS, Column, clicks_table

MEMORY_LIMIT = "220MB"  # DuckDB's own; what does not fit is spilled to disk
ROW_GROUP_ROWS = 61_440  # half of DuckDB's: what does not fill one of each thread is written twice
THREADS = 2  # each takes up to 100 MB while lines are read: four would want more than the limit
MAX_LINE_BYTES = (
    4 * 1024 * 1024
)  # Firehose takes no record of more than 1,000 KiB; DuckDB keeps room for some
ROOM_FOR_OBJECTS = 10  # times their size: what their lines take uncompressed, and half as much again
LISTINGS = 8  # at once
NAMED_OBJECTS = 5  # of those that cannot be read

# Which of an event's lines is the newest: a look at all ids, and then at few lines.
_RANK_LINES = """
create table repeated as select eventid from clicks group by eventid having count(*) > 1;
create table ranks as
  select
    clicks.rowid as line,
    row_number() over (partition by eventid order by processedat desc, receivedat desc) as nth
  from clicks semi join repeated using (eventid);
update clicks set nth = ranks.nth from ranks where clicks.rowid = ranks.line;
create view unique_clicks as select * from clicks where nth = 1;
"""


def ask(lake: Lake, span: Span, questions: Questions) -> Answers:
    """Raises CommandError for a question that DuckDB does not understand, or has no room for."""
    try:
        with TemporaryDirectory(prefix="clicklake-") as name, _database(Path(name)) as db:
            return _ask(db, lake, span, questions, Path(name))
    except duckdb.OutOfMemoryException as error:
        raise CommandError("that is too much for DuckDB here: name fewer days, or --engine athena") from error


def _database(folder: Path) -> DuckDBPyConnection:
    # A checkpoint after each insert would write the last rows anew: for a million lines, half of the time.
    config = {
        "memory_limit": MEMORY_LIMIT,
        "threads": THREADS,
        "temp_directory": str(folder),
        "preserve_insertion_order": False,
        "checkpoint_threshold": "1TB",
    }
    db = duckdb.connect(config=config)  # type: ignore[arg-type]
    file = exp.Literal.string(str(folder / "lines.duckdb")).sql("duckdb")
    db.execute(f"attach {file} as disk (row_group_size {ROW_GROUP_ROWS}); use disk")
    db.execute("pragma disable_checkpoint_on_shutdown")  # the file is thrown away
    return db


def _ask(db: DuckDBPyConnection, lake: Lake, span: Span, questions: Questions, folder: Path) -> Answers:
    notes = []
    asked = asked_tables(questions.values())
    if asked - {"failed"}:
        notes += _load_clicks(db, lake, span, questions, folder)
    if "failed" in asked:
        notes += _load(db, "failed", FAILED_COLUMNS, lake, _failed_objects(lake, span), folder)
    return Answers({name: _answer(db, each) for name, each in questions.items()}, tuple(notes))


def _click_objects(lake: Lake, span: Span) -> list[S3Object]:
    folders = tuple(f"clicks/{partition_of(hour)}" for hour in hours_between(span.since, span.until))
    days = sorted({folder.partition("hr=")[0] for folder in folders})
    with ThreadPoolExecutor(LISTINGS) as threads:
        found = [*threads.map(lambda day: list(lake.objects(day)), days)]
    return [stored for objects in found for stored in objects if stored.key.startswith(folders)]


def _failed_objects(lake: Lake, span: Span) -> list[S3Object]:
    days = sorted({hour.date() for hour in hours_between(span.since, span.until)})
    return [stored for day in days for stored in objects_of_day(lake, FAILED, day)]


def _load_clicks(
    db: DuckDBPyConnection, lake: Lake, span: Span, questions: Questions, folder: Path
) -> list[str]:
    """As views.sql says, but that times and ranks are found once, and not by each question."""
    known = clicks_table(lake).columns | PARTITIONS
    columns = {name: known[name] for name in asked_columns(questions.values(), known)}
    notes = _load(db, "clicks", columns, lake, _click_objects(lake, span), folder)
    # Where a line is no JSON object, or has no eventId, every engine reads nulls.
    (strangers,) = db.execute("delete from clicks where eventid is null").fetchone() or (0,)
    if strangers:
        notes.append(f"{strangers:,} lines are no clicks (no JSON, or without eventId) and are left out")
    db.execute(_RANK_LINES)
    db.execute(f"create view human_clicks as {tables_sql()['human_clicks'].sql('duckdb')}")
    return notes


def _load(
    db: DuckDBPyConnection,
    table: str,
    columns: Mapping[str, Column],
    lake: Lake,
    objects: list[S3Object],
    folder: Path,
) -> list[str]:
    """Make the table of the objects' lines; what could not be read is told."""
    select = _select_from_files(columns)
    if table == "clicks":
        made = tables_sql()["clicks"].transform(_with_iso_times).sql("duckdb")
        made = made.replace("FROM lines", f"FROM ({select})")
        select = f"select *, 1 as nth from ({made})"  # noqa: S608 (made of ours)
    needed = ROOM_FOR_OBJECTS * sum(stored.size for stored in objects)
    is_roomy = needed < shutil.disk_usage(folder).free  # compressing takes a fifth of the time
    db.execute(f"pragma force_compression = '{'uncompressed' if is_roomy else 'auto'}'")
    empty = folder / "empty.json"
    empty.touch()
    db.execute(f"create table {table} as {select}", {"files": [str(empty)]})
    unreadable = [
        key
        for batch in inflated_batches(lake, objects, folder, table)
        for key in _insert(db, f"insert into {table} {select}", batch)
    ]
    if not unreadable:
        return []
    named = ", ".join(sorted(unreadable)[:NAMED_OBJECTS])
    return [f"{len(unreadable)} of {len(objects)} objects cannot be read and are left out: {named}"]


def _with_iso_times(node: exp.Expression) -> exp.Expression:
    """Athena casts no time with a T, DuckDB does, and replacing it takes a tenth of an insert."""
    return node.this if isinstance(node, exp.Replace) else node


def _select_from_files(columns: Mapping[str, Column]) -> str:
    read: dict[str, str] = {}
    selected = []
    for name, column in columns.items():
        kind = exp.DataType.build(column.type, dialect="hive").sql("duckdb")
        if name in PARTITIONS:  # a part of the key, which the file's name quotes
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


def _insert(db: DuckDBPyConnection, statement: str, batch: Iterable[Inflated]) -> list[str]:
    """Answers the keys of what cannot be read; of the others nothing is lost."""
    whole = [each for each in batch if each.size is not None]
    broken = [each.key for each in batch if each.size is None]
    if not whole:
        return broken
    try:
        db.execute(statement, {"files": [str(each.file) for each in whole]})
    except duckdb.Error as error:
        if len(whole) == 1:
            if isinstance(error, duckdb.OutOfMemoryException):
                raise
            return [*broken, whole[0].key]
        broken += [key for each in whole for key in _insert(db, statement, [each])]
    return broken


def _answer(db: DuckDBPyConnection, question: exp.Query) -> Answer:
    try:
        found = db.execute(question.sql("duckdb"))
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        raise CommandError(f"DuckDB: {error}") from error
    return Answer(tuple(column[0].lower() for column in found.description or ()), found.fetchall())
