"""Every response of a function gives each record exactly one outcome."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clicklake.local.delivery_stream.outcomes import (
    Delivered,
    Dropped,
    Failed,
    Record,
    error_document,
    parse_outcomes,
)
from tests.clicklake.local.delivery_stream.world import LAMBDA_ARN, answer, ok

RECORDS = [Record("a", b"one", 1), Record("b", b"two", 2)]
ONE, TWO = ok("a", b"ONE"), ok("b", b"TWO")
GOOD = [Delivered(b"ONE"), Delivered(b"TWO")]


def codes(returned: bytes) -> list[str]:
    return [
        outcome.code if isinstance(outcome, Failed) else type(outcome).__name__
        for outcome in parse_outcomes(RECORDS, returned)
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
def test_each_result_has_its_outcome(returned: bytes, first: str, second: str) -> None:
    assert codes(returned) == [first, second]


def test_outcomes_are_in_the_order_of_the_records() -> None:
    assert parse_outcomes(RECORDS, answer(TWO, ONE)) == GOOD


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["a", "b", "Ok", "Dropped"]),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["records", "recordId", "result", "data"]), inner)
    ),
)


@settings(max_examples=50)
@given(json_values)
def test_every_record_has_one_outcome_whatever_the_function_returns(returned: Any) -> None:
    outcomes = parse_outcomes(RECORDS, json.dumps(returned).encode())
    assert len(outcomes) == len(RECORDS)
    assert all(isinstance(outcome, Delivered | Dropped | Failed) for outcome in outcomes)


def test_error_document_is_one_line_with_fields_in_the_order_of_aws() -> None:
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
