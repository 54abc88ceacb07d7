"""The events that API Gateway makes of requests, from recorded ones, and the responses to them."""

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

from tests.ingest_app.conftest import DATA

Event = dict[str, Any]
LambdaResponse = dict[str, Any]
MakeEvent = Callable[..., Event]

OTHER_EVENTS = sorted((DATA / "other-events").iterdir())
"""Events that are not HTTP requests. One file each."""

RAW_COMMAND: Event = json.loads((DATA / "other-events" / "raw-command.json").read_text())
"""Zappa's own handler would run the code that this event names."""

ALMOST_HTTP: list[Event] = [
    {"httpMethod": "", "path": "/clicks", "requestContext": {}},
    {"httpMethod": None, "path": "/clicks", "requestContext": {}},
    {"httpMethod": ["PUT"], "path": "/clicks", "requestContext": {}},
    {"httpMethod": "PUT", "requestContext": {}},
    {"httpMethod": "PUT", "path": "/clicks"},
    {"version": "2.0"},
    {"version": "2.0", "rawPath": "/clicks", "requestContext": {}},
    {"version": "2.0", "rawPath": "/clicks", "requestContext": {"http": "PUT"}},
    {"version": "2.0", "requestContext": {"http": {"method": "PUT"}}},
    {"version": 2.0, "rawPath": "/clicks", "requestContext": {"http": {"method": "PUT"}}},
]


def rest_event(
    method: str,
    path: str,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    query: str = "",
) -> Event:
    """Payload 1.0. Zappa registers */* as binary, so every body is base64."""
    event = _recorded("rest")
    event["httpMethod"] = event["requestContext"]["httpMethod"] = method
    event["path"] = path
    event["requestContext"]["path"] = f"/dev{path}"
    for name, value in (headers or {}).items():
        event["headers"][name] = value
        event["multiValueHeaders"][name] = [value]
    if query:
        parameters = parse_qs(query, keep_blank_values=True)
        event["multiValueQueryStringParameters"] = parameters
        event["queryStringParameters"] = {name: values[-1] for name, values in parameters.items()}
    if body is not None:
        event["body"] = base64.b64encode(body).decode()
        event["isBase64Encoded"] = True
    return event


def http_event(
    method: str,
    path: str,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    query: str = "",
) -> Event:
    """Payload 2.0. Text is text. A form is base64, and so is a body without a Content-Type."""
    event = _recorded("http")
    event["requestContext"]["http"]["method"] = method
    event["rawPath"] = event["requestContext"]["http"]["path"] = f"/production{path}"
    event["rawQueryString"] = query
    event["headers"].update({name.lower(): value for name, value in (headers or {}).items()})
    if body is not None:
        event["headers"]["content-length"] = str(len(body))
        media_type = event["headers"].get("content-type", "")
        is_text = media_type.startswith(("text/", "application/json"))
        event["body"] = body.decode(errors="replace") if is_text else base64.b64encode(body).decode()
        event["isBase64Encoded"] = not is_text
    return event


EVENT_SHAPES: dict[str, Callable[..., Event]] = {"REST": rest_event, "HTTP API": http_event}


def headers_of(response: LambdaResponse) -> dict[str, str]:
    """Return the headers that the client would see, with names in lower case."""
    return {name.lower(): value for name, value in response["headers"].items()}


def body_of(response: LambdaResponse) -> Any:
    assert not response.get("isBase64Encoded"), "a stage without binary types loses this body"
    return json.loads(response["body"])


def _recorded(name: str) -> Event:
    event: Event = json.loads((DATA / "api-gateway" / f"{name}.json").read_text())
    return event
