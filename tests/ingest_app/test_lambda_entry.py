"""The Lambda handler in this process: it passes HTTP events on to Zappa, and runs nothing for others."""

import copy
import gc
import importlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from flask import request
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.ingest_app.events import (
    ALMOST_HTTP,
    EVENT_SHAPES,
    OTHER_EVENTS,
    RAW_COMMAND,
    Event,
    MakeEvent,
    body_of,
)
from tests.support.paths import ROOT

ZAPPA = json.loads((ROOT / "zappa_settings.json").read_text())["dev"]


@pytest.fixture(scope="module")
def lambda_entry() -> Iterator[ModuleType]:
    """The entry module, imported beside the settings that Zappa would write into the bundle."""
    zappa_settings = ModuleType("zappa_settings")
    module, _, function = ZAPPA["app_function"].rpartition(".")
    vars(zappa_settings).update(
        APP_MODULE=module,
        APP_FUNCTION=function,
        APP_TYPE=ZAPPA["app_type"],
        ADDITIONAL_TEXT_MIMETYPES=ZAPPA["additional_text_mimetypes"],
        API_STAGE="dev",
        AUTHORIZER_FUNCTION=None,
        AWS_BOT_EVENT_MAPPING={},
        AWS_EVENT_MAPPING={},
        BASE_PATH=None,
        BINARY_SUPPORT=True,
        COGNITO_TRIGGER_MAPPING={},
        CONTEXT_HEADER_MAPPINGS=None,
        DEBUG=False,
        DJANGO_SETTINGS=None,
        DOMAIN=None,
        ENVIRONMENT_VARIABLES={"CLICK_STREAM": "clicks", "AWS_REGION": "us-east-1"},
        EXCEPTION_HANDLER=None,
        LOG_LEVEL=None,
        PROJECT_NAME="clicklake",
    )
    thresholds = gc.get_threshold()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "environ", dict(os.environ))  # Zappa writes into it
        patch.setitem(sys.modules, "zappa_settings", zappa_settings)
        for name in ("ingest_app.wsgi", "ingest_app.lambda_entry"):
            patch.delitem(sys.modules, name, raising=False)
        yield importlib.import_module("ingest_app.lambda_entry")
    gc.unfreeze()
    gc.set_threshold(*thresholds)


@pytest.fixture(params=EVENT_SHAPES)
def make_event(request: pytest.FixtureRequest) -> MakeEvent:
    return EVENT_SHAPES[request.param]


def refused(entry: ModuleType) -> dict[str, Any]:
    return {"refused": entry.REFUSED}


def test_http_event_is_answered_by_the_app(lambda_entry: ModuleType, make_event: MakeEvent) -> None:
    response = lambda_entry.lambda_handler(make_event("GET", "/health"), None)
    assert (response["statusCode"], body_of(response)["status"]) == (200, "ok")
    assert "multiValueHeaders" not in response


def test_app_of_the_bundle_is_the_one_that_gunicorn_serves(lambda_entry: ModuleType) -> None:
    from ingest_app import wsgi

    assert wsgi.app.test_client().get("/health").status_code == 200


def test_stage_variables_do_not_become_environment_variables(
    lambda_entry: ModuleType, make_event: MakeEvent
) -> None:
    event = {**make_event("GET", "/health"), "stageVariables": {"MARK": "changed"}}
    assert lambda_entry.lambda_handler(event, None)["statusCode"] == 200
    assert "MARK" not in os.environ


@pytest.mark.parametrize("file", OTHER_EVENTS, ids=lambda file: file.stem)
def test_other_events_are_refused(
    lambda_entry: ModuleType, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    event = json.loads(file.read_text())
    assert lambda_entry.lambda_handler(event, None) == refused(lambda_entry)
    assert capsys.readouterr().out == lambda_entry.REFUSED + "\n"


@pytest.mark.parametrize("event", ALMOST_HTTP, ids=json.dumps)
def test_event_that_is_almost_http_is_refused(lambda_entry: ModuleType, event: Event) -> None:
    assert lambda_entry.lambda_handler({**event, **RAW_COMMAND}, None) == refused(lambda_entry)


@pytest.mark.parametrize("event", [None, [], "GET /health", 5])
def test_event_that_is_not_an_object_is_refused(lambda_entry: ModuleType, event: Any) -> None:
    assert lambda_entry.lambda_handler(event, None) == refused(lambda_entry)


def alb_event(event: Event) -> Event:
    """Turn a REST event into one of a load balancer whose target group sends lists."""
    lists = {name: [value] for name, value in event["headers"].items()}
    query = {name: ["a%40b.example"] for name in ["userId"]} | {"itemId": ["1"]}
    return {
        "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:…"}},
        "httpMethod": event["httpMethod"],
        "path": event["path"],
        "multiValueHeaders": lists,
        "multiValueQueryStringParameters": query,
        "body": event.get("body") or "",
        "isBase64Encoded": event.get("isBase64Encoded", False),
    }


def test_lists_of_headers_are_read_and_answered(lambda_entry: ModuleType) -> None:
    event = alb_event(EVENT_SHAPES["REST"]("GET", "/health", {"Origin": "https://shop.example"}))
    response = lambda_entry.lambda_handler(event, None)
    assert response["statusCode"] == 200
    assert response["multiValueHeaders"]["Access-Control-Allow-Origin"] == ["*"]
    assert response["headers"]["Access-Control-Allow-Origin"] == "*"


def test_query_of_a_load_balancer_is_decoded(
    lambda_entry: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    query: dict[str, Any] = {}
    (view,) = [view for name, view in lambda_entry.app.view_functions.items() if name == "collect_pixel"]

    def keep() -> Any:
        query.update(request.args)
        return view.__self__.health()

    monkeypatch.setitem(lambda_entry.app.view_functions, "collect_pixel", keep)
    event = alb_event(EVENT_SHAPES["REST"]("GET", "/clicks.gif"))
    assert lambda_entry.lambda_handler(event, None)["statusCode"] == 200
    assert query == {"userId": "a@b.example", "itemId": "1"}
    event = alb_event(EVENT_SHAPES["REST"]("GET", "/clicks.gif"))
    event["queryStringParameters"] = {"user%49d": "x%20y", "itemId": None}
    del event["multiValueQueryStringParameters"]
    query.clear()
    assert lambda_entry.lambda_handler(event, None)["statusCode"] == 200
    assert query == {"userId": "x y", "itemId": "None"}


REST = EVENT_SHAPES["REST"]("PUT", "/clicks", {"Origin": "https://shop.example"}, b"[]")
HTTP = EVENT_SHAPES["HTTP API"]("PUT", "/clicks", {"Origin": "https://shop.example"}, b"[]")
ODD: dict[str, Event] = {
    "base64 that is none": REST | {"body": "A"},
    "base64 in other letters": REST | {"body": "é"},
    "base64 that is a number": REST | {"body": 5},
    "base64 that is none, HTTP API": HTTP | {"body": "A", "isBase64Encoded": True},
    "a surrogate in the body": REST | {"body": "\ud800", "isBase64Encoded": False},
    "a surrogate in the body, HTTP API": HTTP | {"body": "\ud800", "isBase64Encoded": False},
    "a body that is an object": REST | {"body": {}, "isBase64Encoded": False},
    "a body that is a number": HTTP | {"body": 5, "isBase64Encoded": False},
    "a surrogate in the path": REST | {"path": "/\ud800"},
    "a surrogate in the path, HTTP API": HTTP | {"rawPath": "/\ud800"},
    "a surrogate in the query": REST | {"multiValueQueryStringParameters": {"a": ["\ud800"]}},
    "a surrogate in the query, HTTP API": HTTP | {"rawQueryString": "\ud800"},
    "a query that is a number": REST | {"multiValueQueryStringParameters": 5},
    "headers that are null": REST | {"headers": None, "multiValueHeaders": None},
    "headers that are null, HTTP API": HTTP | {"headers": None},
    "headers that are a list": REST | {"headers": ["a"], "multiValueHeaders": None},
    "headers that are numbers": REST | {"headers": {"Origin": 5, "X": None}},
    "headers that are numbers, HTTP API": HTTP | {"headers": {"origin": 5, "x": None}},
    "lists of headers that are numbers": REST | {"headers": None, "multiValueHeaders": {"Origin": [5]}},
    "lists of headers that are a number": REST | {"headers": None, "multiValueHeaders": 5},
    "no headers at all": {name: value for name, value in REST.items() if "eaders" not in name},
    "an authorizer that is a string": REST | {"requestContext": {"authorizer": "x"}},
    "an identity that is a string": REST | {"requestContext": {"identity": "x"}},
    "a client that is a string": HTTP | {"requestContext": {"http": {"method": "PUT"}, "stage": 5}},
    "cookies that are numbers": HTTP | {"cookies": [5]},
    "a method of control characters": REST | {"httpMethod": "P\x00T"},
    "a surrogate in the method": REST | {"httpMethod": "\ud800"},
    "a surrogate in a header": REST | {"headers": {"Origin": "\ud800", "Content-Type": "\ud800"}},
}


@pytest.mark.parametrize("event", ODD.values(), ids=ODD)
def test_odd_event_gets_a_problem_document_with_cors(
    lambda_entry: ModuleType, event: Event, capsys: pytest.CaptureFixture[str]
) -> None:
    response = lambda_entry.lambda_handler(copy.deepcopy(event), None)
    assert response["statusCode"] in (400, 404, 405, 415)
    assert response["headers"]["Access-Control-Allow-Origin"] == "*"
    assert response["headers"]["Content-Type"] == "application/problem+json"
    assert body_of(response)["code"] != "internal_error"
    assert "zappa" not in response["body"]
    assert "Refused" in capsys.readouterr().out


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    base=st.sampled_from([REST, HTTP]),
    changes=st.dictionaries(
        st.sampled_from(
            [*REST, "rawPath", "rawQueryString", "cookies", "multiValueHeaders", "queryStringParameters"]
        ),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(st.characters(codec=None), max_size=5),
            lambda inner: (
                st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2)
            ),
            max_leaves=4,
        ),
        max_size=3,
    ),
)
def test_any_event_is_refused_or_answered_by_the_app(
    lambda_entry: ModuleType, base: Event, changes: Event
) -> None:
    event = copy.deepcopy({**base, **changes})
    response = lambda_entry.lambda_handler(event, None)
    if response != refused(lambda_entry):
        assert response["statusCode"] < 500
        assert response["headers"]["Access-Control-Allow-Origin"] == "*"


def test_garbage_collector_is_on_again(lambda_entry: ModuleType) -> None:
    assert gc.isenabled()
    assert gc.get_freeze_count() > 10_000
