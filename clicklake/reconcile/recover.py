"""File clicks that are missing from clicks/ but still in raw/ as failed, so that `replay` puts them back."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from uuid import uuid4

import msgspec
import pybase64

from clicklake.lake.appendable_object import AppendableObject
from clicklake.lake.bucket import Lake
from clicklake.lake.error_documents import FAILED
from clicklake.lake.partitions import hour_of_key
from clicklake.lake.records import RECORDS, keep_clicks
from clicklake.reconcile.result import MissingClick

ERROR_TYPE = "missing"  # next to Firehose's own processing-failed
ERROR_CODE = "Clicklake.Missing"


def file_missing(lake: Lake, missing: Iterable[MissingClick]) -> None:
    """Write an error document for each envelope with missing clicks.

    A second run before the replay finds these clicks in failed/, so it files nothing twice.
    """
    by_object: defaultdict[str, set[str]] = defaultdict(set)
    for click in missing:
        if click.key:
            by_object[click.key].add(click.event_id)
    for key, event_ids in by_object.items():
        hour = hour_of_key(key)
        name = f"{FAILED}{ERROR_TYPE}/dt={hour:%Y-%m-%d}/recovered-{hour:%Y-%m-%d-%H}-00-00-{uuid4()}"
        with closing(AppendableObject(lake, name)) as documents:
            for record in _records(lake, key, event_ids):
                documents.append(_document(record, hour))
            documents.commit()


def _records(lake: Lake, key: str, event_ids: set[str]) -> Iterator[bytes]:
    """Yield the object's envelopes that hold any of these clicks, reduced to these clicks."""
    for line in lake.lines(key):
        for segment in RECORDS.read_line(line):
            clicks = segment.envelope.clicks if segment.envelope else []
            wanted = [click.event_id in event_ids for click in clicks]
            if any(wanted):
                yield keep_clicks(segment.data, wanted.__getitem__) + b"\n"


def _document(record: bytes, arrived: datetime) -> bytes:
    """Return an error document as Firehose would write it."""
    return msgspec.json.encode(
        {
            "rawData": pybase64.b64encode_as_string(record),
            "errorCode": ERROR_CODE,
            "errorMessage": "The record is in raw/, but its clicks are not in clicks/.",
            "attemptsMade": 0,
            "arrivalTimestamp": round(arrived.timestamp() * 1000),
            "attemptEndingTimestamp": round(datetime.now(UTC).timestamp() * 1000),
        }
    )
