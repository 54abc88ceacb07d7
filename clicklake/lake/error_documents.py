"""Firehose's error documents: where they are, and where they go once they are replayed or parked.

failed/<error type>/dt=…/<name>    as Firehose wrote it
replayed/failed/…                  the same key behind the prefix: put back on the stream
parked/failed/…                    the same key behind the prefix: waits for a person
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime

import msgspec
import pybase64
from msgspec import Struct

from clicklake.lake.bucket import Lake, S3Object
from clicklake.lake.json_lines import NotJsonError, decode_json
from clicklake.lake.object_stream import UnreadableObjectError
from clicklake.lake.partitions import hour_of

FAILED, REPLAYED, PARKED = "failed/", "replayed/failed/", "parked/failed/"
NOT_A_DOCUMENT = "no error document"  # in the place of an error code, for lines that are none

_REPLAYED_AT = "replayed-at"  # a name in S3's metadata, which may hold 2 KB
MAX_REPLAYS_NOTED = 40

# Firehose ends an object's name with the time of its oldest record, and a UUID:
# docs.aws.amazon.com/firehose/latest/dev/s3-object-name.html
_NAME_TIME = re.compile(r"-(\d{4}-\d{2}-\d{2}-\d{2})-\d{2}-\d{2}-[0-9a-f-]{36}[^/]*$")


class ErrorDocument(Struct, rename="camel", gc=False):
    """One failed record. https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html"""

    raw_data: str
    error_code: str = "unknown"
    arrival_timestamp: int | None = None  # milliseconds

    @property
    def arrived(self) -> datetime | None:
        """When the record arrived; None if the document names no possible time."""
        if self.arrival_timestamp is None:
            return None
        try:
            return datetime.fromtimestamp(self.arrival_timestamp / 1000, UTC)
        except (ValueError, OverflowError, OSError):  # nanoseconds, or garbage
            return None

    @property
    def record(self) -> bytes | None:
        """The record itself; None if it is not base64."""
        try:
            return pybase64.b64decode(self.raw_data, validate=True)
        except ValueError:
            return None


_DOCUMENTS = msgspec.json.Decoder(ErrorDocument)


def parse_document(line: bytes) -> ErrorDocument | None:
    """Return None for a line that is not an error document."""
    try:
        return decode_json(_DOCUMENTS, line)
    except NotJsonError:
        return None


def objects_of_day(lake: Lake, root: str, day: date) -> Iterator[S3Object]:
    """Yield the day's objects of every error type."""
    for error_type in lake.subfolders(root):
        yield from lake.objects(f"{error_type}dt={day}/")


def hour_of_object(lake: Lake, found: S3Object) -> datetime:
    """Return the hour in which the object's oldest record arrived.

    Its name says so. If the name was changed, its first document does.
    """
    named = _NAME_TIME.search(found.key)
    if named:
        with suppress(ValueError):  # a name like Firehose's, with an impossible date
            return datetime.strptime(named[1], "%Y-%m-%d-%H").replace(tzinfo=UTC)
    try:
        documents = (document for line in lake.lines(found.key) if (document := parse_document(line)))
        first = next(documents, None)
    except UnreadableObjectError:
        first = None
    return hour_of((first and first.arrived) or found.modified)


def note_replay(metadata: dict[str, str], at: datetime) -> None:
    """Add to a replayed object's metadata the hour in which its records went back onto the stream."""
    hours = metadata.get(_REPLAYED_AT, "").split()
    metadata[_REPLAYED_AT] = " ".join(sorted({*hours, hour_of(at).isoformat()})[-MAX_REPLAYS_NOTED:])


def replay_hours(lake: Lake, day: date) -> set[datetime]:
    """Return the hours in which records that first arrived on that day were put back."""
    noted = (lake.metadata(found.key) for found in objects_of_day(lake, REPLAYED, day))
    return {
        datetime.fromisoformat(hour)
        for metadata in noted
        if metadata
        for hour in metadata.get(_REPLAYED_AT, "").split()
    }
