"""Events as gateways really send them, and the answer to those that Zappa cannot read.

API Gateway's own events need little. An Application Load Balancer may send headers as lists, and sends the
query percent-encoded. What is still malformed afterwards is answered like any other bad request.
"""

from typing import Any
from urllib.parse import unquote_plus

from ingest_app.headers import response_headers
from ingest_app.problems import ApiProblem

Event = dict[str, Any]
LambdaResponse = dict[str, Any]

MALFORMED = "The gateway's event is malformed: its path, query, headers or body cannot be read."

# Every response of the app has this header. What Zappa answers by itself has none.
_MARK = "Content-Security-Policy"


def prepare_event(event: Event) -> bool:
    """Bring the event into the shape that Zappa reads. Return whether the response needs lists of headers."""
    # Zappa would copy these into the environment, which has the app's settings and boto3's.
    event.pop("stageVariables", None)
    # `headers` has the same values, unless a load balancer sends only lists. Zappa would write every response
    # header twice, and look each one up among all others (12 µs a request, benchmarks/warm.py).
    lists = event.pop("multiValueHeaders", None)
    headers = event.get("headers")
    needs_lists = not headers and bool(lists)
    if needs_lists and isinstance(lists, dict):
        headers = {name: ",".join(values) for name, values in lists.items() if _are_texts(values)}
    event["headers"] = headers or {}
    context = event["requestContext"]
    context.pop("authorizer", None)  # the app has none, and Zappa would trust its shape
    if context.get("elb"):
        for name in ("queryStringParameters", "multiValueQueryStringParameters"):
            if name in event:
                event[name] = _unquote(event[name])
    return needs_lists


def read_response(app: Any, event: Event, response: Any, needs_lists: bool) -> LambdaResponse:
    """Return Zappa's response, or that to a malformed event if Zappa could not read it."""
    if not isinstance(response, dict) or _MARK not in response.get("headers", ()):
        response = _refuse_malformed(app, event)
    if needs_lists:
        response["multiValueHeaders"] = {name: [value] for name, value in response["headers"].items()}
    answer: LambdaResponse = response
    return answer


def _refuse_malformed(app: Any, event: Event) -> LambdaResponse:
    headers = event["headers"] if isinstance(event["headers"], dict) else {}
    origin = next((value for name, value in headers.items() if name.lower() == "origin"), None)
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/",
        "SERVER_NAME": "lambda",
        "SERVER_PORT": "443",
        "wsgi.url_scheme": "https",
    }
    with app.request_context(environ):
        problem = app.handle_user_exception(ApiProblem("bad_request", MALFORMED))
        more = response_headers(
            origin if isinstance(origin, str) else None, app.config["CLICKLAKE_ALLOWED_ORIGINS"]
        )
        return {
            "statusCode": problem.status_code,
            "headers": {**problem.headers, **more},
            "body": problem.get_data(as_text=True),
            "isBase64Encoded": False,
        }


def _are_texts(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)


def _unquote(query: Any) -> Any:
    if isinstance(query, str):
        return unquote_plus(query)
    if isinstance(query, list):
        return [_unquote(value) for value in query]
    if isinstance(query, dict):
        return {_unquote(name): _unquote(value) for name, value in query.items()}
    return query
