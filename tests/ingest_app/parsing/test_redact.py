"""Which path segments are redacted: secrets and mail addresses, but never the item."""

import secrets
import string
from random import Random
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest_app.parsing.redact import DEFAULT_REDACTION, RedactionRules, is_token, redact_path
from tests.ingest_app.conftest import MakeClient, MemoryStream

HEX = "9f86d081884c7d659a2feaa0c55ad015"
BASE64URL = "zsGITQ4knv9PpkcCA42dwxK9yTQh71dH"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
UUID = "4e53920c-505a-4a90-a694-b9300791f0ae"

REDACTED = [
    (f"https://h/reset/{HEX}", "https://h/reset/~"),
    (f"https://h/reset/{HEX.upper()}/confirm", "https://h/reset/~/confirm"),
    (f"/invite/{BASE64URL}", "/invite/~"),
    (f"/invite/{BASE64URL}%3D%3D", "/invite/~"),
    (f"/login/{JWT}", "/login/~"),
    (f"/x;jsessionid={HEX.upper()}", "/x;jsessionid=~"),
    (f"/x/token={HEX}", "/x/token=~"),
    (f"//h/{HEX}?utm_source=a", "//h/~?utm_source=a"),
    ("https://h/u/ann@mail.example/edit", "https://h/u/~/edit"),
    ("https://h/u/ann%40mail.example", "https://h/u/~"),
    ("/a@b.c/", "/~/"),
    (f"/{HEX}/{HEX}/{HEX}/end", "/~/~/~"),
]
KEPT = [
    f"https://h/item/{UUID}",
    f"https://h/item/{UUID.upper()}",
    "https://h/the-best-of-2026-and-more-things",
    "https://h/apple-iphone15pro-max-256gb-blue",
    "https://h/iphone15promax256gbblue",
    "https://h/2026-11-28-release-notes-v1.2.3",
    "https://h/MyLongProductNameForYou2026",
    "https://h/%D0%BF%D1%80%D0%B8%D0%B2%D0%B5%D1%82-2026-%D0%BC%D0%B8%D1%80",
    "https://h/caf%C3%A9-de-la-paix-2026-x",
    "https://h/978-3-16-148410-0-book",
    "https://h/20261128120000000000",
    "https://h/jquery-3.7.1.slim.min.js",
    "https://h/@ann/post",
    "https://h/react@18.2.0/index.js",
    "https://h/a@b",
    f"https://{HEX}.h.example/x",
    "https://h",
    "",
]


@pytest.mark.parametrize(("url", "redacted"), REDACTED)
def test_tokens_and_mail_addresses_are_redacted(url: str, redacted: str) -> None:
    assert redact_path(url, DEFAULT_REDACTION) == redacted


@pytest.mark.parametrize("url", KEPT)
def test_words_items_and_hosts_are_kept(url: str) -> None:
    assert redact_path(url, DEFAULT_REDACTION) == url


@pytest.mark.parametrize("item", [HEX, BASE64URL, "ann@mail.example"])
def test_own_item_id_of_a_click_is_kept(item: str) -> None:
    assert redact_path(f"https://h/p/{item}", DEFAULT_REDACTION, item) == f"https://h/p/{item}"
    assert redact_path(f"https://h/p/{item}", DEFAULT_REDACTION, "other") == "https://h/p/~"


@pytest.mark.parametrize(
    ("pattern", "url", "redacted"),
    [
        ("/reset/*", "https://h/reset/abc", "https://h/reset/~"),
        ("/reset/*", "/reset/abc/confirm", "/reset/~/confirm"),
        ("/reset/*", "reset/abc", "reset/~"),
        ("/reset/*", "https://h/reset/", "https://h/reset/"),
        ("/reset/*", "https://h/reset", "https://h/reset"),
        ("/reset/*", "https://h/other/abc", "https://h/other/abc"),
        ("/u/*/mail/*", "https://h/u/7/mail/8/x?utm_id=1", "https://h/u/~/mail/~/x?utm_id=1"),
    ],
)
def test_pattern_redacts_the_segments_of_its_stars(pattern: str, url: str, redacted: str) -> None:
    rules = RedactionRules(tokens=False, mails=False, paths=(tuple(pattern.split("/")[1:]),))
    assert redact_path(url, rules) == redacted


def test_nothing_is_redacted_without_rules() -> None:
    url = f"https://h/{HEX}/ann@mail.example"
    assert redact_path(url, RedactionRules(tokens=False, mails=False)) == url


@given(st.text(alphabet="aB3/-_.~%40@:?=&;", max_size=300))
def test_redacting_never_lengthens_a_url_and_is_idempotent(url: str) -> None:
    redacted = redact_path(url, DEFAULT_REDACTION)
    assert len(redacted) <= len(url)
    assert redact_path(redacted, DEFAULT_REDACTION) == redacted


def test_most_random_texts_are_found() -> None:
    """docs/events.md says how many."""
    chance = Random(1)
    alphabet = string.ascii_letters + string.digits + "-_"
    found = [is_token("".join(chance.choices(alphabet, k=22))) for _ in range(500)]
    assert sum(found) > 420
    found = [is_token("".join(chance.choices(alphabet, k=43))) for _ in range(500)]
    assert sum(found) > 490
    assert sum(is_token(secrets.token_hex(20)) for _ in range(300)) > 290
    assert not any(is_token(str(uuid4())) for _ in range(500))


def test_click_is_redacted_in_url_referrer_and_link(make_client: MakeClient, stream: MemoryStream) -> None:
    click = {
        "itemId": UUID,
        "url": f"https://h/reset/{HEX}?x=1",
        "referrer": "https://h/u/ann@mail.example",
        "element": {"href": f"/invite/{BASE64URL}"},
    }
    make_client().put("/clicks", json=click)
    assert stream.click["url"] == "https://h/reset/~"
    assert stream.click["referrer"] == "https://h/u/~"
    assert stream.click["element"] == {"href": "/invite/~"}
    stream.records.clear()
    make_client(redact_paths=RedactionRules(False, False)).put("/clicks", json=click)
    assert stream.click["url"] == f"https://h/reset/{HEX}"
