"""Which of the sender's claims are believed, and what is kept of them."""

import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest_app.sender import Sender, read_sender, truncate_ip
from ingest_app.settings import IngestSettings
from ingest_app.visitor_keys import DayKeys, VisitorKeys
from tests.ingest_app.conftest import MemoryKeyStore

NOW = datetime(2026, 11, 24, 23, 59, 59, tzinfo=UTC)
TOMORROW = datetime(2026, 11, 25, 0, 0, 1, tzinfo=UTC)
SECRET = b"the-edge-secret"

KEY = b"k" * 32
NO_KEYS = VisitorKeys(None, NOW.date())


def keys(key: bytes = KEY) -> VisitorKeys:
    return VisitorKeys(MemoryKeyStore(DayKeys(NOW.date(), key, None)), NOW.date())


def read(
    environ: dict[str, Any],
    settings: IngestSettings,
    visitor_keys: VisitorKeys = NO_KEYS,
    now: datetime = NOW,
) -> Sender:
    return read_sender(environ, settings, visitor_keys, now)


REST: dict[str, Any] = {"requestContext": {"identity": {"sourceIp": "203.0.113.77"}}}
HTTP: dict[str, Any] = {"requestContext": {"http": {"sourceIp": "203.0.113.77"}}}
FORGED = {"HTTP_X_FORWARDED_FOR": "198.51.100.1, 198.51.100.2", "REMOTE_ADDR": "198.51.100.1"}


@pytest.mark.parametrize(
    ("text", "truncated"),
    [
        ("203.0.113.77", "203.0.113.0"),
        ("255.255.255.255", "255.255.255.0"),
        ("2001:db8:85a3:8d3:1319:8a2e:370:7348", "2001:db8:85a3::"),
        ("2001:DB8::1", "2001:db8::"),
        ("::1", "::"),
        ("::ffff:203.0.113.77", "203.0.113.0"),
        ("fe80::1%eth0", "fe80::"),
        ("", None),
        (None, None),
        ("unknown", None),
        ("203.0.113.77:443", None),
        ("203.0.113.077", None),
    ],
)
def test_ip_is_truncated(text: str | None, truncated: str | None) -> None:
    assert truncate_ip(text) == truncated


@given(st.ip_addresses(v=4))
def test_all_addresses_of_a_24_become_one(address: Any) -> None:
    assert truncate_ip(str(address)) == str(address).rpartition(".")[0] + ".0"


@given(st.ip_addresses(v=6))
def test_only_48_bits_of_an_ipv6_address_remain(address: Any) -> None:
    truncated = truncate_ip(str(address))
    assert truncated is not None
    if not address.ipv4_mapped:
        assert int(type(address)(truncated)) == int(address) >> 80 << 80


@pytest.mark.parametrize(
    ("environ", "address"),
    [
        ({"lambda.event": REST, **FORGED}, "203.0.113.0"),
        ({"lambda.event": HTTP, **FORGED}, "203.0.113.0"),
        ({"lambda.event": {"requestContext": {"elb": {}}}, **FORGED}, None),
        ({"lambda.event": {}, **FORGED}, None),
        ({"REMOTE_ADDR": "192.0.2.1", "HTTP_X_FORWARDED_FOR": "198.51.100.1"}, "192.0.2.0"),
        ({}, None),
    ],
)
def test_address_is_the_client_that_the_gateway_saw(environ: dict[str, Any], address: str | None) -> None:
    assert read(environ, IngestSettings("clicks")).address == address


@pytest.mark.parametrize(
    ("viewer", "address"),
    [
        ("198.51.100.7:46532", "198.51.100.0"),
        ("2001:db8:85a3:8d3:1319:8a2e:370:7348:46532", "2001:db8:85a3::"),
        ("[2001:db8:85a3::7]:46532", "2001:db8:85a3::"),
        ("2001:db8:85a3::7:46532", "2001:db8:85a3::"),
        ("2001:db8::1", "2001:db8::"),
        ("198.51.100.7", "198.51.100.0"),
        ("", None),
        ("nonsense", None),
    ],
)
def test_viewer_address_is_parsed_in_every_form(viewer: str, address: str | None) -> None:
    environ = {
        "lambda.event": HTTP,
        "HTTP_X_CLICKLAKE_EDGE": SECRET.decode(),
        "HTTP_CLOUDFRONT_VIEWER_ADDRESS": viewer,
    }
    assert read(environ, IngestSettings("clicks", edge_secret=SECRET)).address == address


@pytest.mark.parametrize(
    ("edge_secret", "sent", "country"),
    [
        (SECRET, SECRET.decode(), "DE"),
        (SECRET, "wrong", None),
        (SECRET, "", None),
        (SECRET, None, None),
        (SECRET, "the-edge-secrét", None),
        (SECRET, "\ud800", None),
        (None, SECRET.decode(), None),
        (None, "", None),
        (None, None, None),
    ],
)
def test_cloudfront_headers_are_believed_only_with_the_secret(
    edge_secret: bytes | None, sent: str | None, country: str | None
) -> None:
    environ = {
        "lambda.event": HTTP,
        "HTTP_CLOUDFRONT_VIEWER_ADDRESS": "198.51.100.7:1",
        "HTTP_CLOUDFRONT_VIEWER_COUNTRY": "DE",
    }
    if sent is not None:
        environ["HTTP_X_CLICKLAKE_EDGE"] = sent
    sender = read(environ, IngestSettings("clicks", edge_secret=edge_secret))
    assert sender.country == country
    assert sender.address == ("198.51.100.0" if country else "203.0.113.0")


@pytest.mark.parametrize("country", ["", "de", "DEU", "D", "D1", "DE\n", "<>"])
def test_country_is_two_capital_letters_or_null(country: str) -> None:
    environ = {"HTTP_X_CLICKLAKE_EDGE": SECRET.decode(), "HTTP_CLOUDFRONT_VIEWER_COUNTRY": country}
    assert read(environ, IngestSettings("clicks", edge_secret=SECRET)).country is None


def test_visitor_id_is_the_documented_hmac() -> None:
    environ = {"REMOTE_ADDR": "203.0.113.77", "HTTP_USER_AGENT": "Agent/1"}
    expected = hmac.new(KEY, b"2026-11-24\n203.0.113.0\nAgent/1", hashlib.sha256).hexdigest()
    assert read(environ, IngestSettings("clicks"), keys()).visitor_id == expected


def test_visitor_id_depends_on_day_address_agent_and_key() -> None:
    environ = {"REMOTE_ADDR": "203.0.113.77", "HTTP_USER_AGENT": "Agent/1"}
    settings = IngestSettings("clicks")
    ids = [
        read(environ, settings, keys()).visitor_id,
        read(environ, settings, keys(), TOMORROW).visitor_id,
        read({**environ, "REMOTE_ADDR": "203.0.112.77"}, settings, keys()).visitor_id,
        read({**environ, "HTTP_USER_AGENT": "Agent/2"}, settings, keys()).visitor_id,
        read(environ, settings, keys(b"o" * 32)).visitor_id,
    ]
    assert len(set(ids)) == 5
    neighbour = read({**environ, "REMOTE_ADDR": "203.0.113.78"}, settings, keys())
    assert neighbour.visitor_id == ids[0]


def test_visitor_id_needs_a_key_and_an_address() -> None:
    assert read({"REMOTE_ADDR": "203.0.113.77"}, IngestSettings("clicks")).visitor_id is None
    assert read({}, IngestSettings("clicks"), keys()).visitor_id is None


@pytest.mark.parametrize(
    ("sent", "country"), [("new", "DE"), ("old", "DE"), ("new,old", None), ("", None), ("older", None)]
)
def test_two_edge_secrets_are_believed_while_one_is_replaced(sent: str, country: str | None) -> None:
    environ = {"HTTP_X_CLICKLAKE_EDGE": sent, "HTTP_CLOUDFRONT_VIEWER_COUNTRY": "DE"}
    assert read(environ, IngestSettings("clicks", edge_secret=b"new,old")).country == country


def test_agent_is_cut_and_is_valid_unicode() -> None:
    settings = IngestSettings("clicks")
    assert read({"HTTP_USER_AGENT": "x" * 5000}, settings).user_agent == "x" * 1024
    assert read({"HTTP_USER_AGENT": "a\ud800é"}, settings).user_agent == "a?é"
    assert read({"HTTP_USER_AGENT": ""}, settings).user_agent is None


@pytest.mark.parametrize(
    ("headers", "signal"),
    [
        ({"HTTP_SEC_GPC": "1"}, "gpc"),
        ({"HTTP_DNT": "1"}, "dnt"),
        ({"HTTP_SEC_GPC": "1", "HTTP_DNT": "1"}, "gpc"),
        ({"HTTP_SEC_GPC": "0", "HTTP_DNT": "1"}, "dnt"),
        ({"HTTP_SEC_GPC": " 1 "}, "gpc"),
        ({"HTTP_SEC_GPC": "0"}, None),
        ({"HTTP_SEC_GPC": ""}, None),
        ({"HTTP_DNT": "0"}, None),
        ({"HTTP_DNT": "unspecified"}, None),
        ({}, None),
    ],
)
@pytest.mark.parametrize("mode", ["strip", "refuse"])
def test_signal_removes_address_and_visitor_id(
    headers: dict[str, str], signal: str | None, mode: Any
) -> None:
    settings = IngestSettings("clicks", gpc_mode=mode)
    sender = read({"REMOTE_ADDR": "203.0.113.77", **headers}, settings, keys())
    assert sender.privacy == signal
    assert (sender.address is None) == (sender.visitor_id is None) == (signal is not None)


def test_mode_ignore_ignores_the_signal() -> None:
    settings = IngestSettings("clicks", gpc_mode="ignore")
    sender = read({"REMOTE_ADDR": "203.0.113.77", "HTTP_SEC_GPC": "1"}, settings, keys())
    assert sender.privacy is None
    assert sender.visitor_id
