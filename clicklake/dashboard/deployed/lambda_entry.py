"""The Lambda function: HTTP events only, as the ingest app's lambda_entry.py has it, and for the same reason.

Zappa's own handler would run any code that another event names.
"""

import gc

gc.disable()  # while modules are imported: they leave nothing behind

from typing import Any  # noqa: E402
from urllib.parse import urlencode  # noqa: E402

from zappa.handler import LambdaHandler  # type: ignore[import-untyped]  # noqa: E402

Event = dict[str, Any]
LambdaAnswer = dict[str, Any]

WARM_UP = {"httpMethod": "GET", "path": "/health", "headers": {}, "requestContext": {}}
REFUSED = "This function only answers HTTP requests from API Gateway. It ran nothing for this event."

LambdaHandler.lambda_handler(dict(WARM_UP), None)  # imports the app, while Lambda gives a whole CPU

gc.freeze()
gc.enable()


def lambda_handler(event: Event, context: Any) -> LambdaAnswer:
    if not is_request(event):
        print(REFUSED)
        return {"refused": REFUSED}
    event.pop("stageVariables", None)  # Zappa would copy these into the environment, which has the settings
    event["requestContext"].pop("authorizer", None)
    return with_slash(event) or dict(LambdaHandler.lambda_handler(event, context))


def is_request(event: Any) -> bool:
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
    method = event.get("httpMethod")
    return isinstance(method, str) and method != "" and isinstance(event.get("path"), str)


def with_slash(event: Event) -> LambdaAnswer | None:
    """Return a redirect to the dashboard's folder for an address without its slash; None for all others.

    Every link in a page is relative, so /dashboard_dev has to become /dashboard_dev/.
    """
    context = event["requestContext"]
    if event.get("version") == "2.0":
        stage = context.get("stage")
        public, is_root = event["rawPath"], event["rawPath"] == f"/{stage}"
        query = event.get("rawQueryString", "")
    else:
        public, is_root = context.get("path"), event["path"] == "/"
        lists = event.get("multiValueQueryStringParameters") or {}
        query = urlencode([(name, value) for name, values in lists.items() for value in values or ()])
    if not is_root or not isinstance(public, str) or not public or public.endswith("/"):
        return None
    location = f"/{public.strip('/')}/{f'?{query}' if query else ''}"
    headers = {"Location": location, "Cache-Control": "no-store"}
    return {"statusCode": 308, "headers": headers, "body": "", "isBase64Encoded": False}
