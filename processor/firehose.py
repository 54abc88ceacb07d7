"""Firehose's transformation contract: the batch, the three results, the answer's limit.

https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-status-model.html
"""

import json
from collections.abc import Sequence
from typing import Any

import pybase64

# Lambda's limit for a synchronous answer: docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_ANSWER_BYTES = 6_291_456

Record = dict[str, Any]


class NotBase64Error(ValueError):
    pass


def data_of(record: Record) -> bytes:
    """Raises NotBase64Error."""
    try:
        return pybase64.b64decode(record["data"], validate=True)
    except ValueError as error:
        raise NotBase64Error from error


def arrival_of(record: Record) -> int | None:
    """When Firehose took the record, in milliseconds; of a Kinesis source, when Kinesis did."""
    metadata = record.get("kinesisRecordMetadata") or record
    arrived = metadata.get("approximateArrivalTimestamp")
    return arrived if isinstance(arrived, int) else None


class Answer:
    """Every record failed, until its lines are put in; never over Lambda's limit."""

    def __init__(self, records: Sequence[Record]) -> None:
        self.records = [{"recordId": record["recordId"], "result": "ProcessingFailed"} for record in records]
        self._bytes_left = MAX_ANSWER_BYTES - 1 - _AROUND_BYTES - sum(map(_bytes_of_failed, records))

    def put_lines(self, position: int, lines: bytes) -> bool:
        """False if they do not fit: then the record stays failed as a whole, and Firehose keeps it."""
        data = pybase64.b64encode_as_string(lines)
        growth = len(data) + _OK_BYTES - _FAILED_BYTES
        if growth > self._bytes_left:
            return False
        self._bytes_left -= growth
        self.records[position] |= {"result": "Ok", "data": data}
        return True


def _bytes_of_failed(record: Record) -> int:
    return _FAILED_BYTES + len(json.dumps(record["recordId"]))


# An answer is measured as Lambda's runtime writes it: a space behind each colon and comma, nothing but
# ASCII. Base64 needs no escapes.
_AROUND_BYTES = len('{"records": []}')
_FAILED_BYTES = len('{"recordId": , "result": "ProcessingFailed"}, ')
_OK_BYTES = len('{"recordId": , "result": "Ok", "data": ""}, ')
