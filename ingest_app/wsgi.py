"""What Zappa loads: `app`, and the Lambda handler, which answers HTTP events and nothing else.

Everything a reader would not expect of a cold start stands here:

- The garbage collector waits until all modules are loaded, and never looks at them again (13 ms of 176 ms).
- A block of 4 MB is made and given back, untouched: by it glibc learns to keep that much of what is freed.
  Else it hands the memory of a large request back to the kernel, and asks for it anew for the next: 216 page
  faults, 7 % of a request of 500 clicks.
- Zappa's settings come first, so that the app can be made here, at init. So is Zappa's handler, while this
  module is still being imported, because Zappa imports it for `app`. Left to itself, Zappa makes both on
  the first request, for which a visitor waits, at the function's share of a CPU: 185 ms instead of 4 ms.
- A request for /health is answered before the first visitor's: what Flask and Werkzeug leave for their first
  request takes 1 ms.
"""

import gc

gc.disable()

from typing import Any  # noqa: E402

import zappa.handler  # type: ignore[import-untyped]  # noqa: E402
from zappa.handler import LambdaHandler  # noqa: E402

from ingest_app import create_app  # noqa: E402
from ingest_app.settings import adopt_zappa_environment  # noqa: E402

on_lambda = adopt_zappa_environment()
app = create_app()
if on_lambda:
    zappa.handler.common_log = lambda *_, **__: None  # an access line that LOG_LEVEL drops: 6 µs to write
    LambdaHandler.lambda_handler(
        {"httpMethod": "GET", "path": "/health", "headers": {}, "requestContext": {}}, None
    )

bytes(4 * 1024 * 1024)
gc.freeze()
gc.set_threshold(10_000)  # once in 900 requests; at 50,000 what waits for it made the peak grow by a tenth
gc.enable()

REFUSED = "This function answers HTTP requests from API Gateway, and nothing else; nothing was run."


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Pass on HTTP events only: Zappa's own handler runs whatever code any other event names."""
    if not is_http(event):
        print(REFUSED)
        return {"refused": REFUSED}
    # Zappa would put these into the environment, where our settings and boto3's are.
    event.pop("stageVariables", None)
    # What is in `headers` too. Zappa would answer in kind, with a look at each header for each: 12 µs.
    event.pop("multiValueHeaders", None)
    answer: dict[str, Any] = LambdaHandler.lambda_handler(event, context)
    return answer


def is_http(event: Any) -> bool:
    """A request as REST (1.0) or HTTP API (2.0) hand it on; an authorizer's looks alike, but has a type."""
    if not isinstance(event, dict) or "type" in event:
        return False
    context = event.get("requestContext")
    if not isinstance(context, dict):
        return False
    if event.get("version") == "2.0":
        return isinstance(context.get("http"), dict) and isinstance(event.get("rawPath"), str)
    # An empty method is none to Zappa, which would go on to look for commands.
    method = event.get("httpMethod")
    return isinstance(method, str) and method != "" and isinstance(event.get("path"), str)
