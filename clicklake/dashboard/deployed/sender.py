"""Who sends a request to the deployed dashboard, and to which name, as API Gateway saw it."""

import ipaddress
from collections.abc import Collection
from typing import Any

from flask import Request

from clicklake.lake.loopback import is_loopback

KEPT_BITS = {4: 24, 6: 48}


def network_of(asked: Request) -> str:
    """Return the sender's truncated address, as the gateway saw it; the same text for all without one."""
    context = _context(asked)
    identity = context.get("http") or context.get("identity") or {}
    try:
        address = ipaddress.ip_address(str(identity.get("sourceIp")))
    except (ValueError, AttributeError):
        return "unknown"
    bits = KEPT_BITS[address.version]
    return str(ipaddress.ip_network(f"{address}/{bits}", strict=False).network_address)


def is_own_host(asked: Request, hosts: Collection[str], endpoint: str) -> bool:
    """Return whether the request names the API, one of `hosts`, or the emulator at `endpoint`."""
    name = asked.host.lower()
    context = _context(asked)
    api = str(context.get("apiId", ""))
    domain = str(context.get("domainName", "")).lower()
    if name in hosts or (api and name == domain and domain.startswith(f"{api.lower()}.execute-api.")):
        return True
    return bool(endpoint) and is_loopback(endpoint) and is_loopback(f"http://{name}")


def _context(asked: Request) -> dict[str, Any]:
    event = asked.environ.get("lambda.event")
    context = event.get("requestContext") if isinstance(event, dict) else None
    return context if isinstance(context, dict) else {}
