"""Print a query's result: as a table, one field per line, CSV, JSON or Parquet."""

import json
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, get_args

from rich.console import Console
from rich.table import Table

from clicklake.cli.sanitize import for_terminal
from clicklake.errors import CommandError
from clicklake.query.csv_rows import write_csv
from clicklake.query.parquet import write_parquet
from clicklake.query.queries import QueryResult

Format = Literal["table", "vertical", "csv", "json", "parquet"]
FORMATS: tuple[Format, ...] = get_args(Format)


def print_result(result: QueryResult, output_format: Format | None, console: Console) -> None:
    """Print the result on stdout. Without a format: a table, or one field per line if a row does not fit."""
    match output_format or _fitting(result, console):
        case "csv":
            write_csv(result, sys.stdout)
        case "json":
            _print_json(result)
        case "parquet":
            _print_parquet(result)
        case "vertical":
            _print_vertical(result, console)
        case _:
            console.print(_table(result))


def _table(result: QueryResult) -> Table:
    table = Table(*map(for_terminal, result.columns))
    for row in result.rows:
        table.add_row(*map(_shown, row))
    return table


def _fitting(result: QueryResult, console: Console) -> Format:
    if not console.is_terminal:  # a pipe or file has any width
        return "table"
    needed = console.measure(_table(result)).minimum
    widest = max(
        (sum(len(_shown(cell)) + 3 for cell in row) for row in (result.columns, *result.rows)), default=0
    )
    return "table" if max(needed, widest) < console.width else "vertical"


def _print_vertical(result: QueryResult, console: Console) -> None:
    width = max(map(len, result.columns), default=0)
    for number, row in enumerate(result.rows, 1):
        console.print(f"─ {number} " + "─" * max(0, min(console.width, 80) - len(str(number)) - 4))
        for name, cell in zip(result.columns, row, strict=True):
            if cell is not None:
                console.print(f"{for_terminal(name):<{width}}  {_shown(cell)}", soft_wrap=True)


def _print_json(result: QueryResult) -> None:
    """Print one array with an object per row, in ASCII: nothing of a click reaches the terminal as it is."""
    json.dump(list(result), sys.stdout, ensure_ascii=True, indent=2, default=str)
    sys.stdout.write("\n")


def _print_parquet(result: QueryResult) -> None:
    if sys.stdout.isatty():
        raise CommandError("Parquet is binary; redirect it into a file: clicklake query … > file.parquet")
    with (
        TemporaryDirectory(prefix="clicklake-") as folder,
        write_parquet(result, Path(folder)).open("rb") as content,
    ):
        shutil.copyfileobj(content, sys.stdout.buffer)


def _shown(cell: Any) -> str:
    return "" if cell is None else for_terminal(_text(cell))


def _text(cell: Any) -> str:
    return cell if isinstance(cell, str) else str(cell)
