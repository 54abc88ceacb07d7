"""What each GPC_MODE keeps of a sender and a click, field by field."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.ingest_app.conftest import MakeClient, MemoryKeyStore, MemoryStream, json_of

CLICK: dict[str, Any] = {
    "type": "click",
    "userId": "u-17",
    "mysfitId": "1",
    "eventId": "0e2f7b8a-1f1d-4d3c-9a52-6b7f0a4c1d01",
    "occurredAt": "2026-11-24T02:38:01.500Z",
    "sessionId": "s-1",
    "url": "https://u:p@mysfits.example/x?utm_source=news&q=1#f",
    "referrer": "https://search.example/?gclid=a&q=secret",
    "title": "Mythical Mysfits",
    "element": {"tag": "a", "id": "b", "text": "c", "href": "/d?utm_source=news&q=1#f"},
    "properties": {"position": 3},
}
KEPT = {
    **CLICK,
    "url": "https://mysfits.example/x?utm_source=news",
    "referrer": "https://search.example/?gclid=a",
    "element": {"tag": "a", "id": "b", "text": "c", "href": "/d?utm_source=news"},
    "properties": {"position": "3"},
}
STRIPPED = {
    "type": "click",
    "userId": "guest",
    "mysfitId": "1",
    "eventId": CLICK["eventId"],
    "occurredAt": CLICK["occurredAt"],
    "url": "https://mysfits.example/x",
    "referrer": "https://search.example/",
    "element": {"tag": "a", "id": "b", "text": "c", "href": "/d"},
}
SIGNALS = [({"Sec-GPC": "1"}, "gpc"), ({"DNT": "1"}, "dnt"), ({"Sec-GPC": "1", "DNT": "1"}, "gpc")]
SIGNALS += [({"Sec-GPC": "1,1"}, "gpc"), ({"Sec-GPC": "0, 1"}, "gpc"), ({"DNT": "1, 1"}, "dnt")]


def head_of(stream: MemoryStream) -> dict[str, Any]:
    return {
        name: stream.envelope[name] for name in ("address", "visitorId", "privacy", "userAgent", "country")
    }


@pytest.mark.parametrize(("headers", "signal"), SIGNALS)
def test_strip_keeps_the_click_without_its_visitor(
    make_client: MakeClient, stream: MemoryStream, headers: dict[str, str], signal: str
) -> None:
    client = make_client(MemoryKeyStore(), keep_query=True, edge_secret=b"edge")
    edge = {"X-Clicklake-Edge": "edge", "CloudFront-Viewer-Country": "DE", "User-Agent": "Agent/1"}
    response = client.put("/clicks", json=CLICK, headers={**headers, **edge})
    assert response.status_code == 202
    assert stream.click == STRIPPED
    assert head_of(stream) == {
        "address": None,
        "visitorId": None,
        "privacy": signal,
        "userAgent": "Agent/1",
        "country": "DE",
    }


@pytest.mark.parametrize("method", ["put", "get"])
@pytest.mark.parametrize(("headers", "signal"), SIGNALS)
def test_refuse_accepts_no_click_and_names_the_signal(
    make_client: MakeClient, stream: MemoryStream, headers: dict[str, str], signal: str, method: str
) -> None:
    client = make_client(gpc_mode="refuse")
    response = (
        client.put("/clicks", json=CLICK, headers=headers)
        if method == "put"
        else client.get("/clicks.gif?mysfitId=1", headers=headers)
    )
    assert response.status_code == 403
    assert json_of(response)["code"] == "privacy_signal"
    assert json_of(response)["field"] == {"gpc": "Sec-GPC", "dnt": "DNT"}[signal]
    assert not stream.records


@pytest.mark.parametrize(
    ("settings", "headers"),
    [
        ({"gpc_mode": "ignore"}, {"Sec-GPC": "1", "DNT": "1"}),
        ({"gpc_mode": "strip"}, {"Sec-GPC": "0", "DNT": "0"}),
        ({"gpc_mode": "refuse"}, {"DNT": "null"}),
        ({"gpc_mode": "strip"}, {}),
    ],
)
def test_everything_is_kept_without_a_signal_or_if_it_is_ignored(
    make_client: MakeClient, stream: MemoryStream, settings: dict[str, Any], headers: dict[str, str]
) -> None:
    client = make_client(MemoryKeyStore(), **settings)
    client.put("/clicks", json=CLICK, headers=headers)
    assert stream.click == KEPT
    assert stream.envelope["privacy"] is None
    assert stream.envelope["address"] == "127.0.0.0"
    assert len(stream.envelope["visitorId"]) == 64


def test_keep_query_keeps_the_query_but_no_fragment(make_client: MakeClient, stream: MemoryStream) -> None:
    make_client(keep_query=True).put("/clicks", json=CLICK)
    assert stream.click["url"] == "https://mysfits.example/x?utm_source=news&q=1"
    assert stream.click["referrer"] == "https://search.example/?gclid=a&q=secret"
    assert stream.click["element"]["href"] == "/d?utm_source=news&q=1"


def test_signal_does_not_change_the_receipts(client: FlaskClient) -> None:
    (receipt,) = json_of(client.put("/clicks", json=CLICK, headers={"Sec-GPC": "1"}))["receipts"]
    assert receipt == {"index": 0, "eventId": CLICK["eventId"], "result": "accepted"}
