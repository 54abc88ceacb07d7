"""The response tells the page what became of each click."""

from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from tests.ingest_app.conftest import MemoryStream, json_of

FIRST = "0e2f7b8a-1f1d-4d3c-9a52-6b7f0a4c1d01"
SECOND = "0e2f7b8a-1f1d-4d3c-9a52-6b7f0a4c1d02"


def test_every_click_has_a_receipt_with_its_index(client: FlaskClient, stream: MemoryStream) -> None:
    clicks = [
        {"mysfitId": "1", "eventId": FIRST},
        {"mysfitId": "2", "eventId": FIRST.upper()},
        {"userId": "u-17"},
        {"mysfitId": "4", "eventId": SECOND, "userId": ""},
    ]
    response = client.post("/clicks", json=clicks)
    assert response.status_code == 202
    assert json_of(response) == {
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


def test_receipt_of_a_rejected_click_lists_all_its_errors(client: FlaskClient) -> None:
    response = client.post("/clicks", json=[{"mysfitId": "1"}, {"userId": "", "title": 5}])
    assert json_of(response)["receipts"][1] == {
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


def test_rejected_click_does_not_use_its_event_id(client: FlaskClient, stream: MemoryStream) -> None:
    clicks = [{"eventId": FIRST, "userId": "", "mysfitId": "1"}, {"eventId": FIRST, "mysfitId": "2"}]
    response = client.post("/clicks", json=clicks)
    assert [receipt["result"] for receipt in json_of(response)["receipts"]] == ["rejected", "accepted"]
    assert stream.click["mysfitId"] == "2"


def test_clicks_without_an_id_get_different_ids(client: FlaskClient, stream: MemoryStream) -> None:
    receipts = json_of(client.post("/clicks", json=[{"mysfitId": "1"}] * 3))["receipts"]
    ids = [receipt["eventId"] for receipt in receipts]
    assert len(set(ids)) == 3
    assert {UUID(event_id).version for event_id in ids} == {4}
    assert [click["eventId"] for click in stream.envelope["clicks"]] == ids


def test_one_bad_click_in_500_is_the_only_one_rejected(client: FlaskClient, stream: MemoryStream) -> None:
    clicks: list[Any] = [
        {"mysfitId": str(index), "title": "x" * 600 if index == 7 else "x"} for index in range(500)
    ]
    clicks[250] = {"mysfitId": 250}
    response = client.post("/clicks", json=clicks)
    assert (json_of(response)["accepted"], json_of(response)["rejected"]) == (499, 1)
    assert [r["index"] for r in json_of(response)["receipts"] if r["result"] == "rejected"] == [250]
    kept = {click["mysfitId"] for click in stream.envelope["clicks"]}
    assert kept == {str(index) for index in range(500)} - {"250"}


@pytest.mark.parametrize("count", [501, 20_000])
def test_more_than_500_clicks_are_refused(client: FlaskClient, stream: MemoryStream, count: int) -> None:
    response = client.post("/clicks", json=[{}] * count)
    assert response.status_code == 413
    assert (json_of(response)["code"], json_of(response)["field"], json_of(response)["limit"]) == (
        "too_many_clicks",
        "clicks",
        500,
    )
    assert not stream.records
