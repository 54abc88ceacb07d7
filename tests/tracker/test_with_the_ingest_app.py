"""The tracker and the ingest app understand each other: the app itself, with a stream in memory."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page
from werkzeug.serving import make_server

from ingest_app import create_app
from ingest_app.aws.stream import StreamUnavailable
from ingest_app.settings import IngestSettings
from tests.tracker.pages import BUTTON, HALF_AN_HOUR, wait, wait_for_pause, wait_until_empty
from tests.tracker.recording_server import RecordingServer

pytestmark = pytest.mark.browser


class StreamInMemory:
    def __init__(self) -> None:
        self.envelopes: list[dict[str, Any]] = []
        self.is_down = False

    def put(self, record: bytes) -> None:
        if self.is_down:
            raise StreamUnavailable("told to")
        self.envelopes.append(json.loads(record))

    @property
    def clicks(self) -> list[dict[str, Any]]:
        return [click for envelope in self.envelopes for click in envelope["clicks"]]


@pytest.fixture
def stream() -> StreamInMemory:
    return StreamInMemory()


@pytest.fixture
def settings() -> IngestSettings:
    return IngestSettings(click_stream="clicks")


@pytest.fixture
def endpoint(settings: IngestSettings, stream: StreamInMemory) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, create_app(settings, stream), threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/clicks"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def home(site: RecordingServer, endpoint: str) -> str:
    attributes = "data-wait=0 data-pageviews data-links data-sessions"
    return site.serve(
        "/", f'<script src="/tracker.min.js" data-endpoint="{endpoint}" {attributes}></script>{BUTTON}'
    )


def test_clicks_become_one_envelope(
    page: Page, home: str, stream: StreamInMemory, warnings: list[str]
) -> None:
    page.goto(home)
    page.click("button")
    page.evaluate("clicks.event('search', {words: 'chimera', results: 3, first: true})")
    wait(page)
    wait_until_empty(page)
    (envelope,) = stream.envelopes
    assert [click["type"] for click in envelope["clicks"]] == ["pageview", "click", "search"]
    assert envelope["clicks"][1]["mysfitId"] == "item-1"
    assert envelope["sentAt"]
    assert warnings == []


def test_clicks_outlast_a_stream_that_is_down(page: Page, home: str, stream: StreamInMemory) -> None:
    stream.is_down = True
    page.goto(home)
    page.click("button")
    wait(page)
    wait_for_pause(page)
    stream.is_down = False
    wait(page, HALF_AN_HOUR)
    wait_until_empty(page)
    assert len(stream.clicks) == 2


def test_refused_click_is_named_and_takes_no_other_with_it(
    page: Page, home: str, stream: StreamInMemory, warnings: list[str]
) -> None:
    page.goto(home)
    page.evaluate("clicks.event('7up'); clicks.track('x'.repeat(129)); clicks.track('fine')")
    wait(page)
    wait_until_empty(page)
    assert [click["type"] for click in stream.clicks] == ["pageview", "click"]
    assert sorted(warnings) == [
        "clicks: mysfitId must be a string of 1 to 128 characters",
        "clicks: type must start with a letter and have at most 64 characters of a-z, 0-9 and _",
    ]


def test_ignored_field_is_named(page: Page, home: str, stream: StreamInMemory, warnings: list[str]) -> None:
    page.goto(home)
    page.evaluate("clicks.track('fine', {words: 'x'.repeat(513)})")
    wait(page)
    wait_until_empty(page)
    assert len(stream.clicks) == 2
    (warning,) = warnings
    assert warning.startswith("clicks: properties.words must be a string")


@pytest.mark.parametrize(
    "settings", [IngestSettings(click_stream="clicks", allowed_origins=frozenset({"https://a.test"}))]
)
def test_refused_page_says_why_and_gives_up(
    page: Page, home: str, stream: StreamInMemory, warnings: list[str]
) -> None:
    page.goto(home)
    wait(page)
    wait_until_empty(page)
    assert stream.envelopes == []
    assert any("403 Pages of this origin are not allowed to send clicks." in warning for warning in warnings)
