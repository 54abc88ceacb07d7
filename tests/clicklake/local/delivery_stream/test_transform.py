"""Invocations: attempts, retries, the event, and its size."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clicklake.local.delivery_stream.outcomes import Delivered, Record
from clicklake.local.delivery_stream.transform import (
    InvocationError,
    build_event,
    event_bytes,
    transform,
)
from tests.clicklake.local.delivery_stream.world import LAMBDA_ARN, answer, ok

RECORDS = [Record("a", b"one", 1), Record("b", b"two", 2)]
ONE, TWO = ok("a", b"ONE"), ok("b", b"TWO")
GOOD = [Delivered(b"ONE"), Delivered(b"TWO")]


class Function:
    """Return or raise one value after the other. Records the events and the pauses."""

    def __init__(self, *results: bytes | Exception) -> None:
        self.results = list(results)
        self.events: list[dict[str, Any]] = []
        self.pauses: list[int] = []

    def __call__(self, lambda_arn: str, payload: bytes) -> bytes:
        self.events.append(json.loads(payload))
        result = self.results.pop(0)
        if isinstance(result, Exception):
            raise result
        return result

    def run(self, retries: int = 3) -> Any:
        envelope = {"deliveryStreamArn": "arn", "region": "us-east-1"}
        return transform(RECORDS, self, LAMBDA_ARN, retries, self.pauses.append, envelope)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvocationError.function_error(), "Lambda.FunctionError"),
        (InvocationError.throttled(), "Lambda.InvokeLimitExceeded"),
        (InvocationError.not_found(), "Lambda.ResourceNotFound"),
    ],
)
def test_failed_invocation_is_retried_three_times(error: InvocationError, code: str) -> None:
    function = Function(*[error] * 4)
    result = function.run()
    assert result.attempts == 4
    assert [outcome.code for outcome in result.outcomes] == [code, code]
    assert function.pauses == [1, 2, 3]


def test_first_attempt_does_not_count_as_a_retry() -> None:
    assert Function(InvocationError.throttled(), InvocationError.throttled()).run(retries=1).attempts == 2
    assert Function(InvocationError.throttled()).run(retries=0).attempts == 1


def test_second_attempt_can_succeed() -> None:
    result = Function(InvocationError.throttled(), answer(ONE, TWO)).run()
    assert (result.outcomes, result.attempts) == (GOOD, 2)


def test_malformed_response_is_final() -> None:
    function = Function(b"nonsense", answer(ONE, TWO))
    result = function.run()
    assert result.attempts == 1
    assert len(function.results) == 1


def test_response_over_six_megabytes_is_a_function_error_and_retried() -> None:
    function = Function(*[b"x" * 6_291_457] * 4)
    result = function.run()
    assert (result.outcomes[0].code, result.attempts) == ("Lambda.FunctionError", 4)


def test_response_of_exactly_the_maximum_size_is_accepted() -> None:
    fill = answer(ONE, TWO)
    assert Function(fill + b" " * (6_291_456 - len(fill))).run().outcomes == GOOD


def test_each_attempt_has_an_invocation_id_of_its_own_and_the_same_records() -> None:
    function = Function(InvocationError.throttled(), answer(ONE, TWO))
    function.run()
    first, second = function.events
    assert first.pop("invocationId") != second.pop("invocationId")
    assert first == second


def test_event_has_the_documented_shape() -> None:
    event = json.loads(build_event(RECORDS[:1], {"deliveryStreamArn": "arn", "region": "eu-west-1"}))
    assert list(event) == ["invocationId", "deliveryStreamArn", "region", "records"]
    assert event["records"] == [{"recordId": "a", "approximateArrivalTimestamp": 1, "data": "b25l"}]


@given(st.binary(max_size=200), st.integers(0, 2**41))
def test_size_of_an_event_is_never_underestimated(data: bytes, arrived_ms: int) -> None:
    record = Record("4" * 56, data, arrived_ms)
    fixed = len(build_event([], {}))
    assert len(build_event([record, record], {})) - fixed <= 2 * event_bytes(record)
