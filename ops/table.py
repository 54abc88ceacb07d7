"""The columns of the lake's tables: what SQL calls them, what a line calls them, and their types."""

from typing import Any, NamedTuple

import boto3

from ops.lake import Lake
from processor.settings import from_environment

# The catalogue's attributes that our questions ask for; a lake without one reads null.
ASKED_ATTRIBUTES = ("name", "goodevil", "lawchaos", "species")

# Of every lake's lines, but for the item's id and the catalogue's attributes: docs/line.md.
_LINE_FIELDS = (
    "eventId type userId sessionId url referrer title element properties itemLookup enrichment occurredAt"
    " sentAt receivedAt processedAt skewMs lagMs host path utmSource utmMedium utmCampaign utmTerm utmContent"
    " clickId referrerHost referrerKind browser browserVersion os device bot country address visitorId"
    " privacy requestId v"
)

# Lines written by 0.1.0 have `enrichment` instead of `itemLookup`, with another name for these values.
_RENAMED_LOOKUPS = {"ok": "found", "unknown item": "not_found"}

_TYPES = {"element": "map<string,string>", "properties": "map<string,string>"}
_TYPES |= dict.fromkeys(["v", "skewMs", "lagMs", "attemptsMade", "arrivalTimestamp"], "bigint")


class Column(NamedTuple):
    field: str  # of a line's JSON
    type: str  # as Glue writes it


PARTITIONS = {"dt": Column("dt", "string"), "hr": Column("hr", "int")}
"""The folders' names; no part of a line."""


class Table(NamedTuple):
    columns: dict[str, Column]
    glue_name: str | None = None  # None where only the bucket is known
    glue_columns: frozenset[str] = frozenset()  # those that Athena knows


def clicks_table(lake: Lake) -> Table:
    """As the stack's Glue table says or, where no stack is known, the processor's settings at hand."""
    settings = from_environment()
    columns = _columns(*_LINE_FIELDS.split(), *ASKED_ATTRIBUTES, *settings.catalogue_attributes)
    columns["itemid"] = Column(settings.item_field, "string")
    if "GlueTableName" not in lake.outputs:
        return Table(columns)
    database, name = lake.outputs["GlueDatabaseName"], lake.outputs["GlueTableName"]
    found = boto3.client("glue").get_table(DatabaseName=database, Name=name)["Table"]["StorageDescriptor"]
    fields = found["SerdeInfo"]["Parameters"]
    told = {
        each["Name"]: Column(fields.get(f"mapping.{each['Name']}", each["Name"]), each["Type"])
        for each in found["Columns"]
    }
    return Table(columns | told, f'"{database}"."{name}"', frozenset(told))


def item_lookup_sql(item_lookup: str, enrichment: str) -> str:
    """Return the SQL that reads `itemlookup` from lines of any version, given the two columns."""
    renamed = " ".join(f"when '{old}' then '{new}'" for old, new in _RENAMED_LOOKUPS.items())
    return f"coalesce({item_lookup}, case {enrichment} {renamed} else {enrichment} end)"


def with_item_lookup(line: dict[str, Any]) -> dict[str, Any]:
    """Return the line as today's processor names its fields."""
    if "enrichment" not in line:
        return line
    lookup = _RENAMED_LOOKUPS.get(str(line["enrichment"]), line["enrichment"])
    return {"itemLookup": lookup} | {name: value for name, value in line.items() if name != "enrichment"}


def _columns(*fields: str) -> dict[str, Column]:
    return {field.lower(): Column(field, _TYPES.get(field, "string")) for field in fields}


# Firehose's error documents: docs.aws.amazon.com/firehose/latest/dev/data-transformation.html
FAILED_COLUMNS = _columns(
    "errorCode", "errorMessage", "attemptsMade", "arrivalTimestamp", "rawData", "lambdaARN"
)
