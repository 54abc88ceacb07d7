"""Read a Glue table of JSON lines, or of Parquet, as Athena does, with DuckDB.

MiniStack lets DuckDB guess columns and types from the data. Athena takes them from the table: a column exists
even if no line has it, a time stays text, and a column's mapping names the line's field. With
`ignore.malformed.json`, openx's SerDe turns a line that is not a JSON object into a row of nulls.

DuckDB runs the SQL as it is. MACROS are the functions that our SQL calls and that DuckDB lacks or answers
otherwise.
"""

from collections.abc import Mapping, Sequence
from typing import Any

MACROS = """
create temp macro to_utf8(s) as encode(s);
create temp macro md5(b) as unhex(system.main.md5(b));
create temp macro substr
  (s varchar, start bigint) as system.main.substr(s, start),
  (s varchar, start bigint, length bigint) as system.main.substr(s, start, length),
  (b blob, start bigint, length bigint) as unhex(system.main.substr(hex(b), start * 2 - 1, length * 2));
create temp macro element_at(m, key) as m[key];
create temp macro from_big_endian_64(b) as cast(
  cast(('0x' || hex(b))::ubigint as hugeint)
  - case when hex(b) >= '8' then 18446744073709551616::hugeint else 0 end as bigint);
"""

_TYPES = {
    "string": "VARCHAR",
    "bigint": "BIGINT",
    "int": "INTEGER",
    "boolean": "BOOLEAN",
    "map<string,string>": "MAP(VARCHAR, VARCHAR)",
}


def json_relation(table: Mapping[str, Any], files: Sequence[str]) -> str:
    """Return the FROM clause for a Glue table of lines whose objects were copied to these files."""
    storage = table["StorageDescriptor"]
    mappings = storage["SerdeInfo"].get("Parameters", {})
    fields: dict[str, str] = {}
    selected = []
    for column in storage["Columns"]:
        name = column["Name"]
        field = mappings.get(f"mapping.{name}", name)
        fields[field] = _TYPES.get(column["Type"], "VARCHAR")
        selected.append(f"{_quoted(field)} AS {_quoted(name)}")
    selected += _partitions(table)
    columns = ", ".join(f"{_text(field)}: {_text(kind)}" for field, kind in fields.items())
    listed = ", ".join(map(_text, files))
    options = "format = 'newline_delimited', ignore_errors = true, filename = true, records = true"
    read = f"read_json([{listed}], columns = {{{columns}}}, {options})"
    return f"(SELECT {', '.join(selected)} FROM {read})"  # noqa: S608 (quoted above)


def parquet_relation(table: Mapping[str, Any], files: Sequence[str]) -> str:
    """Return the FROM clause for a Glue table of Parquet. A column that no file has is null."""
    columns = table["StorageDescriptor"]["Columns"]
    nulls = ", ".join(
        f"NULL::{_TYPES.get(column['Type'], 'VARCHAR')} AS {_quoted(column['Name'])}" for column in columns
    )
    listed, named = ", ".join(map(_text, files)), ", ".join(_quoted(column["Name"]) for column in columns)
    options = "union_by_name = true, filename = true, hive_partitioning = false"
    read = f"SELECT * FROM read_parquet([{listed}], {options})"  # noqa: S608 (quoted above)
    united = f"(SELECT {nulls} WHERE false UNION ALL BY NAME {read})"
    return f"(SELECT {', '.join([named, *_partitions(table)])} FROM {united})"  # noqa: S608 (quoted above)


def _partitions(table: Mapping[str, Any]) -> list[str]:
    """Return the columns that a file's folders name."""
    return [
        f"TRY_CAST(regexp_extract(filename, '/{key['Name']}=([^/]*)/', 1)"
        f" AS {_TYPES.get(key['Type'], 'VARCHAR')}) AS {_quoted(key['Name'])}"
        for key in table.get("PartitionKeys") or []
    ]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
