"""Which pages may send clicks, and what a browser lets a page read."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from ingest_app import create_app
from ingest_app.aws.stream import Stream
from ingest_app.settings import IngestSettings
from tests.ingest_app.conftest import (
    BrokenStream,
    MakeClient,
    MemoryStream,
    UnavailableStream,
    json_of,
)

SHOP = "https://shop.example"

ONLY_SHOP = frozenset([SHOP, "https://www.shop.example:8443"])


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, 202),
        (SHOP, 202),
        ("HTTPS://SHOP.example", 202),
        ("https://www.shop.example:8443", 202),
        ("http://shop.example", 403),
        ("https://shop.example:8443", 403),
        ("https://shop.example.evil.example", 403),
        ("https://evil-shop.example", 403),
        ("null", 403),
        ("", 403),
        ("*", 403),
        (f"{SHOP}, {SHOP}", 403),
    ],
)
def test_only_listed_origins_may_send(
    make_client: MakeClient, stream: MemoryStream, origin: str | None, status: int
) -> None:
    headers = {} if origin is None else {"Origin": origin}
    client = make_client(allowed_origins=ONLY_SHOP)
    response = client.post("/clicks", data=b'{"mysfitId":"1"}', headers=headers)
    assert response.status_code == status
    assert len(stream.records) == (status == 202)
    if status == 403:
        assert json_of(response)["code"] == "origin_not_allowed"
    pixel = client.get("/clicks.gif?mysfitId=1", headers=headers)
    assert pixel.status_code == (204 if status == 202 else 403)


@pytest.mark.parametrize(
    "origin", [SHOP, "null", "http://localhost:8000", "https://bücher.example", "", None]
)
def test_every_origin_may_send_by_default(client: FlaskClient, origin: str | None) -> None:
    headers = {} if origin is None else {"Origin": origin}
    response = client.post("/clicks", data=b'{"mysfitId":"1"}', headers=headers)
    assert response.status_code == 202
    assert response.headers["Access-Control-Allow-Origin"] == "*"


CLICK = b'{"mysfitId":"1"}'
RESPONSES: list[tuple[int, str, str, dict[str, Any]]] = [
    (200, "GET", "/", {}),
    (200, "GET", "/health", {}),
    (200, "GET", "/openapi.json", {}),
    (202, "PUT", "/clicks", {"data": CLICK}),
    (202, "POST", "/clicks", {"data": CLICK}),
    (204, "GET", "/clicks.gif?mysfitId=1", {}),
    (204, "HEAD", "/clicks.gif", {}),
    (204, "OPTIONS", "/clicks", {}),
    (400, "PUT", "/clicks", {"data": b"{"}),
    (400, "GET", "/clicks.gif", {}),
    (404, "GET", "/nothing", {}),
    (404, "PUT", "/clicks/", {}),
    (404, "GET", "/a//b", {}),
    (404, "OPTIONS", "/nothing", {}),
    (405, "GET", "/clicks", {}),
    (405, "DELETE", "/health", {}),
    (405, "TRACE", "/clicks", {}),
    (413, "PUT", "/clicks", {"data": b" " * 262_145}),
    (415, "PUT", "/clicks", {"data": CLICK, "content_type": "application/x-www-form-urlencoded"}),
    (415, "PUT", "/clicks", {"data": CLICK, "headers": {"Content-Encoding": "gzip"}}),
]


@pytest.mark.parametrize(("status", "method", "path", "request_"), RESPONSES)
@pytest.mark.parametrize("allowed", [None, ONLY_SHOP])
def test_page_can_read_every_response(
    make_client: MakeClient,
    status: int,
    method: str,
    path: str,
    request_: dict[str, Any],
    allowed: frozenset[str] | None,
) -> None:
    headers = {"Origin": SHOP, **request_.get("headers", {})}
    client = make_client(allowed_origins=allowed)
    response = client.open(path, method=method, **{**request_, "headers": headers})
    assert response.status_code == status
    assert response.headers["Access-Control-Allow-Origin"] == (SHOP if allowed else "*")
    assert response.headers["Vary"] == "Origin"
    assert response.headers["Access-Control-Expose-Headers"] == "Retry-After"
    assert "Access-Control-Allow-Credentials" not in response.headers
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    kept = "public, max-age=3600" if path == "/openapi.json" and status == 200 else "no-store"
    assert response.headers.getlist("Cache-Control") == [kept]
    assert response.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert "Server" not in response.headers
    assert "X-Powered-By" not in response.headers


@pytest.mark.parametrize(("stream_", "status"), [(BrokenStream(), 500), (UnavailableStream(), 503)])
def test_page_can_read_the_response_to_our_own_failures(stream_: Stream, status: int) -> None:
    app = create_app(IngestSettings("clicks", allowed_origins=ONLY_SHOP), stream_)
    response = app.test_client().put("/clicks", data=CLICK, headers={"Origin": SHOP})
    assert response.status_code == status
    assert response.headers["Access-Control-Allow-Origin"] == SHOP
    assert response.headers["Vary"] == "Origin"


def test_refused_page_can_read_why(make_client: MakeClient) -> None:
    client = make_client(allowed_origins=ONLY_SHOP)
    response = client.post("/clicks", data=CLICK, headers={"Origin": "https://evil.example"})
    assert response.status_code == 403
    assert response.headers["Access-Control-Allow-Origin"] == "https://evil.example"


def test_preflight_of_a_refused_page_is_refused(make_client: MakeClient) -> None:
    client = make_client(allowed_origins=ONLY_SHOP)
    response = client.options("/clicks", headers={"Origin": "https://evil.example"})
    assert response.status_code == 403
    assert json_of(response)["code"] == "origin_not_allowed"
    assert "Access-Control-Allow-Origin" not in response.headers
    assert "Access-Control-Allow-Methods" not in response.headers


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/clicks", {"PUT", "POST", "OPTIONS"}),
        ("/clicks.gif", {"GET", "HEAD", "OPTIONS"}),
        ("/health", {"GET", "HEAD", "OPTIONS"}),
        ("/openapi.json", {"GET", "HEAD", "OPTIONS"}),
        ("/", {"GET", "HEAD", "OPTIONS"}),
    ],
)
def test_preflight_and_405_list_the_allowed_methods(
    client: FlaskClient, path: str, methods: set[str]
) -> None:
    preflight = client.options(path, headers={"Origin": SHOP, "Access-Control-Request-Method": "PUT"})
    assert preflight.status_code == 204
    assert set(preflight.headers["Access-Control-Allow-Methods"].split(", ")) == methods
    assert set(preflight.headers["Allow"].split(", ")) == methods
    assert preflight.headers["Access-Control-Max-Age"] == "7200"
    assert set(client.patch(path).headers["Allow"].split(", ")) == methods


@pytest.mark.parametrize(
    "origin", ["https://a.example\r\nX: y", "https://a b", "http://", "\x00", "https://h/path"]
)
def test_malformed_origin_is_not_echoed(make_client: MakeClient, origin: str) -> None:
    client = make_client(allowed_origins=ONLY_SHOP)
    response = client.get("/health", environ_overrides={"HTTP_ORIGIN": origin})
    assert response.status_code == 200
    assert "Access-Control-Allow-Origin" not in response.headers
