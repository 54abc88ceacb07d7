"""REQUIRE_EDGE refuses what does not come by CloudFront, so that nobody goes round its firewall."""

import pytest

from tests.ingest_app.conftest import MakeClient, MemoryStream, json_of

CLICK = b'{"itemId":"1"}'
REQUESTS = [
    ("PUT", "/clicks"),
    ("POST", "/clicks"),
    ("OPTIONS", "/clicks"),
    ("GET", "/clicks.gif?itemId=1"),
    ("HEAD", "/clicks.gif?itemId=1"),
    ("GET", "/openapi.json"),
    ("GET", "/"),
]


@pytest.mark.parametrize(("method", "path"), REQUESTS)
@pytest.mark.parametrize("secret", [None, "", "wrong", "new,old"])
def test_request_without_the_secret_is_refused(
    make_client: MakeClient, stream: MemoryStream, method: str, path: str, secret: str | None
) -> None:
    client = make_client(require_edge=True, edge_secret=b"new,old")
    headers = {} if secret is None else {"X-Clicklake-Edge": secret}
    response = client.open(
        path, method=method, data=CLICK if method in ("PUT", "POST") else None, headers=headers
    )
    assert response.status_code == 403
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert method == "HEAD" or json_of(response)["code"] == "edge_required"
    assert not stream.records


@pytest.mark.parametrize(("method", "path"), REQUESTS)
@pytest.mark.parametrize("secret", ["new", "old"])
def test_request_with_either_secret_is_answered(
    make_client: MakeClient, method: str, path: str, secret: str
) -> None:
    client = make_client(require_edge=True, edge_secret=b"new,old")
    data = CLICK if method in ("PUT", "POST") else None
    response = client.open(path, method=method, data=data, headers={"X-Clicklake-Edge": secret})
    assert response.status_code < 300


def test_health_is_answered_without_the_secret(make_client: MakeClient) -> None:
    """It is what a cold start asks itself."""
    assert make_client(require_edge=True, edge_secret=b"x").get("/health").status_code == 200


@pytest.mark.parametrize("method", ["PUT", "POST", "GET"])
def test_upgrade_header_means_nothing(make_client: MakeClient, method: str) -> None:
    headers = {"Connection": "Upgrade", "Upgrade": "websocket"}
    path = "/clicks" if method != "GET" else "/clicks.gif?itemId=1"
    response = make_client().open(
        path, method=method, data=CLICK if method != "GET" else None, headers=headers
    )
    assert response.status_code in (202, 204)
