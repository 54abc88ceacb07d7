"""Clicklake's ingest app: HTTP in, one Firehose record out. `flask --app ingest_app run` serves it."""

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask

from ingest_app.headers import AllowedOrigins, answer_headers
from ingest_app.settings import Settings
from ingest_app.stream import FirehoseStream, Stream

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

__version__ = "0.1.0"


def create_app(settings: Settings | None = None, stream: Stream | None = None) -> Flask:
    """Raise SettingsError where the environment is wrong. Without a stream, the settings' is made."""
    from ingest_app.routes import Api  # it reads our version

    settings = settings or Settings.from_environment()
    app = Flask(__name__, static_folder=None)
    app.url_map.merge_slashes = False  # else Werkzeug answers /a//b with a redirect, in HTML
    app.wsgi_app = _EveryAnswer(app.wsgi_app, settings.allowed_origins)  # type: ignore[method-assign]
    stream = stream or FirehoseStream(settings.click_stream, f"clicklake/{__version__}", settings.region)
    Api(settings, stream).register(app)
    logging.getLogger("werkzeug").addFilter(_is_no_access_line)
    return app


class _EveryAnswer:
    """Gives every answer its headers, the refusals and the unforeseen among them.

    Outside of Flask, which would copy each header thrice: 20 µs of a request's 600.
    """

    def __init__(self, wsgi_app: "WSGIApplication", allowed_origins: AllowedOrigins) -> None:
        self._wsgi_app = wsgi_app
        self._allowed_origins = allowed_origins

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            origin = environ.get("HTTP_ORIGIN")
            if environ["REQUEST_METHOD"] == "OPTIONS" and status.startswith("403"):
                origin = None  # the browser shows no page the answer to a preflight: let it see a plain no
            more = answer_headers(origin, self._allowed_origins)
            return start_response(status, [*headers, *more.items()], exc_info)

        # Without a path (a stage's own address) Werkzeug would answer with a redirect, in HTML.
        environ["PATH_INFO"] = environ["PATH_INFO"] or "/"
        return self._wsgi_app(environ, start)


def _is_no_access_line(record: logging.LogRecord) -> bool:
    """`flask run` writes a line per request, with the sender's address and the pixel's userId in it."""
    return " HTTP/1." not in record.getMessage()
