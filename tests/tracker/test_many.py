"""Many clicks, and many tabs."""

import pytest
from playwright.sync_api import Browser, Page

from tests.tracker.pages import BUTTON, Track, track, wait_until_empty
from tests.tracker.recording_server import RecordingServer

pytestmark = pytest.mark.browser

LONG_TASK_MS = 50
WATCH_LONG_TASKS = """
    longest = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) longest = Math.max(longest, entry.duration);
    }).observe({type: 'longtask'});
"""
CLICK_FOR_A_SECOND = """
    async () => {
      const button = document.querySelector('button');
      for (let i = 0; i < 100; i++) {
        for (let j = 0; j < 10; j++) button.click();
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
"""


@pytest.fixture
def page(browser: Browser) -> Page:
    """Under the real clock."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


def test_thousand_clicks_in_a_second_are_few_requests_and_no_long_task(
    page: Page, html: Track, api: RecordingServer, capsys: pytest.CaptureFixture[str]
) -> None:
    page.goto(html(BUTTON))
    page.evaluate(WATCH_LONG_TASKS)
    page.evaluate(CLICK_FOR_A_SECOND)
    api.wait_for_clicks(1_000)
    wait_until_empty(page)
    longest = page.evaluate("longest")
    assert len(api.ids) == 1_000
    assert len(api.requests) <= 20
    assert longest < LONG_TASK_MS
    with capsys.disabled():
        print(f"\n  1,000 clicks in a second: {len(api.requests)} requests, no task of {LONG_TASK_MS} ms")


def test_thousand_clicks_in_one_task_are_few_requests(page: Page, html: Track, api: RecordingServer) -> None:
    page.goto(html())
    track(page, 1_000)
    api.wait_for_clicks(1_000)
    wait_until_empty(page)
    assert len(api.ids) == 1_000
    assert len(api.requests) <= 20


def test_two_tabs_send_each_click_once(page: Page, html: Track, api: RecordingServer) -> None:
    tabs = [page, page.context.new_page()]
    for tab in tabs:
        tab.goto(html(BUTTON))
        tab.evaluate("i = setInterval(() => document.querySelector('button').click(), 10)")
    api.wait_for_clicks(400)
    for tab in tabs:
        tab.evaluate("clearInterval(i)")
    wait_until_empty(page)
    assert len(api.ids) == len(set(api.ids))
