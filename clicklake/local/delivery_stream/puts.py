"""Firehose's PutRecord and PutRecordBatch: limits, responses, and errors in AWS's own words.

https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html
"""

import base64
import binascii
import hashlib
import time
from collections.abc import Callable, Mapping
from typing import Any

from clicklake.local.delivery_stream.configuration import UnsupportedDestinationError
from clicklake.local.delivery_stream.faults import Faults
from clicklake.local.delivery_stream.stream import DeliveryStream

# Before base64: docs.aws.amazon.com/firehose/latest/APIReference/API_Record.html
MAX_RECORD_BYTES = 1_024_000
MAX_BATCH_RECORDS = 500
MAX_BATCH_BYTES = 4 * 1024 * 1024  # before base64

_SLOW_DOWN = "Slow down."


class PutError(Exception):
    """An error response: its code, message and HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


class ConnectionDroppedError(Exception):
    """There is no response: the client cannot know whether the records were accepted."""


class PutApi:
    """Both operations, on streams that `find_stream` finds by name. `notify` is called after each put."""

    def __init__(
        self, find_stream: Callable[[str], DeliveryStream | None], notify: Callable[[], None], faults: Faults
    ) -> None:
        self._find_stream = find_stream
        self._notify = notify
        self._faults = faults

    def put_record(self, request: Mapping[str, Any]) -> dict[str, Any]:
        data = [_decode(request.get("Record"), "record.data")]
        (entry,) = self._put(request, data)
        if "ErrorCode" in entry:
            raise PutError(entry["ErrorCode"], entry["ErrorMessage"], 503)
        return {"RecordId": entry["RecordId"], "Encrypted": False}

    def put_record_batch(self, request: Mapping[str, Any]) -> dict[str, Any]:
        records = request.get("Records") or []
        if not records:
            raise _invalid("records", "Member must have length greater than or equal to 1")
        if len(records) > MAX_BATCH_RECORDS:
            raise _invalid("records", f"Member must have length less than or equal to {MAX_BATCH_RECORDS}")
        data = [_decode(record, f"records.{at}.member.data") for at, record in enumerate(records, 1)]
        if sum(map(len, data)) > MAX_BATCH_BYTES:
            raise PutError("InvalidArgumentException", "Records size exceeds 4 MB limit")
        entries = self._put(request, data)
        failed = sum("ErrorCode" in entry for entry in entries)
        return {"FailedPutCount": failed, "Encrypted": False, "RequestResponses": entries}

    def _put(self, request: Mapping[str, Any], data: list[bytes]) -> list[dict[str, Any]]:
        """Put the records that no fault affects. Return one entry for each record, in order."""
        stream = self._stream(str(request.get("DeliveryStreamName", "")))
        fault = self._faults.next_put()
        time.sleep(fault.delay_seconds)
        if fault.drop_before:
            raise ConnectionDroppedError
        if fault.throttle:
            raise PutError("ServiceUnavailableException", _SLOW_DOWN, 503)
        accepted = [not self._faults.next_record_fails() for _ in data]
        ids = iter(stream.put([record for record, ok in zip(data, accepted, strict=True) if ok]))
        self._notify()
        if fault.drop_after:
            raise ConnectionDroppedError
        return [
            {"RecordId": _public_id(next(ids))}
            if ok
            else {"ErrorCode": "ServiceUnavailableException", "ErrorMessage": _SLOW_DOWN}
            for ok in accepted
        ]

    def _stream(self, name: str) -> DeliveryStream:
        try:
            stream = self._find_stream(name)
        except UnsupportedDestinationError as error:
            raise PutError("InvalidArgumentException", str(error)) from error
        if stream is None:
            raise PutError("ResourceNotFoundException", f"Firehose {name} not found.")
        return stream


def _decode(record: Any, path: str) -> bytes:
    encoded = record.get("Data") if isinstance(record, Mapping) else None
    if not isinstance(encoded, str):
        raise _invalid(path, "Member must not be null")
    try:
        data = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise PutError("SerializationException", "Blob content was not valid base64.") from error
    if len(data) > MAX_RECORD_BYTES:
        raise _invalid(path, f"Member must have length less than or equal to {MAX_RECORD_BYTES}")
    return data


def _invalid(path: str, constraint: str) -> PutError:
    message = f"1 validation error detected: Value at '{path}' failed to satisfy constraint: {constraint}"
    return PutError("ValidationException", message)


def _public_id(record_id: str) -> str:
    """Return the id for the producer. As on AWS, the transform function sees another one."""
    return base64.b64encode(hashlib.sha512(record_id.encode()).digest()).decode()
