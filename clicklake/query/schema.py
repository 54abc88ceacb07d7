"""The columns of the lake's tables: their names in SQL and in a line, and their types."""

from typing import NamedTuple

from clicklake.lake.bucket import Lake
from processor.settings import from_environment

# The catalogue's attributes that saved queries read; a lake without one has nulls there.
ASKED_ATTRIBUTES = ("name", "goodevil", "lawchaos", "species")

# The fields of a line in every lake (docs/line.md), without the item's id and the catalogue's attributes.
_LINE_FIELDS = (
    "eventId type userId sessionId url referrer title element properties foreignHost itemLookup enrichment"
    " occurredAt sentAt receivedAt processedAt skewMs lagMs host path utmSource utmMedium utmCampaign utmTerm"
    " utmContent clickId referrerHost referrerKind browser browserVersion os device bot country address"
    " visitorId privacy requestId v"
)

_TYPES = {"element": "map<string,string>", "properties": "map<string,string>"}
_TYPES["foreignHost"] = "boolean"
_TYPES |= dict.fromkeys(["v", "skewMs", "lagMs", "attemptsMade", "arrivalTimestamp"], "bigint")


class Column(NamedTuple):
    field: str  # in a line's JSON
    type: str  # as Glue writes it


PARTITIONS = {"dt": Column("dt", "string"), "hr": Column("hr", "int")}
"""Names of the partitions; not fields of a line."""


class LineTable(NamedTuple):
    columns: dict[str, Column]
    glue_name: str | None = None  # None if only the bucket is known
    glue_columns: frozenset[str] = frozenset()  # columns that Athena has


def line_table(lake: Lake) -> LineTable:
    """Return the columns of the stack's Glue table or, without a stack, of our environment's settings."""
    settings = from_environment()
    columns = _columns(*_LINE_FIELDS.split(), *ASKED_ATTRIBUTES, *settings.catalogue_attributes)
    columns["itemid"] = Column(settings.item_field, "string")
    if "GlueTableName" not in lake.outputs:
        return LineTable(columns)
    database, name = lake.outputs["GlueDatabaseName"], lake.outputs["GlueTableName"]
    found = lake.client("glue").get_table(DatabaseName=database, Name=name)["Table"]["StorageDescriptor"]
    fields = found["SerdeInfo"]["Parameters"]
    in_glue = {
        column["Name"]: Column(fields.get(f"mapping.{column['Name']}", column["Name"]), column["Type"])
        for column in found["Columns"]
    }
    return LineTable(columns | in_glue, f'"{database}"."{name}"', frozenset(in_glue))


def _columns(*fields: str) -> dict[str, Column]:
    return {field.lower(): Column(field, _TYPES.get(field, "string")) for field in fields}


# Firehose's error documents: docs.aws.amazon.com/firehose/latest/dev/data-transformation.html
FAILED_COLUMNS = _columns(
    "errorCode", "errorMessage", "attemptsMade", "arrivalTimestamp", "rawData", "lambdaARN"
)
