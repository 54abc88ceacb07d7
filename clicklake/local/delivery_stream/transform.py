"""Send a batch of records to the function, with retries, and return one outcome for each record."""

import base64
import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from clicklake.local.delivery_stream.outcomes import Failed, Outcome, Record, parse_outcomes

# For the request and for the response: docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_PAYLOAD_BYTES = 6_291_456


class InvocationError(Exception):
    """The function was not invoked, or it ended in an error. Another attempt may succeed."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.failure = Failed(code, message)

    @classmethod
    def function_error(cls) -> "InvocationError":
        """The function raised, timed out, ran out of memory, or exceeded the size limit of a response."""
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


Invoke = Callable[[str, bytes], bytes]  # takes an ARN and a request, returns the response; InvocationError


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
    """Invoke the function up to 1 + `retries` times. Any response is final, even a malformed one.

    `pause(attempt)` waits between two attempts. `envelope` holds the other fields of the event.
    """
    failure = Failed("Lambda.InvocationFailure", "not invoked")
    for attempt in range(1, retries + 2):
        if attempt > 1:
            pause(attempt - 1)
        try:
            response = invoke(lambda_arn, build_event(records, envelope))
            if len(response) > MAX_PAYLOAD_BYTES:
                raise InvocationError.function_error()
        except InvocationError as error:
            failure = error.failure
        else:
            return Transformed(parse_outcomes(records, response), attempt)
    return Transformed([failure] * len(records), retries + 1)


def build_event(records: Sequence[Record], envelope: dict[str, str]) -> bytes:
    """Build the event of one attempt: its invocationId is new, its record ids are not."""
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
    """Return an upper bound for a record's share of the event: base64, its id, and the names around them."""
    return (len(record.data) + 2) // 3 * 4 + len(record.id) + 100
