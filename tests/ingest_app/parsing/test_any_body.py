"""What holds for every body: the response is never a 5xx, and every click has one result."""

import json
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from ingest_app import create_app
from ingest_app.parsing.lenient import LenientParser
from ingest_app.parsing.schema import ClickSchema
from ingest_app.parsing.strict import StrictParser
from ingest_app.settings import IngestSettings
from tests.ingest_app.conftest import MemoryStream, json_of
from tests.ingest_app.test_envelope import MAX_GROWTH_BYTES

ID = "0e2f7b8a-1f1d-4d3c-9a52-6b7f0a4c1d01"
FIELDS = [
    *("type", "userId", "itemId", "mysfitId", "eventId", "occurredAt", "sessionId", "url", "referrer"),
    *("title", "element", "properties", "clicks", "sentAt", "unknown"),
    *("tag", "id", "text", "href", "name", "selector"),
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


stream = MemoryStream()
client = create_app(IngestSettings("clicks"), stream).test_client()


def post(body: bytes) -> Any:
    stream.records.clear()
    return client.post("/clicks", data=body)


def count_sent(value: Any) -> int:
    if isinstance(value, dict):
        value = value.get("clicks", [value])
    return len(value)


@settings(max_examples=60)
@given(bodies)
@example([{}] * 501)
@example({"clicks": [{"mysfitId": "1", "eventId": ID}] * 500})
def test_receipts_of_any_json_add_up(value: Any) -> None:
    body = json.dumps(value).encode()
    response = post(body)
    assert response.status_code in (202, 400, 413)
    result = json_of(response)
    if response.status_code == 202 or result["code"] == "no_valid_click":
        assert result["accepted"] + result["rejected"] + result["duplicates"] == count_sent(value)
    if response.status_code != 202:
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


@settings(max_examples=150)
@given(st.binary(max_size=200) | st.text(alphabet='{}[]",:\\u0dD8e1-. \n', max_size=80).map(str.encode))
def test_any_bytes_are_accepted_or_refused(body: bytes) -> None:
    response = post(body)
    assert response.status_code in (202, 400)
    assert len(stream.records) == (response.status_code == 202)


@settings(max_examples=50)
@given(bodies, st.data())
def test_damaged_json_is_accepted_or_refused(value: Any, data: st.DataObject) -> None:
    body = bytearray(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    place = data.draw(st.integers(0, len(body)))
    body[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    assert post(bytes(body)).status_code in (202, 400, 413)


schema = ClickSchema(IngestSettings("clicks"))
strict, lenient = StrictParser(schema), LenientParser(schema)


@settings(max_examples=60)
@given(bodies)
def test_lenient_parser_agrees_with_the_strict_parser(value: Any) -> None:
    body = json.dumps(value).encode()
    try:
        parsed = strict.parse(body)
    except StrictParser.ERRORS:
        return
    assert lenient.parse(body) == parsed


@settings(max_examples=150)
@given(st.dictionaries(names, st.sampled_from(PLAUSIBLE).map(str) | st.text(max_size=20), max_size=6))
def test_any_query_is_accepted_or_refused(query: dict[str, str]) -> None:
    stream.records.clear()
    response = client.get("/clicks.gif", query_string=query)
    assert response.status_code in (200, 400)
    assert len(stream.records) == (response.status_code == 200)
