"""Which requests the live page's server answers, and the headers that protect the page.

The page of any web site can send requests to ports of this machine, and any host name can point to it. So the
server answers only to its own names, and accepts a POST only from its own page or from a client without
Origin.
"""

import re

OWN_NAMES = {"127.0.0.1", "localhost", "[::1]"}

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def is_own_host(host: str) -> bool:
    """Return whether the Host header names this machine, with or without a port."""
    return re.sub(r":\d+$", "", host) in OWN_NAMES


def is_own_origin(origin: str | None, host: str | None) -> bool:
    """Return whether the Origin header is absent or that of the page served at `host`."""
    return origin is None or origin == f"http://{host}"
