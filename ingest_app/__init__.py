"""Clicklake's ingest app: HTTP in, one Firehose record out. `flask --app ingest_app run` serves it."""

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask

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
    # Werkzeug would answer two with a redirect, in HTML: /a//b, and a stage's own address, without a path.
    app.url_map.merge_slashes = False
    app.wsgi_app = _PathAtLeastSlash(app.wsgi_app)  # type: ignore[method-assign]
    stream = stream or FirehoseStream(settings.click_stream, f"clicklake/{__version__}", settings.region)
    Api(settings, stream).register(app)
    logging.getLogger("werkzeug").addFilter(_is_no_access_line)
    return app


class _PathAtLeastSlash:
    def __init__(self, wsgi_app: "WSGIApplication") -> None:
        self._wsgi_app = wsgi_app

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        environ["PATH_INFO"] = environ["PATH_INFO"] or "/"
        return self._wsgi_app(environ, start_response)


def _is_no_access_line(record: logging.LogRecord) -> bool:
    """`flask run` writes a line per request, with the sender's address and the pixel's userId in it."""
    return " HTTP/1." not in record.getMessage()
