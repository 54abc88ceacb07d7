"""Firehose's transformation contract: the batch, the three results, the answer's limit.

https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-status-model.html
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pybase64

# Lambda's limit for a synchronous answer: docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_ANSWER_BYTES = 6_291_456

Record = dict[str, Any]

_AROUND = len('{"records": []}')


def data_of(record: Record) -> bytes:
    """Raises ValueError (binascii.Error) for what is not base64."""
    return pybase64.b64decode(record["data"], validate=True)


def arrival_of(record: Record) -> str | None:
    """When Firehose took the record; for a Kinesis source, when Kinesis did."""
    metadata = record.get("kinesisRecordMetadata") or {}
    milliseconds = metadata.get("approximateArrivalTimestamp", record.get("approximateArrivalTimestamp"))
    if not isinstance(milliseconds, int):
        return None
    return to_rfc3339(datetime.fromtimestamp(milliseconds / 1000, UTC))


def to_rfc3339(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Answer:
    """Stays under Lambda's limit: room for each record's ProcessingFailed is set aside at the start."""

    def __init__(self, records: Sequence[Record]) -> None:
        self.records: list[Record] = []
        self._bytes_left = (
            MAX_ANSWER_BYTES - 1 - _AROUND - sum(_bytes_of(_failed(record)) for record in records)
        )

    def add_ok(self, record: Record, lines: bytes) -> bool:
        """False if the lines do not fit: then the record fails as a whole, and Firehose keeps it."""
        ok = {"recordId": record["recordId"], "result": "Ok", "data": pybase64.b64encode_as_string(lines)}
        growth = _bytes_of(ok) - _bytes_of(_failed(record))
        if growth > self._bytes_left:
            self.add_failed(record)
            return False
        self._bytes_left -= growth
        self.records.append(ok)
        return True

    def add_failed(self, record: Record) -> None:
        self.records.append(_failed(record))


def _failed(record: Record) -> Record:
    return {"recordId": record["recordId"], "result": "ProcessingFailed"}


def _bytes_of(answered: Record) -> int:
    """As Lambda's runtime writes it: a space behind each colon and comma, nothing but ASCII."""
    return len(json.dumps(answered)) + len(", ")
