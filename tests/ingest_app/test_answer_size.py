"""No answer is much larger than its request: at most the body, 4 KB, and 90 bytes for each click."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest_app import create_app
from ingest_app.parsing.body import MAX_BODY_BYTES
from ingest_app.problems import MAX_NAMED_ERRORS
from ingest_app.receipts import (
    _RECEIPT_BYTES,
    MAX_ANSWER_BYTES_PER_CLICK,
    MAX_ANSWER_HEAD_BYTES,
    MAX_DETAIL_BYTES,
)
from ingest_app.settings import IngestSettings
from tests.ingest_app.conftest import MakeClient, MemoryStream, json_of

JUNK = [f"{chr(97 + number // 26)}{chr(97 + number % 26)}" for number in range(76)]
LONG_ALIAS = "a" * 64
ID = "0e2f7b8a-1f1d-4d3c-9a52-6b7f0a4c1d01"


def count_clicks(value: Any) -> int:
    if isinstance(value, dict):
        value = value.get("clicks", [value])
    return len(value) if isinstance(value, list) else 0


def assert_bounded(response: Any, body: bytes, clicks: int) -> None:
    clicks = min(clicks, 500)
    limit = len(body) + MAX_ANSWER_HEAD_BYTES + MAX_ANSWER_BYTES_PER_CLICK * clicks
    assert len(response.data) <= limit, f"{len(body):,} B in, {len(response.data):,} B out"
    used = min(len(body), MAX_DETAIL_BYTES) + MAX_ANSWER_HEAD_BYTES + MAX_ANSWER_BYTES_PER_CLICK * clicks
    assert len(response.data) <= used, f"{len(response.data):,} B out, {used:,} B at most"


HOSTILE: dict[str, list[Any]] = {
    "S4: junk fields, no click is valid": [dict.fromkeys(JUNK, 1)] * 500,
    "S4: junk fields, all are accepted": [{"type": "a"} | dict.fromkeys(JUNK[:70], 1)] * 500,
    "numbers for clicks": [5] * 500,
    "empty clicks": [{}] * 500,
    "the longest reason": [{"type": 5}] * 500,
    "every field invalid": [
        dict.fromkeys(["type", "userId", "eventId", "occurredAt", "url", "title", "element"], 5)
    ]
    * 500,
    "names of one letter": [{"type": "a", "z": 1}] * 500,
    "properties that are no scalars": [{"type": "a", "properties": {name: [] for name in JUNK[:32]}}] * 500,
    "element with junk": [{"type": "a", "element": dict.fromkeys(JUNK, 1)}] * 500,
    "long names": [{"type": "a", "x" * 400: 1}] * 500,
    "names of control characters": [{"type": "a", "\x01\n" * 60: 1}] * 500,
    "names of four bytes a character": [{"type": "a", "🐉" * 60: 1}] * 500,
    "duplicates": [{"type": "a", "eventId": ID}] * 500,
    "duplicates with junk": [{"type": "a", "eventId": ID, "z": 1}] * 500,
    "one click": [{"type": "a"} | {f"{number:x}": 1 for number in range(20_000)}],
}


@pytest.mark.parametrize("alias", ["mysfitId", LONG_ALIAS])
@pytest.mark.parametrize("clicks", HOSTILE.values(), ids=HOSTILE)
def test_hostile_clicks_get_a_bounded_answer(make_client: MakeClient, clicks: list[Any], alias: str) -> None:
    body = json.dumps(clicks, separators=(",", ":"), ensure_ascii=False).encode()[:MAX_BODY_BYTES]
    if len(body) == MAX_BODY_BYTES:
        cut = MAX_BODY_BYTES // (len(json.dumps(clicks[0], separators=(",", ":"))) + 1)
        body = json.dumps(clicks[:cut], separators=(",", ":")).encode()
    response = make_client(item_id_field=alias).put("/clicks", data=body)
    assert response.status_code in (202, 400)
    assert_bounded(response, body, len(clicks))


def test_junk_beside_clicks_gets_a_bounded_answer(client: FlaskClient) -> None:
    body = json.dumps({"clicks": [{"type": "a"}], **{f"{n:x}": 1 for n in range(20_000)}}).encode()
    response = client.put("/clicks", data=body)
    assert_bounded(response, body, 1)
    assert len(json_of(response)["ignored"]) == MAX_NAMED_ERRORS
    assert json_of(response)["more"] == 20_000 - MAX_NAMED_ERRORS


@pytest.mark.parametrize(
    ("path", "method"), [("/", "GET"), ("/nothing", "GET"), ("/clicks", "M" * 5000), ("/health", "PUT")]
)
def test_other_answers_are_bounded_too(client: FlaskClient, path: str, method: str) -> None:
    assert len(client.open(path, method=method).data) <= MAX_ANSWER_HEAD_BYTES


@pytest.mark.parametrize("name", ["x" * 5000, "\x00" * 2000, "🐉" * 1000])
def test_pixel_cuts_the_names_that_it_echoes(client: FlaskClient, name: str) -> None:
    response = client.get("/clicks.gif", query_string={name: "1", "type": "click"})
    assert response.status_code == 400
    assert len(response.data) <= MAX_ANSWER_HEAD_BYTES


stream = MemoryStream()
plain_client = create_app(IngestSettings("clicks"), stream).test_client()
values: st.SearchStrategy[Any] = st.sampled_from([5, "", "x" * 600, [], {}, None, True, 1e300, "a", ID])
names = st.sampled_from(
    ["type", "userId", "itemId", "mysfitId", "eventId", "url", "title", "occurredAt", "sentAt", "x"]
) | st.text(max_size=80)
objects = st.dictionaries(names, values | st.dictionaries(names, values, max_size=40), max_size=20)
bodies = st.lists(objects | values, max_size=30) | st.fixed_dictionaries(
    {"clicks": st.lists(objects, max_size=30)}, optional={"sentAt": values, "z": values, "\n" * 70: values}
)


@settings(max_examples=50, deadline=None)
@given(bodies, st.integers(1, 20))
def test_answer_to_any_json_is_bounded(value: Any, times: int) -> None:
    value = value * times if isinstance(value, list) else value
    body = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    response = plain_client.post("/clicks", data=body)
    assert_bounded(response, body, count_clicks(value))


@settings(max_examples=30, deadline=None)
@given(bodies)
def test_what_is_not_named_is_counted(value: Any) -> None:
    """The named and the unnamed errors are as many as without a bound."""
    result = json_of(plain_client.post("/clicks", json=value))
    if "receipts" not in result:
        return
    for receipt in result["receipts"]:
        named = len(receipt.get("errors", receipt.get("ignored", [])))
        assert named <= MAX_NAMED_ERRORS
        assert receipt.get("more", 1) > 0
    assert result.get("more", 0) >= sum(receipt.get("more", 0) for receipt in result["receipts"])


def test_receipts_are_no_longer_than_the_sum_assumes(client: FlaskClient) -> None:
    clicks: list[Any] = [{"type": "a"}] * 498 + [{"type": "a", "eventId": ID}] * 2
    receipts = json_of(client.put("/clicks", json=clicks))["receipts"]
    for receipt in (receipts[497], receipts[499]):
        size = len(json.dumps(receipt, separators=(",", ":"))) + 1
        assert size <= _RECEIPT_BYTES[receipt["result"]]
    rejected = {"index": 499, "eventId": ID, "result": "rejected"}
    assert len(json.dumps(rejected, separators=(",", ":"))) + 1 <= _RECEIPT_BYTES["rejected"]


def test_response_says_how_many_errors_it_does_not_name(client: FlaskClient) -> None:
    click = {"type": "a"} | dict.fromkeys("bcdefghijklm", 1)
    (receipt,) = json_of(client.put("/clicks", json=click))["receipts"]
    assert [error["field"] for error in receipt["ignored"]] == list("bcdefghi")
    assert receipt["more"] == 4


def test_rejected_click_keeps_the_errors_that_reject_it(client: FlaskClient) -> None:
    click = {**dict.fromkeys("bcdefghijklm", 1), "type": "A", "eventId": "?"}
    problem = json_of(client.put("/clicks", json=click))
    assert [error["field"] for error in problem["errors"]][:2] == ["eventId", "type"]
    assert len(problem["errors"]) == MAX_NAMED_ERRORS
    assert problem["more"] == 14 - MAX_NAMED_ERRORS


def test_description_is_kept_by_caches(client: FlaskClient) -> None:
    first = client.get("/openapi.json")
    assert first.headers["Cache-Control"] == "public, max-age=3600"
    again = client.get("/openapi.json", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    changed = client.get("/openapi.json", headers={"If-None-Match": '"other"'})
    assert changed.status_code == 200
