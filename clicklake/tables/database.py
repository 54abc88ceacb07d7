"""DuckDB on this machine: bounded memory, tables on disk, and no file but those it is given."""

import os
from collections.abc import Iterable
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from clicklake.errors import CommandError

# For DuckDB alone; it spills the rest to disk. The keeper's function has more memory, and sets more.
MEMORY_LIMIT = os.environ.get("CLICKLAKE_DUCKDB_MEMORY") or "220MB"
ROW_GROUP_ROWS = 61_440  # half of DuckDB's default: rows that fill no group are written twice
THREADS = 2  # each needs up to 100 MB while it reads lines: four would exceed the limit


def open_database(folder: Path, threads: int = THREADS) -> DuckDBPyConnection:
    """Return an empty database whose tables are in a file in the folder. Whoever opens it closes it."""
    # A checkpoint after each insert would write the last rows again: half of the time for a million lines.
    config = {
        "memory_limit": MEMORY_LIMIT,
        "threads": threads,
        "temp_directory": str(folder),
        "preserve_insertion_order": False,
        "checkpoint_threshold": "1TB",
    }
    if "?" in str(folder):  # DuckDB would cut the path there
        raise CommandError(
            f"DuckDB cannot use the folder for temporary files {folder}: choose a TMPDIR without ?"
        )
    db = duckdb.connect(config=config)  # type: ignore[arg-type]
    options = f"row_group_size {ROW_GROUP_ROWS}, storage_version 'v1.4.0'"  # which holds macros with types
    db.execute(f"attach {sql_text(folder / 'lines.duckdb')} as disk ({options})")
    db.execute("set enable_progress_bar = false")  # it would fill the log of a function
    db.execute("pragma disable_checkpoint_on_shutdown")  # the file is thrown away
    db.execute("set integer_division = true; set timezone = 'UTC'; set parquet_metadata_cache = true")
    use_database(db)
    return db


def use_database(db: DuckDBPyConnection, schema: str = "main") -> None:
    """Let the connection name the tables on disk without their database. A new cursor has to do so too."""
    db.execute(f"use disk.{schema}")


def close_file_system(db: DuckDBPyConnection, folder: Path, files: Iterable[Path] = ()) -> None:
    """Let queries read no file but these and the folder's: DuckDB's SQL can name any file of this machine."""
    db.execute(f"set allowed_directories = [{sql_text(folder)}]; set allowed_paths = {sql_list(files)}")
    db.execute("set enable_external_access = false; set lock_configuration = true")


def first_line(error: duckdb.Error) -> str:
    """Return DuckDB's message without its advice, which is about settings that users cannot reach."""
    return str(error).split("\n", maxsplit=1)[0]


def sql_text(value: object) -> str:
    """Return the value as a quoted text of DuckDB's SQL, where only the quote itself is special."""
    return "'" + str(value).replace("'", "''") + "'"


def sql_list(values: Iterable[object]) -> str:
    return f"[{', '.join(map(sql_text, values))}]"
