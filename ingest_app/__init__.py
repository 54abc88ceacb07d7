"""Clicklake's ingest app: HTTP requests in, one Firehose record per request out.

`flask --app ingest_app run` serves it.
"""

import logging

from flask import Flask

from ingest_app.headers import ResponseHeadersMiddleware
from ingest_app.routes import Api
from ingest_app.settings import IngestSettings
from ingest_app.stream import FirehoseStream, Stream

__version__ = "0.1.0"


def create_app(settings: IngestSettings | None = None, stream: Stream | None = None) -> Flask:
    """Make the app. By default the settings come from the environment, and the stream from the settings.

    Raise SettingsError if a setting is missing or invalid.
    """
    settings = settings or IngestSettings.from_environment()
    stream = stream or FirehoseStream(settings.click_stream, f"clicklake/{__version__}", settings.region)
    app = Flask(__name__, static_folder=None)
    app.url_map.merge_slashes = False  # Werkzeug would answer /a//b with a redirect that has an HTML body
    app.wsgi_app = ResponseHeadersMiddleware(app.wsgi_app, settings.allowed_origins)  # type: ignore[method-assign]
    Api(settings, stream, __version__).register(app)
    logging.getLogger("werkzeug").addFilter(_is_not_access_log)
    return app


def _is_not_access_log(record: logging.LogRecord) -> bool:
    """Drop the line that `flask run` logs per request: it has the sender's address and the pixel's userId."""
    return " HTTP/1." not in record.getMessage()
