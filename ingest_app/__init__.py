"""Clicklake's ingest app: HTTP requests in, one Firehose record per request out.

`flask --app ingest_app run` serves it.
"""

import logging
from datetime import UTC, datetime

from flask import Flask

from ingest_app.aws.stream import FirehoseStream, Stream
from ingest_app.aws.visitor_key_table import VisitorKeyTable
from ingest_app.headers import ResponseHeadersMiddleware
from ingest_app.routes import Api
from ingest_app.settings import IngestSettings
from ingest_app.visitor_keys import KeyStore, VisitorKeys

__version__ = "0.2.0"


def create_app(
    settings: IngestSettings | None = None,
    stream: Stream | None = None,
    key_store: KeyStore | None = None,
) -> Flask:
    """Make the app. By default the settings come from the environment, and all else from the settings.

    Raise SettingsError if a setting is missing or invalid.
    """
    settings = settings or IngestSettings.from_environment()
    user_agent = f"clicklake/{__version__}"
    stream = stream or FirehoseStream(settings.click_stream, user_agent, settings.region)
    if key_store is None and settings.visitor_key_table:
        key_store = VisitorKeyTable(settings.visitor_key_table, user_agent, settings.region)
    app = Flask(__name__, static_folder=None)
    app.config["CLICKLAKE_ALLOWED_ORIGINS"] = settings.allowed_origins
    app.url_map.merge_slashes = False  # Werkzeug would answer /a//b with a redirect that has an HTML body
    app.wsgi_app = ResponseHeadersMiddleware(app.wsgi_app, settings.allowed_origins)  # type: ignore[method-assign]
    visitor_keys = VisitorKeys(key_store, datetime.now(UTC).date())
    Api(settings, stream, visitor_keys, __version__).register(app)
    logging.getLogger("werkzeug").addFilter(_is_not_access_log)
    return app


def _is_not_access_log(record: logging.LogRecord) -> bool:
    """Drop the line that `flask run` logs per request: it has the sender's address and the pixel's userId."""
    return " HTTP/1." not in record.getMessage()
