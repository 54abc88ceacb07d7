"""The Lambda function: the handler, which answers only HTTP events, and what makes its cold start short.

- The garbage collector is off while modules are imported, and never visits what they leave (13 ms of 176 ms).
- Zappa's handler and the app are made here, during init, where Lambda gives the function a whole CPU. Zappa
  would make them on the first request, while a visitor waits (185 ms instead of 4 ms).
- A request for /health runs what Flask and Werkzeug do only once, on their first request (1 ms).

benchmarks/cold.py measures all three.
"""

import gc

gc.disable()

from typing import Any  # noqa: E402

from zappa.handler import LambdaHandler  # type: ignore[import-untyped]  # noqa: E402

WARM_UP = {"httpMethod": "GET", "path": "/health", "headers": {}, "requestContext": {}}
REFUSED = "This function only answers HTTP requests from API Gateway. It ran nothing for this event."

LambdaHandler.lambda_handler(dict(WARM_UP), None)

# Zappa sets the environment and then imports the app, so nothing of ours may be imported before.
from ingest_app.gateway import prepare_event, read_response  # noqa: E402
from ingest_app.wsgi import app  # noqa: E402

gc.freeze()
gc.set_threshold(10_000)  # one collection in 900 requests; 50,000 raised the peak of memory by a tenth
gc.enable()


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Pass HTTP events on to Zappa. Its own handler would run any code that another event names."""
    if not is_http(event):
        print(REFUSED)
        return {"refused": REFUSED}
    needs_lists = prepare_event(event)
    return read_response(app, event, LambdaHandler.lambda_handler(event, context), needs_lists)


def is_http(event: Any) -> bool:
    """True for a request from a REST API (payload 1.0) or an HTTP API (payload 2.0).

    An authorizer's event looks the same but has a `type`.
    """
    if not isinstance(event, dict) or "type" in event:
        return False
    context = event.get("requestContext")
    if not isinstance(context, dict):
        return False
    if event.get("version") == "2.0":
        return isinstance(context.get("http"), dict) and isinstance(event.get("rawPath"), str)
    # Zappa takes an empty method for no method, and goes on to look for commands.
    method = event.get("httpMethod")
    return isinstance(method, str) and method != "" and isinstance(event.get("path"), str)
