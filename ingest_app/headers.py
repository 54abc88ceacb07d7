"""What every answer carries, and which pages may send (fetch.spec.whatwg.org/#http-cors-protocol).

The list of origins is kept by refusing the request, not by hiding the answer: no cookie is ever asked for,
so an answer tells a page nothing that it could not fetch by other means, and a page that is refused can
read why.
"""

import re

# What Chromium allows at most: developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Access-Control-Max-Age
PREFLIGHT_SECONDS = 7200

_SECURITY = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "cross-origin",  # clicks.gif stands in other people's pages
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
}

_ORIGIN = re.compile(r"null|[A-Za-z][A-Za-z0-9+.-]*://[^\s,/?#]+")

AllowedOrigins = frozenset[str] | None
"""None: every origin."""


def is_allowed(origin: str | None, allowed: AllowedOrigins) -> bool:
    """A request without Origin is no page's (or a same-origin GET), and is always taken."""
    return allowed is None or origin is None or origin.lower() in allowed


def answer_headers(origin: str | None, allowed: AllowedOrigins) -> dict[str, str]:
    """For every answer, refusals too."""
    headers = {**_SECURITY, "Vary": "Origin", "Access-Control-Expose-Headers": "Retry-After"}
    if allowed is None:
        headers["Access-Control-Allow-Origin"] = "*"
    elif origin and origin.isascii() and origin.isprintable() and _ORIGIN.fullmatch(origin):
        headers["Access-Control-Allow-Origin"] = origin
    return headers


def preflight_headers(methods: str) -> dict[str, str]:
    """For the answer to a preflight of an origin that is allowed."""
    return {
        "Access-Control-Allow-Methods": methods,
        "Access-Control-Allow-Headers": "Content-Type",
        "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
    }
