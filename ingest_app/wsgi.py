"""The app for WSGI servers: `gunicorn ingest_app.wsgi:app`. On Lambda, Zappa loads it (lambda_entry.py)."""

from ingest_app import create_app

app = create_app()
