"""Questions answered on this machine: the lines are read once into a database on disk, and DuckDB asks it."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
from duckdb import DuckDBPyConnection
from sqlglot import exp

from ops.errors import OpsError
from ops.failed import FAILED, objects_of_day
from ops.hours import Span, folder_of, hours
from ops.inflated import Inflated, inflated_batches
from ops.lake import Lake, Stored
from ops.questions import Answer, Answers, Questions, asked_columns, asked_tables, tables_sql
from ops.table import FAILED_COLUMNS, PARTITIONS, Column, clicks_table

MEMORY_LIMIT = "250MB"  # DuckDB's own; what does not fit is spilled to disk
LISTINGS = 8  # at once
NAMED_OBJECTS = 5  # of those that cannot be read

# Of an event's several lines all but one are put aside: a look at all ids, and at few lines.
_PUT_ASIDE = """
create table repeated as select eventid from lines group by eventid having count(*) > 1;
create table ranks as
  select
    lines.rowid as line,
    row_number() over (partition by eventid order by processedat desc, requestid desc) as nth
  from lines semi join repeated using (eventid);
create table surplus as select * from lines where rowid in (select line from ranks where nth > 1);
delete from lines where rowid in (select line from ranks where nth > 1);
"""


def ask(lake: Lake, span: Span, questions: Questions) -> Answers:
    """Raises OpsError for a question that DuckDB does not understand."""
    config = {"memory_limit": MEMORY_LIMIT, "preserve_insertion_order": False}
    with TemporaryDirectory(prefix="clicklake-") as name:
        folder = Path(name)
        with duckdb.connect(folder / "lines.duckdb", config=config) as db:  # type: ignore[arg-type]
            notes = []
            asked = asked_tables(questions.values())
            if asked - {"failed"}:
                known = clicks_table(lake).columns | PARTITIONS
                columns = {name: known[name] for name in asked_columns(questions.values(), known)}
                notes += _load(db, "lines", columns, lake, _click_objects(lake, span), folder)
                notes += _drop_strangers(db)
                _make_tables(db)
            if "failed" in asked:
                notes += _load(db, "failed", FAILED_COLUMNS, lake, _failed_objects(lake, span), folder)
            return Answers({name: _answer(db, each) for name, each in questions.items()}, tuple(notes))


def _click_objects(lake: Lake, span: Span) -> list[Stored]:
    folders = tuple(f"clicks/{folder_of(hour)}" for hour in hours(span.since, span.until))
    days = sorted({folder.partition("hr=")[0] for folder in folders})
    with ThreadPoolExecutor(LISTINGS) as threads:
        found = [*threads.map(lambda day: list(lake.objects(day)), days)]
    return [stored for objects in found for stored in objects if stored.key.startswith(folders)]


def _failed_objects(lake: Lake, span: Span) -> list[Stored]:
    days = sorted({hour.date() for hour in hours(span.since, span.until)})
    return [stored for day in days for stored in objects_of_day(lake, FAILED, day)]


def _load(
    db: DuckDBPyConnection,
    table: str,
    columns: Mapping[str, Column],
    lake: Lake,
    objects: list[Stored],
    folder: Path,
) -> list[str]:
    """Make the table of the objects' lines; what could not be read is told."""
    types = {
        name: exp.DataType.build(each.type, dialect="hive").sql("duckdb") for name, each in columns.items()
    }
    declared = ", ".join(f'"{name}" {kind}' for name, kind in types.items())
    db.execute(f"create table {table} ({declared})")
    insert = _insert_statement(table, columns, types)
    unreadable = [
        key for batch in inflated_batches(lake, objects, folder, table) for key in _insert(db, insert, batch)
    ]
    if not unreadable:
        return []
    named = ", ".join(sorted(unreadable)[:NAMED_OBJECTS])
    return [f"{len(unreadable)} of {len(objects)} objects cannot be read and are left out: {named}"]


def _insert_statement(table: str, columns: Mapping[str, Column], types: Mapping[str, str]) -> str:
    read = {f"'{each.field}': '{types[name]}'" for name, each in columns.items() if name not in PARTITIONS}
    selected = [
        f"try_cast(regexp_extract(filename, '{name}=([^%]*)', 1) as {types[name]})"  # of the quoted key
        if name in PARTITIONS
        else f'"{each.field}"'
        for name, each in columns.items()
    ]
    options = "format = 'newline_delimited', ignore_errors = true, filename = true"
    source = f"read_json($files, columns = {{{', '.join(read)}}}, {options})"
    return f"insert into {table} select {', '.join(selected)} from {source}"  # noqa: S608 (our own names)


def _insert(db: DuckDBPyConnection, statement: str, batch: Iterable[Inflated]) -> list[str]:
    """Answers the keys of what cannot be read; of the others nothing is lost."""
    whole = [each for each in batch if each.size is not None]
    broken = [each.key for each in batch if each.size is None]
    if not whole:
        return broken
    try:
        db.execute(statement, {"files": [str(each.file) for each in whole]})
    except duckdb.Error:
        if len(whole) == 1:
            return [*broken, whole[0].key]
        broken += [key for each in whole for key in _insert(db, statement, [each])]
    return broken


def _drop_strangers(db: DuckDBPyConnection) -> list[str]:
    """Where a line is no JSON object, or has no eventId, every engine reads nulls."""
    (count,) = db.execute("delete from lines where eventid is null").fetchone() or (0,)
    return [f"{count:,} lines are no clicks (no JSON, or without eventId) and are left out"] if count else []


def _make_tables(db: DuckDBPyConnection) -> None:
    """As tables.sql says, but that surplus lines are put aside once, and not at each question."""
    db.execute(_PUT_ASIDE)
    clicks, human_clicks = (tables_sql()[name].sql("duckdb") for name in ("clicks", "human_clicks"))
    db.execute(f"create view unique_clicks as {clicks}")
    every_line = "(select * from lines union all select * from surplus) as lines"
    db.execute(f"create view clicks as {clicks.replace('FROM lines', f'FROM {every_line}')}")
    db.execute(f"create view human_clicks as {human_clicks}")


def _answer(db: DuckDBPyConnection, question: exp.Query) -> Answer:
    try:
        found = db.execute(question.sql("duckdb"))
    except duckdb.Error as error:
        raise OpsError(f"DuckDB: {error}") from error
    return Answer(tuple(column[0].lower() for column in found.description or ()), found.fetchall())
