"""Read the lake's lines into tables of DuckDB."""

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection
from sqlglot import exp

from clicklake.lake.bucket import Lake, S3Object
from clicklake.lake.old_lines import item_lookup_sql
from clicklake.tables.downloads import Download, download_batches
from clicklake.tables.schema import PARTITIONS, Column

MAX_LINE_BYTES = 4 * 1024 * 1024  # Firehose takes no record of more than 1,000 KiB
DISK_FACTOR = 10  # free disk per byte of objects: their lines uncompressed, and half as much again

LANDING_HOUR = "date_diff('hour', timestamp '1970-01-01', try_cast(dt || ' ' || hr || ':00:00' as timestamp))"
"""SQL for the number of the hour, counted from 1970, of a row that has dt and hr."""


def load_lines(
    db: DuckDBPyConnection,
    table: str,
    select: str,
    lake: Lake,
    objects: list[S3Object],
    folder: Path,
    label: str | None = None,
) -> list[str]:
    """Make a table of the objects' lines, with a progress bar if there is a label for it.

    Return the keys of the objects that cannot be read.
    """
    needed = DISK_FACTOR * sum(found.size for found in objects)
    has_room = needed < shutil.disk_usage(folder).free  # compression takes a fifth of the time
    db.execute(f"pragma force_compression = '{'uncompressed' if has_room else 'auto'}'")
    empty = folder / "empty.json"
    empty.touch()
    db.execute(f"create table {table} as {select}", {"files": [str(empty)]})
    return [
        key
        for batch in download_batches(lake, objects, folder, label)
        for key in _insert(db, f"insert into {table} {select}", batch)
    ]


def select_from_files(columns: Mapping[str, Column]) -> str:
    """Return the SQL that reads these columns from `$files`."""
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
    # DuckDB would guess: for one column, and if any line is not an object, it would return whole lines.
    options += ", records = true"
    options += f", maximum_object_size = {MAX_LINE_BYTES}"
    fields = ", ".join(f"'{field}': '{kind}'" for field, kind in read.items())
    source = f"read_json($files, columns = {{{fields}}}, {options})"
    return f"select {', '.join(selected)} from {source}"  # noqa: S608 (names of our own table)


def key_sql(column: str) -> str:
    """Return the SQL of a text's 64-bit key (see COUNTED_COLUMNS). `bit` keeps the bytes as they are."""
    return f"cast(unhex(substr(md5({column}), 1, 16))::bit as bigint)"


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
