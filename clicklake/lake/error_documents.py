"""Firehose's error documents, and where they and what became of them lie.

failed/<error type>/dt=…/<name>    as Firehose wrote it
replayed/failed/…                  the same key behind: what was put back on the stream
parked/failed/…                    the same key behind: what a person has to look at
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime

import msgspec
import pybase64
from msgspec import Struct

from clicklake.lake.bucket import BROKEN, Lake, Stored
from clicklake.lake.partitions import hour_of

_REPLAYED_AT = "replayed-at"  # in S3's metadata, which may hold 2 KB
MAX_REPLAYS_NOTED = 40

FAILED, REPLAYED, PARKED = "failed/", "replayed/failed/", "parked/failed/"

# Firehose ends a name with the time of its oldest record, and a UUID:
# docs.aws.amazon.com/firehose/latest/dev/s3-object-name.html
_NAME_TIME = re.compile(r"-(\d{4}-\d{2}-\d{2}-\d{2})-\d{2}-\d{2}-[0-9a-f-]{36}[^/]*$")


class Document(Struct, rename="camel", gc=False):
    """One failed record. https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html"""

    raw_data: str
    error_code: str = "unknown"
    arrival_timestamp: int | None = None  # milliseconds

    @property
    def record(self) -> bytes | None:
        """None where it is not base64."""
        try:
            return pybase64.b64decode(self.raw_data, validate=True)
        except ValueError:
            return None


_DOCUMENTS = msgspec.json.Decoder(Document)


def read_document(line: bytes) -> Document | None:
    """None for a line that is no error document."""
    try:
        return _DOCUMENTS.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def objects_of_day(lake: Lake, root: str, day: date) -> Iterator[Stored]:
    """Of every error type."""
    for error_type in lake.folders(root):
        yield from lake.objects(f"{error_type}dt={day}/")


def hour_of_object(lake: Lake, stored: Stored) -> datetime:
    """When its oldest record arrived: by its name or, where that was changed, by its first document."""
    named = _NAME_TIME.search(stored.key)
    if named:
        return datetime.strptime(named[1], "%Y-%m-%d-%H").replace(tzinfo=UTC)
    try:
        first = next((found for line in lake.lines(stored.key) if (found := read_document(line))), None)
    except BROKEN:
        first = None
    if first is None or first.arrival_timestamp is None:
        return hour_of(stored.modified)
    return hour_of(datetime.fromtimestamp(first.arrival_timestamp / 1000, UTC))


def add_replay(metadata: dict[str, str], at: datetime) -> None:
    """Note with an object under replayed/ when its records went back: that hour's folders hold them now."""
    hours = metadata.get(_REPLAYED_AT, "").split()
    metadata[_REPLAYED_AT] = " ".join(sorted({*hours, hour_of(at).isoformat()})[-MAX_REPLAYS_NOTED:])


def replayed_hours(lake: Lake, day: date) -> set[datetime]:
    """When records were put back that arrived first on that day."""
    noted = (lake.metadata(stored.key) for stored in objects_of_day(lake, REPLAYED, day))
    return {
        datetime.fromisoformat(hour)
        for metadata in noted
        if metadata
        for hour in metadata.get(_REPLAYED_AT, "").split()
    }
