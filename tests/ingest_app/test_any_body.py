"""Laws that hold for every body: never a 5xx, and every click has one outcome."""

import json
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from ingest_app import create_app
from ingest_app.clicks import GoodPath, Vocabulary
from ingest_app.salvage import Salvage
from ingest_app.settings import Settings
from tests.ingest_app.conftest import ListStream
from tests.ingest_app.test_envelope import MAX_GROWTH_BYTES

ID = "0e2f7b8a-1f1d-4d3c-9a52-6b7f0a4c1d01"
FIELDS = [
    *("type", "userId", "mysfitId", "eventId", "occurredAt", "sessionId", "url", "referrer", "title"),
    *("element", "properties", "clicks", "sentAt", "tag", "id", "text", "href", "unknown"),
]
PLAUSIBLE = [
    *("click", "pageview", "guest", "", ID, ID.upper()),
    *("2026-11-24T02:38:01.500Z", "2026-11-24T02:38:01", "0001-01-01T00:00:00+01:00"),
    *("https://u:p@h/x?utm_source=a&b=c#d", "/x?y#z", "x" * 129, "x" * 513, "\x00", "🐉", "\u202e=cmd()"),
    *(0, -1, 1.5, 1e300, 10**400, True, None),
]  # fmt: skip

names = st.sampled_from(FIELDS) | st.text(max_size=5)
leaves = (
    st.sampled_from(PLAUSIBLE)
    | st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
)
anything = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=6),
    max_leaves=25,
)
clicks = st.fixed_dictionaries(
    {"mysfitId": st.just("1")},
    optional={name: anything for name in FIELDS if name not in ("mysfitId", "clicks")},
)
bodies = st.one_of(
    anything,
    clicks,
    st.lists(clicks | anything, max_size=6),
    st.fixed_dictionaries({"clicks": st.lists(clicks | anything, max_size=6)}, optional={"sentAt": anything}),
)


stream = ListStream()
client = create_app(Settings("clicks"), stream).test_client()


def post(body: bytes) -> Any:
    stream.records.clear()
    return client.post("/clicks", data=body)


def count_sent(value: Any) -> int:
    if isinstance(value, dict):
        value = value.get("clicks", [value])
    return len(value)


@settings(max_examples=150, deadline=None)
@given(bodies)
@example([{}] * 501)
@example({"clicks": [{"mysfitId": "1", "eventId": ID}] * 500})
def test_any_json_gets_receipts_that_add_up(value: Any) -> None:
    body = json.dumps(value).encode()
    answer = post(body)
    assert answer.status_code in (202, 400, 413)
    result = answer.json
    if answer.status_code == 202 or result["code"] == "no_valid_click":
        assert result["accepted"] + result["rejected"] + result["duplicates"] == count_sent(value)
    if answer.status_code != 202:
        assert not stream.records
        return
    results = [receipt["result"] for receipt in result["receipts"]]
    assert [receipt["index"] for receipt in result["receipts"]] == list(range(count_sent(value)))
    assert results.count("accepted") == result["accepted"] > 0
    assert results.count("rejected") == result["rejected"]
    assert results.count("duplicate") == result["duplicates"]
    accepted = [receipt["eventId"] for receipt in result["receipts"] if receipt["result"] == "accepted"]
    assert [click["eventId"] for click in stream.envelope["clicks"]] == accepted
    assert len(stream.records[0]) <= len(body) + MAX_GROWTH_BYTES


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200) | st.text(alphabet='{}[]",:\\u0dD8e1-. \n', max_size=80).map(str.encode))
def test_any_bytes_are_taken_or_refused(body: bytes) -> None:
    answer = post(body)
    assert answer.status_code in (202, 400)
    assert len(stream.records) == (answer.status_code == 202)


@settings(max_examples=100, deadline=None)
@given(bodies, st.data())
def test_json_that_was_damaged_is_taken_or_refused(value: Any, data: st.DataObject) -> None:
    body = bytearray(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    place = data.draw(st.integers(0, len(body)))
    body[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    assert post(bytes(body)).status_code in (202, 400, 413)


vocabulary = Vocabulary("mysfitId", keep_query=False)
good_path, salvage = GoodPath(vocabulary), Salvage(vocabulary)


@settings(max_examples=150, deadline=None)
@given(bodies)
def test_what_the_good_path_takes_the_slow_one_takes_alike(value: Any) -> None:
    body = json.dumps(value).encode()
    try:
        good = good_path.parse(body)
    except Exception:
        return
    assert salvage.parse(body) == good


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(names, st.sampled_from(PLAUSIBLE).map(str) | st.text(max_size=20), max_size=6))
def test_any_query_is_a_click_or_refused(query: dict[str, str]) -> None:
    stream.records.clear()
    answer = client.get("/clicks.gif", query_string=query)
    assert answer.status_code in (204, 400)
    assert len(stream.records) == (answer.status_code == 204)
