"""The columnar copy of the lake: one Parquet object per closed hour, derived from clicks/ and rebuildable.

columns/dt=…/hr=…/events.parquet    a row per event of that hour: docs/columns.md

Two fingerprints in an object's metadata say whether it is current. `source` stands for the objects of clicks/
that it was made of. `before` stands for the event ids of the 25 hours before, which decide `counted`. `ids`
is what the hours after it put into their own `before`.
"""

import hashlib
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from botocore.exceptions import ClientError

from clicklake.lake.bucket import Lake, S3Object
from clicklake.lake.partitions import (
    DELIVERY_WINDOW,
    HOUR,
    Span,
    hour_of,
    hour_of_key,
    hours_between,
    partition_of,
)

FOLDER = "columns/"
OBJECT_NAME = "events.parquet"

SCHEMA_VERSION = 1
"""Raise it when the columns change: `compact` then rebuilds all hours. Readers take older objects by name."""

COUNTED_COLUMNS = {
    "copies": "int",
    "counted": "boolean",
    "visitor_key": "bigint",
    "session_key": "bigint",
    "arrival_delay_seconds": "bigint",
    "event_time": "string",
}
"""Names and Glue types of the columns that follow those of the table `clicks` (in lower case), in this order.

visitor_key and session_key are the first eight bytes of the MD5 of visitorid and sessionid, big-endian and
signed; null where the id is null. They are for counting distinct visitors and sessions. The last two columns
are as the view timed_lines computes them (query/views.sql). They take 6 % more space, and save half of the
time of a question about days or delays.
"""

WINDOW_HOURS = DELIVERY_WINDOW // HOUR
"""An event does not count again in an hour if it landed in this many hours before."""

CHECKED_HOURS = WINDOW_HOURS + 1
"""Readers check the fingerprints of objects whose hour began in this many hours; older ones seldom change."""

GRACE = timedelta(minutes=20)
"""How long after its end an hour counts as closed: the stream buffers a record for up to 15 minutes."""

REQUESTS_AT_ONCE = 16


def is_closed(hour: datetime, now: datetime) -> bool:
    return hour + HOUR + GRACE <= now


def columns_key(hour: datetime) -> str:
    return f"{FOLDER}{partition_of(hour)}{OBJECT_NAME}"


def source_fingerprint(objects: Iterable[S3Object]) -> str:
    """Return the fingerprint of an hour's objects in clicks/: their keys and ETags."""
    pairs = sorted(f"{found.key}\n{found.etag}\n" for found in objects)
    return hashlib.sha256("".join(pairs).encode()).hexdigest()


def before_fingerprint(ids: Mapping[datetime, str], hour: datetime) -> str:
    """Return the fingerprint of the event ids of the 25 hours before; `ids` is as from `ids_by_hour`."""
    pairs = [f"{before:%Y-%m-%dT%H} {ids[before]}\n" for before in hours_before(hour) if before in ids]
    return hashlib.sha256("".join(pairs).encode()).hexdigest()


def hours_before(hour: datetime) -> list[datetime]:
    """Return the hours in which an earlier line of an event makes it not count again, oldest first."""
    return [hour - number * HOUR for number in range(WINDOW_HOURS, 0, -1)]


@dataclass(frozen=True)
class ColumnsMetadata:
    """What an object in columns/ says of itself, in S3's metadata."""

    source: str  # of the lines: source_fingerprint
    before: str  # of the hours before: before_fingerprint
    ids: str  # of the hour's own set of event ids
    lines: int
    events: int
    unseen: int = 0  # lines whose person no row names: not JSON, without an id, or a copy with other ids
    schema: int = SCHEMA_VERSION

    def to_s3(self) -> dict[str, str]:
        return {name: str(value) for name, value in vars(self).items()}

    @classmethod
    def from_s3(cls, stored: Mapping[str, str]) -> "ColumnsMetadata":
        """Read what is there. A missing name reads as an object that must be built again."""
        numbers = {
            name: int(text) if (text := stored.get(name, "")).isdecimal() else 0
            for name in ("lines", "events", "unseen", "schema")
        }
        return cls(stored.get("source", ""), stored.get("before", ""), stored.get("ids", ""), **numbers)


def list_columns(lake: Lake, span: Span) -> dict[datetime, S3Object]:
    """Return the objects in columns/ of the span's hours. Lists a day at a time, several days at once."""
    first, last = hour_of(span.since), span.until
    found = _list_days(lake, FOLDER, first, last)
    return {
        hour: objects[0]
        for hour, listed in sorted(found.items())
        if (objects := [each for each in listed if each.key == columns_key(hour)])
    }


def list_clicks(lake: Lake, span: Span) -> dict[datetime, list[S3Object]]:
    """Return the objects in clicks/ of the span's hours; hours without any are left out."""
    return _list_days(lake, "clicks/", hour_of(span.since), span.until)


def _list_days(lake: Lake, folder: str, first: datetime, last: datetime) -> dict[datetime, list[S3Object]]:
    if last <= first:
        return {}
    number = (last - timedelta(microseconds=1)).date() - first.date()
    days = [first.date() + timedelta(days=day) for day in range(number.days + 1)]
    found: dict[datetime, list[S3Object]] = {}
    with ThreadPoolExecutor(REQUESTS_AT_ONCE) as threads:
        for objects in threads.map(lambda day: list(lake.objects(f"{folder}dt={day}/")), days):
            for each in objects:
                try:
                    hour = hour_of_key(each.key)
                except ValueError:  # in no hourly partition
                    continue
                if first <= hour < last:
                    found.setdefault(hour, []).append(each)
    return found


def head_columns(lake: Lake, hour: datetime) -> tuple[S3Object, ColumnsMetadata] | None:
    """Return the hour's object in columns/ as it is now; None if there is none."""
    key = columns_key(hour)
    try:
        head = lake.s3.head_object(Bucket=lake.bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] != "404":
            raise
        return None
    found = S3Object(key, head["ContentLength"], head["LastModified"], head["ETag"])
    return found, ColumnsMetadata.from_s3(head["Metadata"])


def read_metadata(lake: Lake, objects: Iterable[S3Object]) -> dict[str, ColumnsMetadata]:
    """Return the metadata of these objects in columns/ by key. An object that is gone is left out."""
    keys = [found.key for found in objects]
    with ThreadPoolExecutor(REQUESTS_AT_ONCE) as threads:
        stored = zip(keys, threads.map(lake.metadata, keys), strict=True)
        return {key: ColumnsMetadata.from_s3(metadata) for key, metadata in stored if metadata is not None}


@dataclass(frozen=True)
class SpanSources:
    """Where the rows of a span come from. The 25 hours before the first hour of lines decide what counts."""

    columns: dict[datetime, S3Object]  # hours to read from columns/
    lines: dict[datetime, list[S3Object]]  # hours to read from clicks/
    earlier_columns: dict[datetime, S3Object]  # read for their ids alone
    earlier_lines: dict[datetime, list[S3Object]]  # read for their ids alone


def sources_of(lake: Lake, span: Span, now: datetime, *, lines_only: bool = False) -> SpanSources:
    """Return which hours of the span are read from columns/, and which from clicks/.

    An hour is read from columns/ if its object is there, unless it is known to be out of date: of the last 26
    hours, the fingerprints are checked.
    """
    asked = hour_of(span.since)
    around = Span(asked - DELIVERY_WINDOW, span.until)
    objects = {} if lines_only else list_columns(lake, around)
    checked = hour_of(now) - CHECKED_HOURS * HOUR
    listed = [
        hour
        for hour in hours_between(around.since, around.until)
        if hour >= checked - DELIVERY_WINDOW or hour not in objects
    ]
    clicks = _list_clicks_of(lake, listed)
    outdated = _outdated(lake, objects, clicks, checked)
    current = {hour: found for hour, found in objects.items() if hour not in outdated}
    from_lines = {hour: found for hour, found in clicks.items() if hour >= asked and hour not in current}
    earlier = {before for hour in from_lines for before in hours_before(hour)} - from_lines.keys()
    return SpanSources(
        columns={hour: found for hour, found in current.items() if hour >= asked},
        lines=from_lines,
        earlier_columns={hour: found for hour, found in current.items() if hour in earlier},
        earlier_lines={
            hour: found for hour, found in clicks.items() if hour in earlier and hour not in current
        },
    )


def _list_clicks_of(lake: Lake, hours: list[datetime]) -> dict[datetime, list[S3Object]]:
    """List clicks/ of only those days that have one of the hours."""
    found: dict[datetime, list[S3Object]] = {}
    for _, of_day in groupby(hours, key=lambda hour: hour.date()):
        first, *rest = of_day
        found |= list_clicks(lake, Span(first, (rest or [first])[-1] + HOUR))
    return {hour: found[hour] for hour in hours if hour in found}


def _outdated(
    lake: Lake,
    objects: Mapping[datetime, S3Object],
    clicks: Mapping[datetime, list[S3Object]],
    checked: datetime,
) -> set[datetime]:
    """Return the hours from `checked` on whose object does not match clicks/ or the hours before it."""
    if not any(hour >= checked for hour in objects):
        return set()
    recent = {hour: found for hour, found in objects.items() if hour >= checked - DELIVERY_WINDOW}
    metadata = read_metadata(lake, recent.values())
    by_hour = {hour: metadata[found.key] for hour, found in recent.items() if found.key in metadata}
    ids = ids_by_hour(by_hour, clicks)
    return {
        hour
        for hour in recent
        if hour >= checked
        and (
            hour not in by_hour
            or not has_source(by_hour[hour], clicks.get(hour))
            or by_hour[hour].before != before_fingerprint(ids, hour)
        )
    }


def has_source(metadata: ColumnsMetadata, clicks: list[S3Object] | None) -> bool:
    """Return whether the object was made of these objects. Without any, its lines have expired."""
    return not clicks or metadata.source == source_fingerprint(clicks)


def ids_by_hour(
    metadata: Mapping[datetime, ColumnsMetadata], clicks: Mapping[datetime, list[S3Object]]
) -> dict[datetime, str]:
    """Return what stands for each hour's event ids: its object's `ids` or, if outdated, its lines."""
    ids = {hour: source_fingerprint(found) for hour, found in clicks.items()}
    return ids | {hour: own.ids for hour, own in metadata.items() if has_source(own, clicks.get(hour))}
