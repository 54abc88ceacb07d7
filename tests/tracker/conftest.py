"""A browser, a site, and an endpoint of another origin. What is tested is the minified tracker."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.tracker import recording_server
from tests.tracker.recording_server import RecordingServer


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A visitor: a storage of their own, and a clock that a test may put forward."""
    context = browser.new_context()
    context.set_default_timeout(recording_server.WAIT_SECONDS * 1000)
    context.clock.install()
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture
def page_in_real_time(browser: Browser) -> Iterator[Page]:
    """For what is measured, and for many page loads: the clock of `context` slows each of them down."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.fixture
def site() -> Iterator[RecordingServer]:
    with RecordingServer() as server:
        yield server


@pytest.fixture
def api() -> Iterator[RecordingServer]:
    with RecordingServer() as server:
        yield server


@pytest.fixture
def build() -> str:
    """The file that pages load."""
    return "tracker.min.js"


@pytest.fixture
def html(site: RecordingServer, api: RecordingServer, build: str) -> Callable[..., str]:
    """Serve a page with a tracker that sends clicks within a second, and return the page's URL."""

    def serve(
        body: str = "",
        attributes: str = "",
        path: str = "/",
        head: str = "",
        may_wait: str = "data-wait=0",
        **headers: str,
    ) -> str:
        tag = f'<script src="/{build}" data-endpoint="{api.endpoint}" {may_wait} {attributes}></script>'
        return site.serve(path, f"<!doctype html><title>{path}</title>{head}{tag}{body}", **headers)

    return serve


@pytest.fixture
def warnings(page: Page) -> list[str]:
    """What the console has said of itself, from a warning on."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "warning" else None)
    page.on("pageerror", lambda error: said.append(f"thrown: {error}"))
    return said
