"""The columns of the lake's tables: their names in SQL and in a line, and their types."""

from typing import NamedTuple

from clicklake.errors import CommandError
from clicklake.lake.bucket import Lake
from clicklake.lake.partitions import Span, hour_of
from processor.settings import InvalidSettingError, from_environment

# The catalogue's attributes that saved queries read; a lake without one has nulls there.
ASKED_ATTRIBUTES = ("name", "goodevil", "lawchaos", "species")

# The fields of a line in every lake (docs/line.md), without the item's id and the catalogue's attributes.
_LINE_FIELDS = (
    "eventId type userId sessionId url referrer title element properties foreignHost itemLookup enrichment"
    " occurredAt sentAt receivedAt processedAt skewMs lagMs host path utmSource utmMedium utmCampaign utmTerm"
    " utmContent utmId clickId referrerHost referrerKind browser browserVersion os device bot country address"
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

VISIT_KEYS = {"visitor_key": "visitorid", "session_key": "sessionid"}
"""64-bit keys and the columns that they stand for: see clicklake/lake/columns.py."""

KEY_COLUMNS = {name: Column(name, "bigint") for name in VISIT_KEYS}

COMPUTED_COLUMNS = ("event_time", "arrival_delay_seconds", "local_time", "copies", "counted")
"""Columns that the views add: see query/views.sql."""


class LineTable(NamedTuple):
    columns: dict[str, Column]
    glue_name: str | None = None  # None if only the bucket is known
    glue_columns: frozenset[str] = frozenset()  # columns that Athena has
    attributes: tuple[str, ...] = ()  # the catalogue's, in lower case


def line_table(lake: Lake) -> LineTable:
    """Return the columns of the stack's Glue table or, without a stack, of our environment's settings."""
    try:
        settings = from_environment()
    except InvalidSettingError as error:
        raise CommandError(f"in the environment, {error}") from None
    columns = _columns(*_LINE_FIELDS.split(), *ASKED_ATTRIBUTES, *settings.catalogue_attributes)
    columns["itemid"] = Column(settings.item_field, "string")
    if "GlueTableName" not in lake.outputs:
        return LineTable(columns, attributes=tuple(name.lower() for name in settings.catalogue_attributes))
    database, name = lake.outputs["GlueDatabaseName"], lake.outputs["GlueTableName"]
    found = lake.client("glue").get_table(DatabaseName=database, Name=name)["Table"]["StorageDescriptor"]
    fields = found["SerdeInfo"]["Parameters"]
    in_glue = {
        column["Name"]: Column(fields.get(f"mapping.{column['Name']}", column["Name"]), column["Type"])
        for column in found["Columns"]
    }
    own = {field.lower() for field in _LINE_FIELDS.split()} | {"itemid"}
    attributes = tuple(name for name in in_glue if name not in own and not name.startswith("unused"))
    return LineTable(columns | in_glue, f'"{database}"."{name}"', frozenset(in_glue), attributes)


def landed_in(span: Span) -> str | None:
    """Return the condition that a line landed in the span; None if its partitions say so already.

    A line lands in its partition's hour. Within the hour its arrival decides, unless it arrived in another
    hour: replayed records land later, and an object's first record names the partition of all.
    """
    if span.since == hour_of(span.since) and span.until == hour_of(span.until):
        return None
    hour = "concat(dt, 'T', substr(concat('0', cast(hr as varchar)), -2))"
    landed = (
        f"case when receivedat is null or substr(receivedat, 1, 13) < {hour} then concat({hour}, ':00')"
        f" when substr(receivedat, 1, 13) > {hour} then concat({hour}, ':59:59.999Z') else receivedat end"
    )
    return f"{landed} >= '{span.since:%Y-%m-%dT%H:%M}' and {landed} < '{span.until:%Y-%m-%dT%H:%M:%S}'"


def _columns(*fields: str) -> dict[str, Column]:
    return {field.lower(): Column(field, _TYPES.get(field, "string")) for field in fields}


# Firehose's error documents: docs.aws.amazon.com/firehose/latest/dev/data-transformation.html
FAILED_COLUMNS = _columns(
    "errorCode", "errorMessage", "attemptsMade", "arrivalTimestamp", "rawData", "lambdaARN"
)
