"""Read a Glue table of JSON lines as Athena does, with DuckDB.

MiniStack lets DuckDB guess columns and types from the data. Athena takes them from the table: a column exists
even if no line has it, a time stays text, and a column's mapping names the line's field. With
`ignore.malformed.json`, openx's SerDe turns a line that is not a JSON object into a row of nulls.
"""

from collections.abc import Mapping, Sequence
from typing import Any

_TYPES = {
    "string": "VARCHAR",
    "bigint": "BIGINT",
    "int": "INTEGER",
    "map<string,string>": "MAP(VARCHAR, VARCHAR)",
}


def json_relation(table: Mapping[str, Any], files: Sequence[str]) -> str:
    """Return the FROM clause for a Glue table whose objects were copied to these files."""
    storage = table["StorageDescriptor"]
    mappings = storage["SerdeInfo"].get("Parameters", {})
    fields: dict[str, str] = {}
    selected = []
    for column in storage["Columns"]:
        name = column["Name"]
        field = mappings.get(f"mapping.{name}", name)
        fields[field] = _TYPES.get(column["Type"], "VARCHAR")
        selected.append(f"{_quoted(field)} AS {_quoted(name)}")
    for key in table.get("PartitionKeys") or []:
        folder = f"regexp_extract(filename, '/{key['Name']}=([^/]*)/', 1)"
        selected.append(
            f"TRY_CAST({folder} AS {_TYPES.get(key['Type'], 'VARCHAR')}) AS {_quoted(key['Name'])}"
        )
    columns = ", ".join(f"{_text(field)}: {_text(kind)}" for field, kind in fields.items())
    listed = ", ".join(map(_text, files))
    options = "format = 'newline_delimited', ignore_errors = true, filename = true"
    read = f"read_json([{listed}], columns = {{{columns}}}, {options})"
    return f"(SELECT {', '.join(selected)} FROM {read})"  # noqa: S608 (quoted above)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
