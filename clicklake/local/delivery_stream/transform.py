"""Firehose's transformation contract: a batch goes to a function, one outcome for each record comes back.

The rule is https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html; codes and messages are
those of real error documents, as docs/local.md says row by row.
"""

import base64
import binascii
import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

MAX_PAYLOAD_BYTES = (
    6_291_456  # request and answer each: docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
)

PROCESSING_FAILED = "processing-failed"  # the error-output-type of everything that goes wrong here

_INVALID_OUTPUT = (
    "Check your function and make sure the output is in required format. In addition to that, make sure the "
    "processed records contain valid result status of Dropped, Ok, or ProcessingFailed"
)


@dataclass(frozen=True)
class Record:
    """One record as it was put. `id` is what the function sees: opaque, the same on every attempt."""

    id: str
    data: bytes
    arrived_ms: int


@dataclass(frozen=True)
class Delivered:
    data: bytes


@dataclass(frozen=True)
class Dropped:
    pass


@dataclass(frozen=True)
class Failed:
    code: str
    message: str


Outcome = Delivered | Dropped | Failed


class InvocationError(Exception):
    """The function was not invoked, or ended in an error: worth another attempt."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.failure = Failed(code, message)

    @classmethod
    def function_error(cls) -> "InvocationError":
        """It raised, ran out of time or memory, or answered more than Lambda lets through."""
        message = "The Lambda function was successfully invoked but it returned an error result."
        return cls("Lambda.FunctionError", message)

    @classmethod
    def throttled(cls) -> "InvocationError":
        message = (
            "The Lambda concurrent execution limit is exceeded. Increase the concurrent execution limit."
        )
        return cls("Lambda.InvokeLimitExceeded", message)

    @classmethod
    def not_found(cls) -> "InvocationError":
        message = "The specified Lambda function does not exist. Use a different function that does exist."
        return cls("Lambda.ResourceNotFound", message)


Invoke = Callable[[str, bytes], bytes]  # ARN and payload to the answer's payload; raises InvocationError


@dataclass(frozen=True)
class Transformed:
    outcomes: list[Outcome]  # one for each record, in order
    attempts: int


def transform(
    records: Sequence[Record],
    invoke: Invoke,
    lambda_arn: str,
    retries: int,
    pause: Callable[[int], None],
    envelope: dict[str, str],
) -> Transformed:
    """Invoke up to 1 + `retries` times; an answer, however malformed, is final.

    `pause(attempt)` waits between two attempts; `envelope` holds what the event says beside the records.
    """
    failure = Failed("Lambda.InvocationFailure", "not invoked")
    for attempt in range(1, retries + 2):
        if attempt > 1:
            pause(attempt - 1)
        try:
            answer = invoke(lambda_arn, build_event(records, envelope))
            if len(answer) > MAX_PAYLOAD_BYTES:
                raise InvocationError.function_error()
        except InvocationError as error:
            failure = error.failure
        else:
            return Transformed(judge(records, answer), attempt)
    return Transformed([failure] * len(records), retries + 1)


def build_event(records: Sequence[Record], envelope: dict[str, str]) -> bytes:
    """The event of one attempt: a fresh invocationId, the same record ids."""
    event = {
        "invocationId": str(uuid.uuid4()),
        **envelope,
        "records": [
            {
                "recordId": record.id,
                "approximateArrivalTimestamp": record.arrived_ms,
                "data": base64.b64encode(record.data).decode(),
            }
            for record in records
        ],
    }
    return json.dumps(event).encode()


def event_bytes(record: Record) -> int:
    """What a record adds to the event's size, rounded up: base64, its id, the names around them."""
    return (len(record.data) + 2) // 3 * 4 + len(record.id) + 100


def judge(records: Sequence[Record], answer: bytes) -> list[Outcome]:
    """One outcome for each record sent; an id that was never sent is ignored, as AWS does."""
    try:
        body = json.loads(answer)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        message = (
            "There was an error parsing returned records from the Lambda function. Ensure that the returned "
            "records follow the status model required by Firehose."
        )
        return [Failed("Lambda.JsonProcessingException", message)] * len(records)
    returned: dict[str, list[dict[str, Any]]] = {}
    entries = body.get("records")
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and isinstance(entry.get("recordId"), str):
            returned.setdefault(entry["recordId"], []).append(entry)
    return [_judge_record(returned.get(record.id, [])) for record in records]


def _judge_record(entries: list[dict[str, Any]]) -> Outcome:
    if not entries:
        message = (
            "One or more record Ids were not returned. Ensure that the Lambda function returns all received "
            "record Ids."
        )
        return Failed("Lambda.MissingRecordId", message)
    if len(entries) > 1:
        message = (
            "Multiple records were returned with the same record Id. Ensure that the Lambda function returns "
            "a unique record Id for each record."
        )
        return Failed("Lambda.DuplicatedRecordId", message)
    match entries[0]:
        case {"result": "Ok", "data": str(encoded)}:
            try:
                return Delivered(base64.b64decode(encoded, validate=True))
            except (binascii.Error, ValueError):
                return Failed("Lambda.FunctionError", _INVALID_OUTPUT)
        case {"result": "Dropped"}:
            return Dropped()
        case {"result": "ProcessingFailed"}:
            return Failed("Lambda.ProcessingFailedStatus", "ProcessingFailed status set for record")
    return Failed("Lambda.FunctionError", _INVALID_OUTPUT)


def error_document(record: Record, failure: Failed, attempts: int, ended_ms: int, lambda_arn: str) -> bytes:
    """One line of an error object; order and names as AWS writes them (`lambdaARN`, not `lambdaArn`)."""
    document = {
        "rawData": base64.b64encode(record.data).decode(),
        "errorCode": failure.code,
        "errorMessage": failure.message,
        "attemptsMade": attempts,
        "arrivalTimestamp": record.arrived_ms,
        "attemptEndingTimestamp": ended_ms,
        "lambdaARN": lambda_arn,
    }
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"
