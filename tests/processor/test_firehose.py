import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processor.firehose import (
    MAX_RESPONSE_BYTES,
    NotBase64Error,
    TransformResponse,
    arrival_timestamp,
    decode_data,
)

RECORD_ID = 62 * "4"


def size_of(response: TransformResponse) -> int:
    return len(json.dumps({"records": response.records}))


@settings(max_examples=50)
@given(st.binary())
def test_data_is_decoded(data: bytes) -> None:
    assert decode_data({"data": base64.b64encode(data).decode()}) == data


@pytest.mark.parametrize("data", ["%", "e30", "e30K\n", "e3 0K", "é"])
def test_data_that_is_not_base64_is_an_error(data: str) -> None:
    with pytest.raises(NotBase64Error):
        decode_data({"data": data})


@pytest.mark.parametrize(
    ("record", "arrived"),
    [
        ({"approximateArrivalTimestamp": 5}, 5),
        ({"approximateArrivalTimestamp": 5, "kinesisRecordMetadata": {"approximateArrivalTimestamp": 4}}, 4),
        ({"kinesisRecordMetadata": {}}, None),
        ({"kinesisRecordMetadata": {}, "approximateArrivalTimestamp": 5}, 5),
        ({"kinesisRecordMetadata": None, "approximateArrivalTimestamp": 5}, 5),
        (
            {
                "approximateArrivalTimestamp": 5,
                "kinesisRecordMetadata": {"approximateArrivalTimestamp": "2017-03-01T00:00:00.000Z"},
            },
            5,
        ),
        ({"approximateArrivalTimestamp": "5"}, None),
        ({}, None),
    ],
)
def test_a_record_arrives_when_firehose_or_kinesis_receives_it(
    record: dict[str, Any], arrived: int | None
) -> None:
    assert arrival_timestamp(record) == arrived


def test_lines_that_just_fit_are_accepted_and_longer_ones_are_not() -> None:
    record = {"recordId": RECORD_ID}
    around = len(json.dumps({"records": [{"recordId": RECORD_ID, "result": "Ok", "data": ""}]}))
    most = (MAX_RESPONSE_BYTES - around) // 4 * 3

    full = TransformResponse([record])
    assert full.put_lines(0, bytes(most - 3))
    assert MAX_RESPONSE_BYTES - 8 <= size_of(full) < MAX_RESPONSE_BYTES

    over = TransformResponse([record])
    assert not over.put_lines(0, bytes(most + 1))
    assert over.records == [{"recordId": RECORD_ID, "result": "ProcessingFailed"}]


def test_a_small_record_still_fits_after_one_that_was_too_big() -> None:
    records = [{"recordId": "big"}, {"recordId": "small"}]
    response = TransformResponse(records)
    assert not response.put_lines(0, bytes(MAX_RESPONSE_BYTES))
    assert response.put_lines(1, b"{}\n")
    assert [record["result"] for record in response.records] == ["ProcessingFailed", "Ok"]


@settings(max_examples=25)
@given(st.lists(st.tuples(st.text(), st.integers(0, 2_000_000)), max_size=6))
def test_a_response_stays_legal_whatever_lines_it_gets(sizes: list[tuple[str, int]]) -> None:
    records = [{"recordId": record_id} for record_id, _ in sizes]
    response = TransformResponse(records)
    for position, (_, size) in enumerate(sizes):
        response.put_lines(position, bytes(size))
    assert [record["recordId"] for record in response.records] == [record_id for record_id, _ in sizes]
    assert size_of(response) < MAX_RESPONSE_BYTES
