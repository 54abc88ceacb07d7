"""How Athena reads a Glue table of JSON lines, said in DuckDB's words.

MiniStack lets DuckDB guess columns and types from the data. Athena takes the table's: a column is there
though no line has it, a time stays text, and a column's mapping says which field of the line it is. openx's
SerDe, with `ignore.malformed.json`, makes a row of nulls of a line that is no JSON object.
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
    """What stands in a query's FROM for the Glue table whose objects were copied to these files."""
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
