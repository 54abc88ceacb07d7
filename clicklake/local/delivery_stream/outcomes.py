"""The outcome of a record: delivered, dropped or failed, as the function's response says.

The rules are in https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html. Codes and messages
are copied from real error documents; docs/local.md names their sources.
"""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

PROCESSING_FAILED = "processing-failed"  # the error-output-type of every failure here

_INVALID_OUTPUT = (
    "Check your function and make sure the output is in required format. In addition to that, make sure the "
    "processed records contain valid result status of Dropped, Ok, or ProcessingFailed"
)


@dataclass(frozen=True)
class Record:
    """A record as it was put. The function sees its `id`, which is opaque and the same on every attempt."""

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


def parse_outcomes(records: Sequence[Record], response: bytes) -> list[Outcome]:
    """Return one outcome for each record, in order. Ids that were never sent are ignored, as on AWS."""
    try:
        body = json.loads(response)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        message = (
            "There was an error parsing returned records from the Lambda function. Ensure that the returned "
            "records follow the status model required by Firehose."
        )
        return [Failed("Lambda.JsonProcessingException", message)] * len(records)
    results: dict[str, list[dict[str, Any]]] = {}
    entries = body.get("records")
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and isinstance(entry.get("recordId"), str):
            results.setdefault(entry["recordId"], []).append(entry)
    return [_parse_outcome(results.get(record.id, [])) for record in records]


def _parse_outcome(results: list[dict[str, Any]]) -> Outcome:
    if not results:
        message = (
            "One or more record Ids were not returned. Ensure that the Lambda function returns all received "
            "record Ids."
        )
        return Failed("Lambda.MissingRecordId", message)
    if len(results) > 1:
        message = (
            "Multiple records were returned with the same record Id. Ensure that the Lambda function returns "
            "a unique record Id for each record."
        )
        return Failed("Lambda.DuplicatedRecordId", message)
    match results[0]:
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
    """Return one line of an error object. Order and names are AWS's (`lambdaARN`, not `lambdaArn`)."""
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
