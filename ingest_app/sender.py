"""Who sent a request. Only what the sender cannot forge is believed."""

import hmac
import re
from collections.abc import Mapping
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from msgspec import Struct

from ingest_app.privacy import privacy_signal
from ingest_app.settings import IngestSettings
from ingest_app.visitor_keys import VisitorKeys, visitor_id

MAX_AGENT_CHARACTERS = 1024  # the longest user agents of real browsers (in-app ones) have about 500
IPV4_BITS_DROPPED = 32 - 24
IPV6_BITS_DROPPED = 128 - 48

Environ = Mapping[str, Any]
"""A WSGI environment. Zappa adds the Lambda event to it."""


class Sender(Struct, frozen=True):
    """What the envelope says about the sender of a request."""

    address: str | None = None
    """The IP address, truncated to /24 (IPv4) or /48 (IPv6). The full address is never stored."""
    country: str | None = None
    visitor_id: str | None = None
    user_agent: str | None = None
    privacy: str | None = None
    """gpc or dnt, if the browser sent that signal. Then there is no address and no visitor_id."""


def read_sender(
    environ: Environ, settings: IngestSettings, visitor_keys: VisitorKeys, now: datetime
) -> Sender:
    """`now` must be in UTC, because the visitorId changes at midnight UTC."""
    agent = _to_valid_unicode(environ.get("HTTP_USER_AGENT", ""))[:MAX_AGENT_CHARACTERS]
    ip, country = _ip_and_country(environ, settings.edge_secret)
    signal = privacy_signal(environ) if settings.gpc_mode != "ignore" else None
    if signal:
        return Sender(country=country, user_agent=agent or None, privacy=signal)
    address = truncate_ip(ip)
    day = now.date()
    key = visitor_keys.key_of(day) if address else None
    visitor = visitor_id(key, day, address, agent) if key and address else None
    return Sender(address, country, visitor, agent or None)


def truncate_ip(text: str | None) -> str | None:
    """Drop the bits that tell households apart. Return None if `text` is not an IP address."""
    try:
        address = ip_address(text or "")
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if isinstance(address, IPv4Address):
        return str(IPv4Address(int(address) >> IPV4_BITS_DROPPED << IPV4_BITS_DROPPED))
    return str(IPv6Address(int(address) >> IPV6_BITS_DROPPED << IPV6_BITS_DROPPED))


def _ip_and_country(environ: Environ, edge_secret: bytes | None) -> tuple[str | None, str | None]:
    if comes_from_edge(environ, edge_secret):
        country = environ.get("HTTP_CLOUDFRONT_VIEWER_COUNTRY", "")
        viewer = environ.get("HTTP_CLOUDFRONT_VIEWER_ADDRESS", "")
        return _drop_port(viewer), country if re.fullmatch("[A-Z]{2}", country) else None
    return _client_ip(environ), None


def comes_from_edge(environ: Environ, edge_secret: bytes | None) -> bool:
    """True if our CloudFront sent the request. While the secret is replaced, the old one counts too."""
    if not edge_secret:
        return False
    sent = environ.get("HTTP_X_CLICKLAKE_EDGE", "").encode(errors="replace")
    return any(hmac.compare_digest(sent, secret) for secret in edge_secret.split(b","))


def _client_ip(environ: Environ) -> str | None:
    """Return the client's IP address as API Gateway saw it.

    On Lambda REMOTE_ADDR cannot be used: Zappa takes it from X-Forwarded-For, which clients can forge.
    """
    event = environ.get("lambda.event")
    if event is None:
        return environ.get("REMOTE_ADDR")
    context = event.get("requestContext") or {}
    client = context.get("http") or context.get("identity") or {}  # HTTP API, or REST API
    ip: str | None = client.get("sourceIp")
    return ip


def _drop_port(viewer: str) -> str | None:
    """Accept `198.51.100.7:443`, `[2001:db8::7]:443`, and `2001:db8::7:443`, which CloudFront sends."""
    host = viewer.rpartition(":")[0].strip("[]")
    try:
        ip_address(host)
    except ValueError:
        return viewer
    return host


def _to_valid_unicode(text: str) -> str:
    """Replace lone surrogates. A header of a Lambda event can have them, because the event is JSON."""
    return text if text.isascii() else text.encode(errors="replace").decode()
