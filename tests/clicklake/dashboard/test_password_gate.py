"""Who may see a deployed dashboard: whoever knows the password, and guests with a link to one view."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask

from clicklake.dashboard.access import password as password_module
from clicklake.dashboard.access import sign_in
from clicklake.dashboard.access.attempts import TRIES_OF_ONE, TRIES_OF_STRANGERS, WINDOW
from clicklake.dashboard.access.password import is_right, parse_password, password_document
from clicklake.dashboard.access.sign_in import LINK_LIFETIME, SESSION
from clicklake.dashboard.answers.duckdb_answers import DuckdbAnswers
from clicklake.dashboard.shared_state import SharedState
from clicklake.errors import CommandError
from clicklake.lake.bucket import Lake
from tests.clicklake.dashboard.conftest import ATTRIBUTES, NOW
from tests.clicklake.dashboard.gated import (
    HOST,
    HOW,
    PASSWORD,
    Visitor,
    cookies_of,
    gated_app,
    hidden,
    set_password,
)
from tests.support.day import Day
from tests.support.emulator import Emulator

pytestmark = pytest.mark.emulator

EVERYTHING = [
    "/",
    "/panel/items",
    "/panel/items.csv",
    "/newest",
    "/static/dashboard.js",
    "/nowhere",
    "/share",
]
DAY = "from=2026-11-19&to=2026-11-19"


class GateClock:
    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> GateClock:
    return GateClock()


@pytest.fixture
def gated_lake(day: Day, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lake]:
    """A lake whose dashboard has a password, and remembers nothing else."""
    monkeypatch.setattr(sign_in, "PASSWORD_SECONDS", 0.0)
    monkeypatch.setattr(password_module, "METHOD", "scrypt:1024:8:1")  # the rules are the same, and quick
    lake = Lake(day.lake.bucket, {}, day.lake.s3)
    set_password(lake, PASSWORD, NOW)
    yield lake
    lake.delete([found.key for found in lake.objects("dashboard/")])


@pytest.fixture
def app(gated_lake: Lake, clock: GateClock) -> Iterator[Flask]:
    answers = DuckdbAnswers(gated_lake, ATTRIBUTES, lambda: NOW)
    yield gated_app(answers, gated_lake, clock, HOST)
    answers.close()


@pytest.fixture
def visitor(app: Flask) -> Visitor:
    return Visitor(app)


@pytest.fixture
def member(visitor: Visitor) -> Visitor:
    assert visitor.log_in().status_code == 303
    return visitor


# --- nothing without the password ---


@pytest.mark.parametrize("path", EVERYTHING)
def test_nothing_is_seen_without_the_password(path: str, visitor: Visitor) -> None:
    answer = visitor.get(path)
    assert answer.status_code == (303 if path == "/" else 401)
    assert "figures" not in answer.text
    visitor.client.set_cookie("clicklake-session", "WyJhIiwxXQ.x", domain=HOST)
    assert visitor.get(path).status_code == answer.status_code


@pytest.mark.parametrize("path", ["/health", *sorted(sign_in.STYLE), "/log-in"])
def test_what_the_log_in_needs_is_public(path: str, visitor: Visitor) -> None:
    answer = visitor.get(path)
    assert answer.status_code == 200
    answer.close()


@pytest.mark.parametrize("path", ["/", "/health", "/log-in", "/panel/items"])
def test_another_name_leads_nowhere(path: str, member: Visitor) -> None:
    assert member.get(path, base_url="https://evil.example").status_code == 403


@pytest.mark.parametrize("path", [*EVERYTHING, "/log-in"])
def test_without_a_password_every_page_says_how_to_set_one(
    path: str, visitor: Visitor, gated_lake: Lake
) -> None:
    gated_lake.delete(["dashboard/password.json"])
    answer = visitor.get(path)
    assert answer.status_code == 503
    assert HOW in answer.text
    assert visitor.get("/health").status_code == 200


@pytest.mark.parametrize(
    "stored", [b"", b"[]", b'{"hash": "x"}', b'{"hash": "plain$$a", "signingKey": "AAAA"}', b"\xff"]
)
def test_a_damaged_password_lets_nobody_in(stored: bytes, visitor: Visitor, gated_lake: Lake) -> None:
    gated_lake.s3.put_object(Bucket=gated_lake.bucket, Key="dashboard/password.json", Body=stored)
    assert visitor.get("/log-in").status_code == 503


@pytest.mark.parametrize("path", ["/", "/log-in", "/panel/items"])
def test_a_stranger_reads_no_reason_that_names_the_bucket(path: str, day: Day, clock: GateClock) -> None:
    missing = Lake("no-such-bucket-anywhere", {}, day.lake.s3)
    answers = DuckdbAnswers(missing, ATTRIBUTES, lambda: NOW)
    answer = Visitor(gated_app(answers, missing, clock, HOST)).get(path)
    answers.close()
    assert answer.status_code == 503
    assert "The lake cannot be read: the log of the dashboard says why" in answer.text
    assert "no-such-bucket" not in answer.text


# --- the log-in ---


def test_the_password_opens_the_view_that_was_asked_for(visitor: Visitor) -> None:
    sent = visitor.get("/?period=today&is=country:DE")
    assert sent.headers["Location"].startswith("log-in?view=")
    opened = visitor.log_in(path=f"/{sent.headers['Location']}")
    assert (opened.status_code, opened.headers["Location"]) == (303, "./?period=today&is=country%3ADE")
    assert visitor.get("/?period=today").status_code == 200
    assert visitor.get(f"/panel/items?{DAY}").status_code == 200


@pytest.mark.parametrize(
    "view", ["//evil.example", "https://evil.example", "?x=//evil.example", "javascript:1"]
)
def test_the_log_in_leads_to_no_other_site(view: str, visitor: Visitor) -> None:
    form = hidden(visitor.get("/log-in")) | {"password": PASSWORD, "view": view}
    assert visitor.post("/log-in", form).headers["Location"] == "./"


def test_cookies_are_for_the_browser_alone(visitor: Visitor) -> None:
    found = cookies_of(visitor.log_in())
    assert set(found) == {"clicklake-session", "clicklake-device"}
    for cookie in found.values():
        for attribute in ("Secure", "HttpOnly", "SameSite=Lax", "Max-Age="):
            assert attribute in cookie


def test_a_session_expires(member: Visitor, clock: GateClock) -> None:
    clock.at += SESSION - timedelta(seconds=1)
    assert member.get("/").status_code == 200
    clock.at += timedelta(seconds=2)
    assert member.get("/panel/items").status_code == 401


def test_logging_out_ends_the_session(member: Visitor) -> None:
    form = hidden(member.get(f"/?{DAY}"), "Log out")
    out = member.post("/log-out", form)
    assert (out.status_code, out.headers["Location"]) == (303, "log-in")
    assert member.get("/panel/items").status_code == 401


def test_a_new_password_ends_all_sessions_and_links(
    member: Visitor, app: Flask, gated_lake: Lake, clock: GateClock
) -> None:
    link = link_of(member)
    assert Visitor(app).get(link).status_code == 200
    set_password(gated_lake, "another dozen dragons", clock())
    assert member.get("/panel/items").status_code == 401
    assert Visitor(app).get(link).status_code == 403
    assert member.log_in().status_code == 401
    assert member.log_in("another dozen dragons").status_code == 303


def test_every_instance_knows_the_session(member: Visitor, gated_lake: Lake, clock: GateClock) -> None:
    answers = DuckdbAnswers(gated_lake, ATTRIBUTES, lambda: NOW)
    other = Visitor(gated_app(answers, gated_lake, clock, HOST))
    cookie = member.client.get_cookie("clicklake-session", domain=HOST)
    assert cookie
    other.client.set_cookie("clicklake-session", cookie.value, domain=HOST)
    code = other.get("/newest").status_code
    answers.close()
    assert code == 200


# --- wrong tries ---


def test_five_wrong_tries_and_then_a_pause(visitor: Visitor, clock: GateClock) -> None:
    for _ in range(TRIES_OF_ONE):
        wrong = visitor.log_in("wrong")
        assert wrong.status_code == 401
        assert "This is not the password" in wrong.text
    paused = visitor.log_in()
    assert paused.status_code == 429
    assert "Try again in 15 minutes" in paused.text
    assert int(paused.headers["Retry-After"]) == WINDOW.total_seconds()
    clock.at += WINDOW + timedelta(seconds=1)
    assert visitor.log_in().status_code == 303


def test_the_pause_comes_before_the_hash(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []

    def count(password: Any, given: str) -> bool:
        hashed.append(given)
        return is_right(password, given)

    monkeypatch.setattr(sign_in, "is_right", count)
    for _ in range(2 * TRIES_OF_ONE):
        visitor.log_in("wrong")
    assert len(hashed) == TRIES_OF_ONE


def test_tries_at_once_are_counted_before_they_are_hashed(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []

    def refuse(_: Any, given: str) -> bool:
        hashed.append(given)
        return False

    monkeypatch.setattr(sign_in, "is_right", refuse)
    with ThreadPoolExecutor(6) as threads:
        codes = [*threads.map(lambda _: Visitor(app).log_in("wrong").status_code, range(18))]
    assert len(hashed) == codes.count(401) <= TRIES_OF_ONE
    assert set(codes) <= {401, 429, 503}


def test_a_right_password_forgives_the_wrong_ones(visitor: Visitor) -> None:
    for _ in range(3):
        for _ in range(TRIES_OF_ONE - 1):
            visitor.log_in("wrong")
        assert visitor.log_in().status_code == 303


def test_a_right_password_logs_in_though_its_tries_cannot_be_forgotten(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While many try at once, others change the tries all the time."""
    replace = SharedState.replace

    def lose(state: SharedState, name: str, document: dict[str, Any], etag: str | None) -> bool:
        return document != {"tries": []} and replace(state, name, document, etag)

    monkeypatch.setattr(SharedState, "replace", lose)
    assert visitor.log_in().status_code == 303


@pytest.mark.parametrize(
    "stored", [b"[]", b"{", b'{"tries": null}', b'{"tries": [1]}', b'{"tries": [["a", "b"]]}']
)
def test_damaged_tries_lock_nobody_out(stored: bytes, visitor: Visitor, gated_lake: Lake) -> None:
    gated_lake.s3.put_object(Bucket=gated_lake.bucket, Key="dashboard/attempts.json", Body=stored)
    assert visitor.log_in("wrong").status_code == 401
    assert visitor.log_in().status_code == 303


def test_another_network_is_not_paused(app: Flask) -> None:
    first, second = Visitor(app), Visitor(app, address="198.51.100.0")
    for _ in range(TRIES_OF_ONE + 1):
        first.log_in("wrong")
    assert second.log_in().status_code == 303


def test_strangers_together_are_paused_but_lock_out_no_known_browser(
    app: Flask, member: Visitor, clock: GateClock
) -> None:
    member.post("/log-out", hidden(member.get(f"/?{DAY}"), "Log out"))
    for number in range(TRIES_OF_STRANGERS // TRIES_OF_ONE + 2):
        stranger = Visitor(app, address=f"198.51.{number}.0")
        codes = [stranger.log_in("wrong").status_code for _ in range(TRIES_OF_ONE)]
    assert set(codes) == {429}
    assert Visitor(app, address="192.0.2.0").log_in().status_code == 429
    assert member.log_in().status_code == 303
    clock.at += WINDOW + timedelta(seconds=1)
    assert Visitor(app, address="192.0.2.0").log_in().status_code == 303


def test_a_made_up_device_is_a_stranger(app: Flask) -> None:
    for number in range(TRIES_OF_ONE):
        visitor = Visitor(app)
        visitor.client.set_cookie("clicklake-device", f"made-up-{number}", domain=HOST)
        visitor.log_in("wrong")
    assert Visitor(app).log_in().status_code == 429


def test_no_address_is_stored(visitor: Visitor, gated_lake: Lake) -> None:
    visitor.log_in("wrong")
    stored = SharedState(gated_lake).read("attempts.json").document
    assert stored
    assert "203.0" not in str(stored)


# --- forms of other sites ---


@pytest.mark.parametrize("path", ["/log-out", "/share"])
@pytest.mark.parametrize("csrf", ["", "made-up", "of another session"])
def test_a_form_needs_the_sessions_token(path: str, csrf: str, app: Flask, member: Visitor) -> None:
    if csrf == "of another session":
        other = Visitor(app, address="192.0.2.0")
        other.log_in()
        csrf = hidden(other.get(f"/?{DAY}"), "Share")["csrf"]
    assert member.post(path, {"csrf": csrf, "view": ""}).status_code == 403
    assert member.get("/newest").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": f"https://{HOST}", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://["},
        {"Origin": f"https://{HOST}@evil.example"},
    ],
)
@pytest.mark.parametrize("path", ["/log-in", "/log-out", "/share"])
def test_a_form_of_another_site_is_refused(path: str, headers: dict[str, str], member: Visitor) -> None:
    form = hidden(member.get(f"/?{DAY}"), "Share") | {"password": PASSWORD}
    assert member.post(path, form, headers=headers).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [{"Origin": f"https://{HOST}"}, {"Origin": "null", "Sec-Fetch-Site": "same-origin"}, {"Origin": "null"}],
)
def test_a_form_of_ours_is_taken(headers: dict[str, str], member: Visitor) -> None:
    form = hidden(member.get(f"/?{DAY}"), "Share")
    assert member.post("/share", form, headers=headers).status_code == 200


def test_the_log_in_needs_the_form_that_this_browser_got(app: Flask, visitor: Visitor) -> None:
    form = hidden(Visitor(app).get("/log-in")) | {"password": PASSWORD}
    refused = visitor.post("/log-in", form)
    assert refused.status_code == 400
    assert "Try again" in refused.text


# --- share links ---


def link_of(member: Visitor, query: str = f"?{DAY}&is=country:DE") -> str:
    page = member.get(f"/{query}")
    made = member.post("/share", hidden(page, "Share"))
    assert made.status_code == 200, made.text
    address = made.text.split('readonly autofocus value="')[1].split('"')[0]
    assert address.startswith(f"https://{HOST}/?link=")
    return address.removeprefix(f"https://{HOST}")


def test_a_link_shows_its_view_and_nothing_else(app: Flask, member: Visitor) -> None:
    link = link_of(member)
    guest = Visitor(app)
    page = guest.get(link)
    assert page.status_code == 200
    query = link.removeprefix("/")
    assert f'data-query="{query}"' in page.text
    assert member.get(f"/?{DAY}").text.count("lake-") > page.text.count("lake-") == 0  # the bucket's name
    for part in ("<form", "log-out", "Add a filter", 'data-panel="now"'):
        assert part not in page.text
    figures = guest.get(f"/panel/figures{query}")
    assert figures.text == member.get(f"/panel/figures?{DAY}&is=country:DE").text
    rows = guest.get(f"/panel/countries{query}")
    assert rows.status_code == 200
    assert "Germany" in rows.text
    assert "href" not in rows.text
    assert "dialog" not in rows.text
    timeline = guest.get(f"/panel/timeline{query}")
    assert (timeline.status_code, "href" in timeline.text) == (200, False)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/?{link}&is=country:US", 400),
        ("/panel/figures?{link}&period=today", 400),
        ("/?{link}&{link}", 400),
        ("/panel/exit_pages?{link}", 404),
        ("/panel/items.csv?{link}", 404),
        ("/panel/now?{link}", 404),
        ("/panel/budget?{link}", 404),
        ("/panel/status?{link}", 404),
        ("/panel/funnel?{link}", 404),
        ("/panel/figures", 401),
        ("/?link=made-up", 403),
        ("/?link=", 403),
    ],
)
def test_a_guest_sees_nothing_beside_the_view(path: str, code: int, app: Flask, member: Visitor) -> None:
    link = link_of(member).removeprefix("/?")
    assert Visitor(app).get(path.format(link=link)).status_code == code


def test_a_guest_reads_no_reason_that_names_the_bucket(
    app: Flask, member: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = link_of(member).removeprefix("/")

    def fail(*_: object) -> None:
        raise CommandError("Athena: HIVE_CANNOT_OPEN_SPLIT: s3://a-bucket/columns/dt=2026-11-19")

    monkeypatch.setattr(DuckdbAnswers, "ask", fail)
    assert "s3://a-bucket" in member.get(f"/panel/countries?{DAY}").text
    seen = Visitor(app).get(f"/panel/countries{link}")
    assert seen.status_code == 503
    assert "a-bucket" not in seen.text
    assert "cannot be shown" in seen.text


@pytest.mark.parametrize("path", ["/share", "/log-out", "/log-in"])
def test_a_guest_cannot_send_forms(path: str, app: Flask, member: Visitor) -> None:
    link = link_of(member).removeprefix("/")
    assert Visitor(app).post(f"{path}{link}", {"view": "", "password": PASSWORD}).status_code == 403


def test_a_link_expires_after_a_week(app: Flask, member: Visitor, clock: GateClock) -> None:
    link = link_of(member)
    clock.at += LINK_LIFETIME - timedelta(seconds=1)
    assert Visitor(app).get(link).status_code == 200
    clock.at += timedelta(seconds=2)
    expired = Visitor(app).get(link)
    assert expired.status_code == 403
    assert "older than a week" in expired.text


def test_the_days_of_a_link_stay_the_same(app: Flask, member: Visitor) -> None:
    guest = Visitor(app).get(link_of(member, "?period=yesterday&zone=Europe/Berlin"))
    day = (NOW - timedelta(days=1)).date()
    assert f"{day} 00:00 to" in guest.text
    assert "Europe/Berlin, by time of arrival" in guest.text


def test_a_changed_link_is_refused(app: Flask, member: Visitor) -> None:
    link = parse_qs(urlsplit(link_of(member)).query)["link"][0]
    for place in range(0, len(link), 7):
        changed = link[:place] + ("A" if link[place] != "A" else "B") + link[place + 1 :]
        assert Visitor(app).get(f"/?link={changed}").status_code == 403


def test_a_link_is_no_session(app: Flask, member: Visitor) -> None:
    link = parse_qs(urlsplit(link_of(member)).query)["link"][0]
    guest = Visitor(app)
    guest.client.set_cookie("clicklake-session", link, domain=HOST)
    assert guest.get("/newest").status_code == 401


# --- headers and logs ---


@pytest.mark.parametrize("path", ["/log-in", "/", "/panel/items", "/nowhere"])
def test_pages_of_the_gate_have_the_headers_too(path: str, visitor: Visitor) -> None:
    answer = visitor.get(path)
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"


def test_no_secret_and_no_view_is_logged(
    member: Visitor, app: Flask, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG, "clicklake")
    caplog.set_level(logging.DEBUG, "clicklake.dashboard")

    def broken(*_: object) -> None:
        raise RuntimeError("country is secret-place")

    monkeypatch.setattr(DuckdbAnswers, "ask", broken)
    assert member.get("/panel/items?is=country:secret-place").status_code == 500
    member.log_in("wrong")
    logged = "\n".join(
        record.getMessage() for record in caplog.records if record.name.startswith("clicklake")
    )
    assert "RuntimeError at test_password_gate.py" in logged
    for secret in ("secret-place", PASSWORD, "wrong", "203.0.113", "clicklake-session"):
        assert secret not in logged


# --- what is stored ---


@pytest.mark.parametrize(
    ("password", "is_taken"), [("a" * 11, False), ("a" * 12, True), ("a" * 256, True), ("a" * 257, False)]
)
def test_a_password_has_12_to_256_characters(password: str, is_taken: bool) -> None:
    if is_taken:
        assert "hash" in password_document(password, NOW)
        return
    with pytest.raises(CommandError, match="it needs 12 to 256"):
        password_document(password, NOW)


def test_the_stored_hash_is_scrypt_with_a_salt_of_its_own() -> None:
    documents = [password_document(PASSWORD, NOW) for _ in range(2)]
    assert len({each["hash"] for each in documents}) == len({each["signingKey"] for each in documents}) == 2
    stored = parse_password(documents[0])
    assert stored
    assert stored.hash.startswith("scrypt:32768:8:1$")
    assert PASSWORD not in str(documents)
    assert is_right(stored, PASSWORD)
    assert not is_right(stored, PASSWORD + " ")
    assert not is_right(stored, "a" * 100_000)


def test_the_lake_of_another_dashboard_has_another_key(emulator: Emulator, gated_lake: Lake) -> None:
    first = SharedState(gated_lake).read("password.json").document
    set_password(gated_lake, PASSWORD, NOW)
    again = SharedState(gated_lake).read("password.json").document
    assert first
    assert again
    assert first["signingKey"] != again["signingKey"]
