import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clicklake.local.delivery_stream.transform import (
    Delivered,
    Dropped,
    Failed,
    InvocationError,
    Record,
    build_event,
    error_document,
    event_bytes,
    judge,
    transform,
)
from tests.clicklake.local.delivery_stream.world import LAMBDA_ARN, answer, ok

RECORDS = [Record("a", b"one", 1), Record("b", b"two", 2)]
ONE, TWO = ok("a", b"ONE"), ok("b", b"TWO")
GOOD = [Delivered(b"ONE"), Delivered(b"TWO")]


def codes(returned: bytes) -> list[str]:
    return [
        outcome.code if isinstance(outcome, Failed) else type(outcome).__name__
        for outcome in judge(RECORDS, returned)
    ]


@pytest.mark.parametrize(
    ("returned", "first", "second"),
    [
        (answer(ONE, TWO), "Delivered", "Delivered"),
        (answer(TWO, ONE), "Delivered", "Delivered"),
        (answer({"recordId": "a", "result": "Dropped"}, TWO), "Dropped", "Delivered"),
        (
            answer({"recordId": "a", "result": "ProcessingFailed"}, TWO),
            "Lambda.ProcessingFailedStatus",
            "Delivered",
        ),
        (answer(TWO), "Lambda.MissingRecordId", "Delivered"),
        (answer(ONE, ONE, TWO), "Lambda.DuplicatedRecordId", "Delivered"),
        (answer(ONE, TWO, ok("nobody", b"")), "Delivered", "Delivered"),
        (answer({**ONE, "data": "!!!"}, TWO), "Lambda.FunctionError", "Delivered"),
        (answer({**ONE, "data": None}, TWO), "Lambda.FunctionError", "Delivered"),
        (answer({"recordId": "a", "result": "Ok"}, TWO), "Lambda.FunctionError", "Delivered"),
        (answer({**ONE, "result": "ok"}, TWO), "Lambda.FunctionError", "Delivered"),
        (answer({**ONE, "result": None}, TWO), "Lambda.FunctionError", "Delivered"),
        (answer({**ONE, "recordId": 7}, TWO), "Lambda.MissingRecordId", "Delivered"),
        (b"{}", "Lambda.MissingRecordId", "Lambda.MissingRecordId"),
        (b'{"records": null}', "Lambda.MissingRecordId", "Lambda.MissingRecordId"),
        (b'{"records": ["a", null]}', "Lambda.MissingRecordId", "Lambda.MissingRecordId"),
        (b"null", "Lambda.JsonProcessingException", "Lambda.JsonProcessingException"),
        (b"[]", "Lambda.JsonProcessingException", "Lambda.JsonProcessingException"),
        (b"not JSON", "Lambda.JsonProcessingException", "Lambda.JsonProcessingException"),
        (b"\xff\xfe", "Lambda.JsonProcessingException", "Lambda.JsonProcessingException"),
        (b"", "Lambda.JsonProcessingException", "Lambda.JsonProcessingException"),
    ],
)
def test_each_answer_has_its_outcome(returned: bytes, first: str, second: str) -> None:
    assert codes(returned) == [first, second]


def test_outcomes_are_in_the_order_of_the_records() -> None:
    assert judge(RECORDS, answer(TWO, ONE)) == GOOD


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["a", "b", "Ok", "Dropped"]),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["records", "recordId", "result", "data"]), inner)
    ),
)


@given(json_values)
def test_whatever_comes_back_each_record_has_one_outcome(returned: Any) -> None:
    outcomes = judge(RECORDS, json.dumps(returned).encode())
    assert len(outcomes) == len(RECORDS)
    assert all(isinstance(outcome, Delivered | Dropped | Failed) for outcome in outcomes)


class Function:
    """Does one thing after the other; counts its pauses and remembers its events."""

    def __init__(self, *does: bytes | Exception) -> None:
        self.does = list(does)
        self.events: list[dict[str, Any]] = []
        self.pauses: list[int] = []

    def __call__(self, lambda_arn: str, payload: bytes) -> bytes:
        self.events.append(json.loads(payload))
        now = self.does.pop(0)
        if isinstance(now, Exception):
            raise now
        return now

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
def test_invocation_that_fails_is_tried_once_and_three_times_more(error: InvocationError, code: str) -> None:
    function = Function(*[error] * 4)
    result = function.run()
    assert result.attempts == 4
    assert [outcome.code for outcome in result.outcomes] == [code, code]
    assert function.pauses == [1, 2, 3]


def test_number_of_retries_counts_what_follows_the_first_attempt() -> None:
    assert Function(InvocationError.throttled(), InvocationError.throttled()).run(retries=1).attempts == 2
    assert Function(InvocationError.throttled()).run(retries=0).attempts == 1


def test_later_attempt_can_succeed() -> None:
    result = Function(InvocationError.throttled(), answer(ONE, TWO)).run()
    assert (result.outcomes, result.attempts) == (GOOD, 2)


def test_malformed_answer_is_final() -> None:
    function = Function(b"nonsense", answer(ONE, TWO))
    result = function.run()
    assert result.attempts == 1
    assert len(function.does) == 1


def test_answer_over_six_megabytes_is_a_function_error_and_retried() -> None:
    function = Function(*[b"x" * 6_291_457] * 4)
    result = function.run()
    assert (result.outcomes[0].code, result.attempts) == ("Lambda.FunctionError", 4)


def test_answer_of_just_six_megabytes_passes() -> None:
    fill = answer(ONE, TWO)
    assert Function(fill + b" " * (6_291_456 - len(fill))).run().outcomes == GOOD


def test_each_attempt_has_an_invocation_id_of_its_own_and_the_same_records() -> None:
    function = Function(InvocationError.throttled(), answer(ONE, TWO))
    function.run()
    first, second = function.events
    assert first.pop("invocationId") != second.pop("invocationId")
    assert first == second


def test_event_is_shaped_as_firehose_documents_it() -> None:
    event = json.loads(build_event(RECORDS[:1], {"deliveryStreamArn": "arn", "region": "eu-west-1"}))
    assert list(event) == ["invocationId", "deliveryStreamArn", "region", "records"]
    assert event["records"] == [{"recordId": "a", "approximateArrivalTimestamp": 1, "data": "b25l"}]


@given(st.binary(max_size=200), st.integers(0, 2**41))
def test_size_of_an_event_is_never_underestimated(data: bytes, arrived_ms: int) -> None:
    record = Record("4" * 56, data, arrived_ms)
    fixed = len(build_event([], {}))
    assert len(build_event([record, record], {})) - fixed <= 2 * event_bytes(record)


def test_error_document_is_one_line_in_the_order_that_aws_writes() -> None:
    failure = Failed("Lambda.MissingRecordId", "One or more")
    line = error_document(
        Record("a", b"\x00raw", 1_795_521_600_123), failure, 4, 1_795_521_601_456, LAMBDA_ARN
    )
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert list(json.loads(line).items()) == [
        ("rawData", base64.b64encode(b"\x00raw").decode()),
        ("errorCode", "Lambda.MissingRecordId"),
        ("errorMessage", "One or more"),
        ("attemptsMade", 4),
        ("arrivalTimestamp", 1_795_521_600_123),
        ("attemptEndingTimestamp", 1_795_521_601_456),
        ("lambdaARN", LAMBDA_ARN),
    ]
