"""Read Parquet of columns/ in DuckDB, whatever columns the objects have."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection
from sqlglot import exp

from clicklake.tables.database import MEMORY_LIMIT, sql_list, sql_text
from clicklake.tables.schema import Column

ROWS_AT_ONCE = 10_000
COPY_OPTIONS = "format parquet, compression zstd, compression_level 1"
"""For objects in columns/. At DuckDB's own level 3 they are 3 % larger and take 10 % longer to write."""


def parquet_source(files: Iterable[Path]) -> str:
    """Return the SQL that reads the files, whose folders name dt and hr. Columns are matched by name."""
    types = "hive_types = {'dt': 'VARCHAR', 'hr': 'INTEGER'}"
    return f"read_parquet({sql_list(files)}, union_by_name = true, hive_partitioning = true, {types})"


def select_from_parquet(db: DuckDBPyConnection, source: str, columns: Mapping[str, Column]) -> str:
    """Return the SQL for the view stored_events. A column that no file has is null."""
    described = db.execute(f"describe select * from {source}").fetchall()  # noqa: S608 (paths are quoted)
    there = {name for name, *_ in described}
    selected = [
        name if name in there else f"cast(null as {_type(column)}) as {name}"
        for name, column in columns.items()
    ]
    selected += ["copies", "counted", "arrival_delay_seconds", "event_time"]
    return f"select {', '.join(selected)} from {source}"  # noqa: S608 (our own names)


def event_ids_in(file: Path) -> Iterator[list[str]]:
    """Yield the event ids of the file's rows, many at a time."""
    with duckdb.connect(config={"memory_limit": MEMORY_LIMIT, "threads": 1}) as db:
        cursor = db.execute(f"select eventid from read_parquet({sql_text(file)})")  # noqa: S608 (quoted)
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            yield [event_id for (event_id,) in rows]


def _type(column: Column) -> str:
    return exp.DataType.build(column.type, dialect="hive").sql("duckdb")
