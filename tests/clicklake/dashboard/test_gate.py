"""Without the key nothing is seen, nor under another name than this machine's."""

import pytest
from flask import Flask, request
from flask.testing import FlaskClient

from clicklake.dashboard.access.token_gate import TokenGate, new_token

PORT = 4569
KEY = "k" * 43  # a random one would give the tests other names in each process
HOST = f"127.0.0.1:{PORT}"
COOKIE = f"clicklake-dashboard-{PORT}"
FOREIGN = ["evil.example", "evil.example:4569", "127.0.0.1", "127.0.0.1:80", "", "127.0.0.1.evil:4569"]


@pytest.fixture
def client() -> FlaskClient:
    app = Flask(__name__, root_path="/")
    gate = TokenGate(PORT, KEY)
    app.before_request(lambda: gate.check(request))
    app.add_url_rule("/", view_func=lambda: "the figures")
    app.add_url_rule("/health", view_func=lambda: "ok", endpoint="health")
    return app.test_client(use_cookies=False)


@pytest.mark.parametrize(
    "cookie", ["", "clicklake-dashboard-4569=", "clicklake-dashboard-4569=x", f"other={KEY}"]
)
@pytest.mark.parametrize(
    "path", ["/", "/?period=today", "/?token=", "/?token=x", f"/?token={KEY[:-1]}", "/nowhere"]
)
def test_without_the_key_nothing_is_seen(client: FlaskClient, path: str, cookie: str) -> None:
    answer = client.get(path, headers={"Host": HOST, "Cookie": cookie})
    assert answer.status_code == 401
    assert "figures" not in answer.text
    assert "clicklake dashboard" in answer.text


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:4569", "127.0.0.1", "127.0.0.1:80", "", "127.0.0.1.evil:4569"]
)
@pytest.mark.parametrize("path", ["/", f"/?token={KEY}", "/health"])
def test_under_a_foreign_name_nothing_is_seen(client: FlaskClient, host: str, path: str) -> None:
    headers = {"Host": host, "Cookie": f"clicklake-dashboard-{PORT}={KEY}"}
    answer = client.get(path, headers=headers)
    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers


def test_key_of_the_address_becomes_a_cookie_and_leaves_the_address(client: FlaskClient) -> None:
    answer = client.get(f"/?is=country:DE&token={KEY}&period=today", headers={"Host": HOST})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/?is=country%3ADE&period=today")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith(f"clicklake-dashboard-{PORT}={KEY};")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert KEY not in answer.headers["Location"]


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_whoever_has_the_cookie_sees_the_page(client: FlaskClient, name: str) -> None:
    headers = {"Host": f"{name}:{PORT}", "Cookie": f"clicklake-dashboard-{PORT}={KEY}"}
    assert client.get("/", headers=headers).text == "the figures"


def test_health_needs_no_key(client: FlaskClient) -> None:
    assert client.get("/health", headers={"Host": HOST}).text == "ok"


def test_key_is_in_no_message_of_ours() -> None:
    assert KEY not in repr(TokenGate(PORT, KEY))
    assert len(new_token()) >= 43
    assert new_token() != new_token()


@pytest.mark.parametrize("path", ["//evil.example/%0d%0aSet-Cookie:x=y", "/%0a", "/%ff", "/%E2%80%A8"])
def test_a_strange_path_with_the_key_stays_a_path_of_ours(client: FlaskClient, path: str) -> None:
    answer = client.get(f"{path}?token={KEY}", headers={"Host": HOST})
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/")
    assert not answer.headers["Location"].startswith("//")
