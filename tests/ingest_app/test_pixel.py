"""The pixel: what it answers, and which requests are clicks."""

import struct

import pytest
from flask.testing import FlaskClient

from tests.ingest_app.conftest import MakeClient, MemoryStream

PIXEL = "/clicks.gif?mysfitId=1"


def test_click_is_answered_with_a_gif_of_one_pixel(client: FlaskClient, stream: MemoryStream) -> None:
    response = client.get(PIXEL)
    assert (response.status_code, response.mimetype, len(response.data)) == (200, "image/gif", 43)
    assert response.headers["Cache-Control"] == "no-store"
    signature, width, height = struct.unpack("<6sHH", response.data[:10])
    assert (signature, width, height, response.data[-1:]) == (b"GIF89a", 1, 1, b";")
    assert len(stream.records) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Purpose": "prefetch"},
        {"Sec-Purpose": "prefetch;prerender"},
        {"Sec-Purpose": "prefetch;anonymous-client-ip"},
        {"Sec-Purpose": "Prefetch ; prerender"},
        {"Sec-Purpose": "other, prefetch"},
        {"Purpose": "prefetch"},
        {"Purpose": "preview"},
        {"X-Purpose": "preview"},
        {"X-Moz": "prefetch"},
    ],
)
@pytest.mark.parametrize("path", [PIXEL, "/clicks.gif"])
def test_prefetch_gets_the_gif_and_is_not_a_click(
    client: FlaskClient, stream: MemoryStream, path: str, headers: dict[str, str]
) -> None:
    response = client.get(path, headers=headers)
    assert (response.status_code, len(response.data)) == (200, 43)
    assert response.headers["Cache-Control"] == "no-store"
    assert not stream.records


@pytest.mark.parametrize("value", ["", "navigate", "prefetched", ";prefetch", "no prefetch"])
@pytest.mark.parametrize("header", ["Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"])
def test_other_purposes_are_clicks(
    client: FlaskClient, stream: MemoryStream, header: str, value: str
) -> None:
    assert client.get(PIXEL, headers={header: value}).status_code == 200
    assert len(stream.records) == 1


def test_batch_of_the_tracker_is_accepted_whatever_its_purpose(
    client: FlaskClient, stream: MemoryStream
) -> None:
    """The tracker sends nothing before a page is shown."""
    response = client.post("/clicks", json={"mysfitId": "1"}, headers={"Sec-Purpose": "prefetch"})
    assert response.status_code == 202
    assert len(stream.records) == 1


def test_head_is_not_a_click(client: FlaskClient, stream: MemoryStream) -> None:
    response = client.head(PIXEL)
    assert (response.status_code, response.mimetype, response.data) == (200, "image/gif", b"")
    assert not stream.records


def test_prefetch_that_sends_a_refused_signal_is_refused(make_client: MakeClient) -> None:
    client = make_client(gpc_mode="refuse")
    assert client.get(PIXEL, headers={"Sec-Purpose": "prefetch", "Sec-GPC": "1"}).status_code == 403


@pytest.mark.parametrize(
    "query",
    [
        "occurredAt=2026-11-24T03:38:01+01:00&mysfitId=1",  # a plus sign that was not encoded
        "occurredAt=2026-11-24T03:38:01%2B01:00&amp;mysfitId=1",  # HTML that was escaped twice
    ],
)
def test_query_that_a_template_has_not_encoded_is_understood(
    client: FlaskClient, stream: MemoryStream, query: str
) -> None:
    assert client.get(f"/clicks.gif?{query}").status_code == 200
    assert stream.click["occurredAt"] == "2026-11-24T02:38:01.000Z"
    assert stream.click["mysfitId"] == "1"


def test_time_without_an_offset_is_dropped(client: FlaskClient, stream: MemoryStream) -> None:
    client.get("/clicks.gif?mysfitId=1&occurredAt=2026-11-24+03:38")
    assert "occurredAt" not in stream.click
