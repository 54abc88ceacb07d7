"""The columns of the lake's tables: what SQL calls them, what a line calls them, and their types."""

from typing import NamedTuple

import boto3

from clicklake.lake.bucket import Lake
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


def _columns(*fields: str) -> dict[str, Column]:
    return {field.lower(): Column(field, _TYPES.get(field, "string")) for field in fields}


# Firehose's error documents: docs.aws.amazon.com/firehose/latest/dev/data-transformation.html
FAILED_COLUMNS = _columns(
    "errorCode", "errorMessage", "attemptsMade", "arrivalTimestamp", "rawData", "lambdaARN"
)
