"""Write a query's result as Parquet."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb

from clicklake.query.queries import QueryResult

QUOTE = "'"


def write_parquet(result: QueryResult, folder: Path) -> Path:
    """Write the rows into a file in the folder, and return its path. Numbers and booleans keep their type."""
    source, target = folder / "rows.json", folder / "result.parquet"
    names = _distinct(result.columns)
    with source.open("w", encoding="utf-8") as rows:
        for row in result.rows:
            json.dump(dict(zip(names, row, strict=True)), rows, default=str)
            rows.write("\n")
    types = {name: _type(row[at] for row in result.rows) for at, name in enumerate(names)}
    columns = ", ".join(f"{_quoted(name, QUOTE)}: '{kind}'" for name, kind in types.items())
    file = _quoted(str(source), QUOTE)
    selected = ", ".join(_quoted(name, '"') for name in names)
    read = f"read_json({file}, columns = {{{columns}}}, format = 'newline_delimited', records = true)"
    sql = f"select {selected} from {read}"  # noqa: S608 (every name is quoted)
    with duckdb.connect() as db:
        db.execute(f"copy ({sql}) to {_quoted(str(target), QUOTE)} (format parquet, compression zstd)")
    return target


def _quoted(text: str, mark: str) -> str:
    return mark + text.replace(mark, mark * 2) + mark


def _distinct(columns: Iterable[str]) -> list[str]:
    names: list[str] = []
    for column in columns:
        name, number = column, 2
        while name in names:
            name, number = f"{column}_{number}", number + 1
        names.append(name)
    return names


def _type(cells: Iterable[Any]) -> str:
    kinds = {type(cell) for cell in cells if cell is not None}
    if kinds == {bool}:
        return "BOOLEAN"
    if kinds == {int}:
        return "BIGINT"
    if kinds and kinds <= {int, float}:
        return "DOUBLE"
    return "VARCHAR"
