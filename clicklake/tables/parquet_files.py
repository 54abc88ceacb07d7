"""Read Parquet of columns/ in DuckDB, whatever columns the objects have."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from duckdb import DuckDBPyConnection
from sqlglot import exp

from clicklake.tables.database import sql_list
from clicklake.tables.schema import Column


def parquet_source(files: Iterable[Path]) -> str:
    """Return the SQL that reads the files, whose folders name dt and hr. Columns are matched by name."""
    types = "hive_types = {'dt': 'VARCHAR', 'hr': 'INTEGER'}"
    return f"read_parquet({sql_list(files)}, union_by_name = true, hive_partitioning = true, {types})"


def select_from_parquet(db: DuckDBPyConnection, files: Iterable[Path], columns: Mapping[str, Column]) -> str:
    """Return the SQL for the view stored_events. A column that no file has is null."""
    source = parquet_source(files)
    described = db.execute(f"describe select * from {source}").fetchall()  # noqa: S608 (paths are quoted)
    there = {name for name, *_ in described}
    selected = [
        name if name in there else f"cast(null as {_type(column)}) as {name}"
        for name, column in columns.items()
    ]
    selected += ["copies", "counted", "arrival_delay_seconds", "event_time"]
    return f"select {', '.join(selected)} from {source}"  # noqa: S608 (our own names)


def _type(column: Column) -> str:
    return exp.DataType.build(column.type, dialect="hive").sql("duckdb")
