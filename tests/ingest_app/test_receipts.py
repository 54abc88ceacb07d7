"""What a page is told of each of its clicks."""

from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from tests.ingest_app.conftest import ListStream

FIRST = "0e2f7b8a-1f1d-4d3c-9a52-6b7f0a4c1d01"
SECOND = "0e2f7b8a-1f1d-4d3c-9a52-6b7f0a4c1d02"


def test_every_click_has_a_receipt_by_its_place(client: FlaskClient, stream: ListStream) -> None:
    clicks = [
        {"mysfitId": "1", "eventId": FIRST},
        {"mysfitId": "2", "eventId": FIRST.upper()},
        {"userId": "u-17"},
        {"mysfitId": "4", "eventId": SECOND, "userId": ""},
    ]
    answer = client.post("/clicks", json=clicks)
    assert answer.status_code == 202
    assert answer.json == {
        "accepted": 1,
        "rejected": 2,
        "duplicates": 1,
        "requestId": stream.envelope["requestId"],
        "receipts": [
            {"index": 0, "eventId": FIRST, "result": "accepted"},
            {"index": 1, "eventId": FIRST, "result": "duplicate"},
            {"index": 2, "eventId": None, "result": "rejected", "field": "mysfitId", "reason": "is required"},
            {
                "index": 3,
                "eventId": SECOND,
                "result": "rejected",
                "field": "userId",
                "reason": "must be a string of 1 to 128 characters",
            },
        ],
    }
    assert stream.click["mysfitId"] == "1"


def test_rejected_click_with_several_errors_names_all(client: FlaskClient) -> None:
    answer = client.post("/clicks", json=[{"mysfitId": "1"}, {"userId": "", "title": 5}])
    assert answer.json["receipts"][1] == {
        "index": 1,
        "eventId": None,
        "result": "rejected",
        "field": "userId",
        "reason": "must be a string of 1 to 128 characters",
        "errors": [
            {"field": "userId", "reason": "must be a string of 1 to 128 characters"},
            {"field": "mysfitId", "reason": "is required"},
            {"field": "title", "reason": "must be a string of at most 512 characters"},
        ],
    }


def test_rejected_click_does_not_use_up_its_id(client: FlaskClient, stream: ListStream) -> None:
    clicks = [{"eventId": FIRST, "userId": "", "mysfitId": "1"}, {"eventId": FIRST, "mysfitId": "2"}]
    answer = client.post("/clicks", json=clicks)
    assert [receipt["result"] for receipt in answer.json["receipts"]] == ["rejected", "accepted"]
    assert stream.click["mysfitId"] == "2"


def test_clicks_without_id_are_given_different_ones(client: FlaskClient, stream: ListStream) -> None:
    receipts = client.post("/clicks", json=[{"mysfitId": "1"}] * 3).json["receipts"]
    ids = [receipt["eventId"] for receipt in receipts]
    assert len(set(ids)) == 3
    assert {UUID(event_id).version for event_id in ids} == {4}
    assert [click["eventId"] for click in stream.envelope["clicks"]] == ids


def test_one_bad_click_in_500_costs_one_click(client: FlaskClient, stream: ListStream) -> None:
    clicks: list[Any] = [
        {"mysfitId": str(index), "title": "x" * 600 if index == 7 else "x"} for index in range(500)
    ]
    clicks[250] = {"mysfitId": 250}
    answer = client.post("/clicks", json=clicks)
    assert (answer.json["accepted"], answer.json["rejected"]) == (499, 1)
    assert [r["index"] for r in answer.json["receipts"] if r["result"] == "rejected"] == [250]
    kept = {click["mysfitId"] for click in stream.envelope["clicks"]}
    assert kept == {str(index) for index in range(500)} - {"250"}


@pytest.mark.parametrize("count", [501, 20_000])
def test_more_than_500_clicks_are_refused_whole(client: FlaskClient, stream: ListStream, count: int) -> None:
    answer = client.post("/clicks", json=[{}] * count)
    assert answer.status_code == 413
    assert (answer.json["code"], answer.json["field"], answer.json["limit"]) == (
        "too_many_clicks",
        "clicks",
        500,
    )
    assert not stream.records
