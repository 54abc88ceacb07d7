"""The headers of every response, and which pages may send clicks (fetch.spec.whatwg.org/#http-cors-protocol).

ALLOWED_ORIGINS is enforced by refusing the request. The response is not hidden from the page: the app uses no
cookies, so a response contains nothing that the page could not get in another way, and the page can read why
it was refused.
"""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# Chromium caches a preflight response no longer:
# developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Access-Control-Max-Age
PREFLIGHT_SECONDS = 7200

_SECURITY = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "cross-origin",  # other sites' pages embed clicks.gif
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
}

_ORIGIN = re.compile(r"null|[A-Za-z][A-Za-z0-9+.-]*://[^\s,/?#]+")

AllowedOrigins = frozenset[str] | None
"""None allows every origin."""


def is_origin_allowed(origin: str | None, allowed: AllowedOrigins) -> bool:
    """A request without Origin is always allowed: it is same-origin, or it does not come from a page."""
    return allowed is None or origin is None or origin.lower() in allowed


def response_headers(origin: str | None, allowed: AllowedOrigins) -> dict[str, str]:
    """Return the headers of every response, refusals included."""
    headers = {**_SECURITY, "Vary": "Origin", "Access-Control-Expose-Headers": "Retry-After"}
    if allowed is None:
        headers["Access-Control-Allow-Origin"] = "*"
    elif origin and origin.isascii() and origin.isprintable() and _ORIGIN.fullmatch(origin):
        headers["Access-Control-Allow-Origin"] = origin
    return headers


def preflight_headers(methods: Iterable[str]) -> dict[str, str]:
    """Return further headers for the response to a preflight request."""
    allowed = ", ".join(methods)
    return {
        "Allow": allowed,
        "Access-Control-Allow-Methods": allowed,
        "Access-Control-Allow-Headers": "Content-Type",
        "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
    }


class ResponseHeadersMiddleware:
    """Adds `response_headers` to every response, those to unexpected errors included.

    It wraps Flask. Flask's after_request would copy each header three times, which costs 20 µs of a request's
    600 (benchmarks/warm.py).
    """

    def __init__(self, wsgi_app: "WSGIApplication", allowed_origins: AllowedOrigins) -> None:
        self._wsgi_app = wsgi_app
        self._allowed_origins = allowed_origins

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            origin = environ.get("HTTP_ORIGIN")
            if environ["REQUEST_METHOD"] == "OPTIONS" and status.startswith("403"):
                origin = None  # no page can read this response: let the browser see a plain refusal
            more = response_headers(origin, self._allowed_origins)
            if any(name == "Cache-Control" for name, _ in headers):
                del more["Cache-Control"]
            return start_response(status, [*headers, *more.items()], exc_info)

        # Werkzeug would look for a WebSocket's route. Nothing here is one, so the header means nothing.
        environ.pop("HTTP_UPGRADE", None)
        # For an empty path (the address of a stage) Werkzeug would send a redirect with an HTML body.
        environ["PATH_INFO"] = environ["PATH_INFO"] or "/"
        return self._wsgi_app(environ, start)
