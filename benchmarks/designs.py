"""What is measured: Clicklake's ingest app, what a team would build instead, and two limits."""

from typing import NamedTuple


class Design(NamedTuple):
    name: str
    title: str
    handler: str
    shipped_by: str
    """Whose bundle it is: zappa, chalice, sam, or no one's (files)."""


OURS = Design("clicklake", "Clicklake", "ingest_app.lambda_entry.lambda_handler", "zappa")
ZAPPA = Design("zappa", "Zappa's defaults, Flask", "handler.lambda_handler", "zappa")
FASTAPI = Design("fastapi", "FastAPI + Mangum", "app.handler", "sam")
APIG_WSGI = Design("apig_wsgi", "apig-wsgi + Flask", "app.handler", "sam")
POWERTOOLS = Design("powertools", "aws-lambda-powertools", "app.handler", "sam")
CHALICE = Design("chalice", "Chalice", "app.app", "chalice")
BARE = Design("bare", "a bare handler with boto3", "app.handler", "sam")
NOOP = Design("noop", "limit: a handler that does nothing", "noop.handler", "files")
BARE_SOCKET = Design("bare_socket", "limit: a bare socket, unsigned", "bare_socket.handler", "files")

FRAMEWORKS = [FASTAPI, APIG_WSGI, POWERTOOLS, CHALICE]
PEERS = [ZAPPA, *FRAMEWORKS, BARE]
LIMITS = [NOOP, BARE_SOCKET]
DESIGNS = [OURS, *PEERS, *LIMITS]
