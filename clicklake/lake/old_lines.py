"""Read lines that earlier versions wrote: 0.1.0 has `enrichment` where today's lines have `itemLookup`."""

from typing import Any

# The values that have another name today. The others are the same.
_RENAMED = {"ok": "found", "unknown item": "not_found"}


def with_item_lookup(line: dict[str, Any]) -> dict[str, Any]:
    """Return the line with the field names and values of today's processor."""
    if "enrichment" not in line:
        return line
    lookup = _RENAMED.get(str(line["enrichment"]), line["enrichment"])
    return {"itemLookup": lookup} | {name: value for name, value in line.items() if name != "enrichment"}


def item_lookup_sql(item_lookup: str, enrichment: str) -> str:
    """Return the SQL that makes today's value of the two columns, of which a line has one."""
    renamed = " ".join(f"when '{old}' then '{new}'" for old, new in _RENAMED.items())
    return f"coalesce({item_lookup}, case {enrichment} {renamed} else {enrichment} end)"
