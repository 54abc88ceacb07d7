import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processor.firehose import MAX_ANSWER_BYTES, Answer, NotBase64Error, arrival_of, data_of

RECORD_ID = 62 * "4"


def size_of(answer: Answer) -> int:
    return len(json.dumps({"records": answer.records}))


@settings(deadline=None)
@given(st.binary())
def test_data_is_what_was_put(data: bytes) -> None:
    assert data_of({"data": base64.b64encode(data).decode()}) == data


@pytest.mark.parametrize("data", ["%", "e30", "e30K\n", "e3 0K", "é"])
def test_data_that_is_not_base64_is_an_error(data: str) -> None:
    with pytest.raises(NotBase64Error):
        data_of({"data": data})


@pytest.mark.parametrize(
    ("record", "arrived"),
    [
        ({"approximateArrivalTimestamp": 5}, 5),
        ({"approximateArrivalTimestamp": 5, "kinesisRecordMetadata": {"approximateArrivalTimestamp": 4}}, 4),
        ({"kinesisRecordMetadata": {}}, None),
        ({"approximateArrivalTimestamp": "5"}, None),
        ({}, None),
    ],
)
def test_a_record_arrived_when_firehose_or_kinesis_took_it(
    record: dict[str, Any], arrived: int | None
) -> None:
    assert arrival_of(record) == arrived


def test_lines_that_just_fit_are_taken_and_a_byte_more_is_not() -> None:
    record = {"recordId": RECORD_ID}
    around = len(json.dumps({"records": [{"recordId": RECORD_ID, "result": "Ok", "data": ""}]}))
    most = (MAX_ANSWER_BYTES - around) // 4 * 3

    full = Answer([record])
    assert full.put_lines(0, bytes(most - 3))
    assert MAX_ANSWER_BYTES - 8 <= size_of(full) < MAX_ANSWER_BYTES

    over = Answer([record])
    assert not over.put_lines(0, bytes(most + 1))
    assert over.records == [{"recordId": RECORD_ID, "result": "ProcessingFailed"}]


def test_what_comes_behind_a_record_that_was_too_big_still_fits() -> None:
    records = [{"recordId": "big"}, {"recordId": "small"}]
    answer = Answer(records)
    assert not answer.put_lines(0, bytes(MAX_ANSWER_BYTES))
    assert answer.put_lines(1, b"{}\n")
    assert [record["result"] for record in answer.records] == ["ProcessingFailed", "Ok"]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.text(), st.integers(0, 2_000_000)), max_size=12))
def test_an_answer_is_legal_whatever_is_put_into_it(wanted: list[tuple[str, int]]) -> None:
    records = [{"recordId": record_id} for record_id, _ in wanted]
    answer = Answer(records)
    for position, (_, size) in enumerate(wanted):
        answer.put_lines(position, bytes(size))
    assert [record["recordId"] for record in answer.records] == [record_id for record_id, _ in wanted]
    assert size_of(answer) < MAX_ANSWER_BYTES
