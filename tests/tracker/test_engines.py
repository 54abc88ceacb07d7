"""The tracker delivers in Firefox and in WebKit as it does in Chromium."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.support.engines import Engine, EngineMissingError, firefox, webkit
from tests.tracker.pages import BUTTON, Track
from tests.tracker.recording_server import Answer, RecordingServer

pytestmark = pytest.mark.browser

ENGINES: dict[str, Callable[[Path], AbstractContextManager[Engine]]] = {"firefox": firefox, "webkit": webkit}
LINK = '<a data-click-item="away" href="/arrived">away</a>'
COUNT = "return Object.keys(localStorage).filter((key) => key.startsWith('clicklake.click.')).length"


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        try:
            with ENGINES[request.param](Path(folder)) as engine:
                yield engine
        except EngineMissingError as error:
            if os.environ.get("CLICKLAKE_ALL_ENGINES"):
                raise
            pytest.skip(f"{error} (Debian: apt-get install firefox-esr webkit2gtk-driver xvfb)")


def wait_until(engine: Engine, script: str, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not engine.run(script):
        assert time.monotonic() < deadline, script
        time.sleep(0.05)


def wait_until_empty(engine: Engine) -> None:
    wait_until(engine, COUNT.replace("length", "length === 0"))


def test_clicks_arrive_together_without_a_preflight(
    engine: Engine, html: Track, api: RecordingServer
) -> None:
    engine.go(html(BUTTON, "data-sessions", may_wait="data-wait=1"))
    engine.click("button")
    engine.click("button")
    clicks = api.wait_for_clicks(2)
    assert clicks[0]["element"] == {"tag": "button", "text": "One"}
    assert len({click["sessionId"] for click in clicks}) == 1
    assert api.preflights == 0
    wait_until_empty(engine)


def test_click_that_leaves_the_page_arrives(engine: Engine, html: Track, api: RecordingServer) -> None:
    html(path="/arrived")
    engine.go(html(LINK, may_wait="data-wait=3600"))
    engine.click("a")
    assert api.wait_for_clicks(1)[0]["mysfitId"] == "away"


def test_click_arrives_when_the_server_is_back(engine: Engine, html: Track, api: RecordingServer) -> None:
    engine.go(html(BUTTON))
    api.stop()
    engine.click("button")
    wait_until(engine, "return localStorage['clicklake.pause'] > 0")
    api.start()
    api.wait_for_clicks(1)
    wait_until_empty(engine)
    assert len(api.ids) == 1


def test_click_that_was_turned_away_goes_from_the_next_page(
    engine: Engine, html: Track, api: RecordingServer
) -> None:
    api.answers = [Answer(503)]
    engine.go(html(BUTTON))
    engine.click("button")
    api.wait_for_requests(1)
    wait_until(engine, "return localStorage['clicklake.pause'] > 0")
    engine.go(html(path="/next"))
    first, second = api.wait_for_requests(2)
    assert first.clicks == second.clicks
    wait_until_empty(engine)


def test_page_that_comes_back_from_the_back_forward_cache_goes_on(
    engine: Engine, html: Track, api: RecordingServer
) -> None:
    show = "<script>addEventListener('pageshow', (event) => { document.title = event.persisted })</script>"
    html(path="/arrived")
    engine.go(html(BUTTON + LINK + show, "data-pageviews", path="/back"))
    wait_until_empty(engine)
    engine.click("a")
    wait_until(engine, "return location.pathname === '/arrived'")
    engine.run("setTimeout(() => history.back())")
    title = "true" if engine.keeps_pages else "false"
    wait_until(engine, f"return location.pathname === '/back' && document.title === '{title}'")
    engine.click("button")
    api.wait_for(lambda: any(click.get("mysfitId") == "item-1" for click in api.clicks))
    views = {
        click["eventId"] for click in api.clicks if click["type"] == "pageview" and "/back" in click["url"]
    }
    assert len(views) == 2
