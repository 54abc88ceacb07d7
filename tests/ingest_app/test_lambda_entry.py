"""The Lambda handler in this process: it passes HTTP events on to Zappa, and runs nothing for others."""

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
    settings = ModuleType("zappa_settings")
    module, _, function = ZAPPA["app_function"].rpartition(".")
    vars(settings).update(
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
        patch.setitem(sys.modules, "zappa_settings", settings)
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


def test_garbage_collector_is_on_again(lambda_entry: ModuleType) -> None:
    assert gc.isenabled()
    assert gc.get_freeze_count() > 10_000
