"""Firehose's transformation contract: records in, one result per record out, and the response's size limit.

https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-status-model.html
"""

import json
from collections.abc import Sequence
from typing import Any

import pybase64

# Lambda's limit for a synchronous response: docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_RESPONSE_BYTES = 6_291_456

FirehoseRecord = dict[str, Any]


class NotBase64Error(ValueError):
    pass


def decode_data(record: FirehoseRecord) -> bytes:
    """Raise NotBase64Error if the record's data is not base64."""
    try:
        return pybase64.b64decode(record["data"], validate=True)
    except ValueError as error:
        raise NotBase64Error from error


def data_size(record: FirehoseRecord) -> int:
    """Return the size of the decoded data, within two bytes."""
    return len(record["data"]) // 4 * 3


def arrival_timestamp(record: FirehoseRecord) -> int | None:
    """Return when Kinesis received the record if that is the source, or Firehose: milliseconds since 1970.

    AWS's example of Kinesis's metadata has the time as ISO text. Then the record's own number counts.
    """
    arrived = record.get("approximateArrivalTimestamp")
    metadata = record.get("kinesisRecordMetadata")
    if isinstance(metadata, dict):
        at_kinesis = metadata.get("approximateArrivalTimestamp")
        arrived = at_kinesis if isinstance(at_kinesis, int) else arrived
    return arrived if isinstance(arrived, int) else None


class TransformResponse:
    """One result per record, in order. Every record counts as failed until `put_lines` accepts its lines.

    The response never exceeds Lambda's limit.
    """

    def __init__(self, records: Sequence[FirehoseRecord]) -> None:
        self.records = [{"recordId": record["recordId"], "result": "ProcessingFailed"} for record in records]
        self._bytes_left = MAX_RESPONSE_BYTES - 1 - _FRAME_BYTES - sum(map(_failed_size, records))

    def put_lines(self, position: int, lines: bytes) -> bool:
        """Return False if the lines do not fit. The whole record then stays failed, and Firehose keeps it."""
        data = pybase64.b64encode_as_string(lines)
        growth = len(data) + _OK_BYTES - _FAILED_BYTES
        if growth > self._bytes_left:
            return False
        self._bytes_left -= growth
        self.records[position] |= {"result": "Ok", "data": data}
        return True


def _failed_size(record: FirehoseRecord) -> int:
    record_id = record["recordId"]
    is_plain = record_id.isascii() and record_id.isalnum()  # Firehose's own ids are; json.dumps takes 0.5 µs
    return _FAILED_BYTES + (len(record_id) + 2 if is_plain else len(json.dumps(record_id)))


# Sizes as Lambda's runtime encodes the response: ASCII only, a space after each colon and comma. Base64 needs
# no escapes.
_FRAME_BYTES = len('{"records": []}')
_FAILED_BYTES = len('{"recordId": , "result": "ProcessingFailed"}, ')
_OK_BYTES = len('{"recordId": , "result": "Ok", "data": ""}, ')
