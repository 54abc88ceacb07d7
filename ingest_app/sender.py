"""What a request says of its sender. Nothing of it is believed that the sender could have written himself."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from msgspec import Struct

from ingest_app.settings import Settings

MAX_AGENT_CHARACTERS = 1024  # longer ones are cut; the longest of real browsers (in-app ones) have about 500
IPV4_BITS_DROPPED = 32 - 24
IPV6_BITS_DROPPED = 128 - 48

Environ = Mapping[str, Any]
"""A WSGI environment; Zappa puts the Lambda event into it."""


class Sender(Struct, frozen=True):
    """What is known of whoever sent a request."""

    address: str | None = None
    """Cut to /24 (IPv4) or /48 (IPv6); the full one is nowhere kept."""
    country: str | None = None
    visitor_id: str | None = None
    user_agent: str | None = None
    privacy: str | None = None
    """The signal that made us forget the rest: gpc, dnt."""


def read_sender(environ: Environ, settings: Settings, now: datetime) -> Sender:
    """`now` in UTC: its day is part of the visitorId."""
    agent = _utf8(environ.get("HTTP_USER_AGENT", ""))[:MAX_AGENT_CHARACTERS]
    full_address, country = _address_and_country(environ, settings.edge_secret)
    signal = read_signal(environ) if settings.gpc_mode != "ignore" else None
    if signal:
        return Sender(country=country, user_agent=agent or None, privacy=signal)
    address = cut_address(full_address)
    return Sender(address, country, _visitor_id(settings.visitor_key, now, address, agent), agent or None)


def read_signal(environ: Environ) -> str | None:
    """Global Privacy Control goes before Do Not Track, which browsers have given up."""
    if environ.get("HTTP_SEC_GPC", "").strip() == "1":
        return "gpc"
    if environ.get("HTTP_DNT", "").strip() == "1":
        return "dnt"
    return None


def cut_address(text: str | None) -> str | None:
    """Drop what tells one household from the next; None for what is no address."""
    try:
        address = ip_address(text or "")
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if isinstance(address, IPv4Address):
        return str(IPv4Address(int(address) >> IPV4_BITS_DROPPED << IPV4_BITS_DROPPED))
    return str(IPv6Address(int(address) >> IPV6_BITS_DROPPED << IPV6_BITS_DROPPED))


def _address_and_country(environ: Environ, edge_secret: bytes | None) -> tuple[str | None, str | None]:
    if edge_secret and _is_secret(environ.get("HTTP_X_CLICKLAKE_EDGE", ""), edge_secret):
        country = environ.get("HTTP_CLOUDFRONT_VIEWER_COUNTRY", "")
        viewer = environ.get("HTTP_CLOUDFRONT_VIEWER_ADDRESS", "")
        return _without_port(viewer), country if re.fullmatch("[A-Z]{2}", country) else None
    return _peer_address(environ), None


def _is_secret(text: str, secret: bytes) -> bool:
    return hmac.compare_digest(text.encode(errors="replace"), secret)


def _peer_address(environ: Environ) -> str | None:
    """Whom the gateway spoke to. Never REMOTE_ADDR under Zappa, which makes it of X-Forwarded-For."""
    event = environ.get("lambda.event")
    if event is None:
        return environ.get("REMOTE_ADDR")
    context = event.get("requestContext") or {}
    peer = context.get("http") or context.get("identity") or {}  # HTTP API, or REST
    address: str | None = peer.get("sourceIp")
    return address


def _without_port(viewer: str) -> str | None:
    """`198.51.100.7:443`, `[2001:db8::7]:443`, or, as CloudFront writes it, `2001:db8::7:443`."""
    host = viewer.rpartition(":")[0].strip("[]")
    try:
        ip_address(host)
    except ValueError:
        return viewer
    return host


def _visitor_id(key: bytes | None, now: datetime, address: str | None, agent: str) -> str | None:
    """Without the key nobody can follow a visitor past midnight (UTC), nor try addresses until one fits."""
    if not key or not address:
        return None
    message = f"{now:%Y-%m-%d}\n{address}\n{agent}"
    return hmac.new(key, message.encode(), hashlib.sha256).hexdigest()


def _utf8(text: str) -> str:
    """A header in a Lambda event is JSON, which can hold what UTF-8 cannot: half a surrogate pair."""
    return text if text.isascii() else text.encode(errors="replace").decode()
