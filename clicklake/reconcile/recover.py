"""What is missing from clicks/ and still in raw/, filed as failed: from there `replay` puts it back."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from uuid import uuid4

import msgspec
import pybase64

from clicklake.lake.appendable_object import Pile
from clicklake.lake.bucket import Lake
from clicklake.lake.error_documents import FAILED
from clicklake.lake.partitions import hour_of_folder
from clicklake.lake.records import Kind, pieces, read_envelope, with_clicks
from clicklake.reconcile.hour_window import Missing

ERROR_TYPE = "missing"  # beside Firehose's own processing-failed
ERROR_CODE = "Clicklake.Missing"


def file_missing(lake: Lake, missing: Iterable[Missing]) -> None:
    """Write an error document for each envelope; run again before a replay, it finds nothing missing."""
    by_object: defaultdict[str, set[str]] = defaultdict(set)
    for each in missing:
        if each.key:  # else it went from raw/ too
            by_object[each.key].add(each.event_id)
    for key, event_ids in by_object.items():
        hour = hour_of_folder(key)
        name = f"{FAILED}{ERROR_TYPE}/dt={hour:%Y-%m-%d}/recovered-{hour:%Y-%m-%d-%H}-00-00-{uuid4()}"
        with closing(Pile(lake, name)) as pile:
            for record in _records(lake, key, event_ids):
                pile.add(_document(record, hour))
            pile.write()


def _records(lake: Lake, key: str, event_ids: set[str]) -> Iterator[bytes]:
    """The object's envelopes with these clicks, and with no other."""
    for line in lake.lines(key):
        for piece in pieces(line):
            envelope = read_envelope(piece.data) if piece.kind is Kind.ENVELOPE else None
            wanted = [click.event_id in event_ids for click in envelope.clicks] if envelope else []
            if any(wanted):
                yield with_clicks(piece.data, wanted.__getitem__) + b"\n"


def _document(record: bytes, arrived: datetime) -> bytes:
    """As Firehose writes them."""
    return msgspec.json.encode(
        {
            "rawData": pybase64.b64encode_as_string(record),
            "errorCode": ERROR_CODE,
            "errorMessage": "The record is in raw/, its clicks are not in clicks/.",
            "attemptsMade": 0,
            "arrivalTimestamp": round(arrived.timestamp() * 1000),
            "attemptEndingTimestamp": round(datetime.now(UTC).timestamp() * 1000),
        }
    )
