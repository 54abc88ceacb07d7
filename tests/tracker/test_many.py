"""Many clicks, and many tabs."""

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.tracker.pages import BUTTON, NO_TICKS, Track, track, wait, wait_until_empty
from tests.tracker.recording_server import Answer, RecordingServer

pytestmark = pytest.mark.browser

LONG_TASK_MS = 50  # from which on a browser calls a task long
TRIES = 3  # a machine that is busy elsewhere stretches every task
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


def test_thousand_clicks_in_a_second_are_few_requests_and_no_long_task(
    page_in_real_time: Page, html: Track, api: RecordingServer, capsys: pytest.CaptureFixture[str]
) -> None:
    page = page_in_real_time
    for _ in range(TRIES):
        api.requests.clear()
        page.goto(html(BUTTON))
        page.evaluate(WATCH_LONG_TASKS)
        page.evaluate(CLICK_FOR_A_SECOND)
        api.wait_for_clicks(1_000)
        wait_until_empty(page)
        assert len(api.ids) == 1_000
        assert len(api.requests) <= 20
        if page.evaluate("longest") == 0:
            break
    else:
        pytest.fail(f"a task of {LONG_TASK_MS} ms or more in each of {TRIES} tries")
    with capsys.disabled():
        print(f"\n  1,000 clicks in a second: {len(api.requests)} requests, no task of {LONG_TASK_MS} ms")


def test_thousand_clicks_in_one_task_are_few_requests(
    page_in_real_time: Page, html: Track, api: RecordingServer
) -> None:
    page = page_in_real_time
    page.goto(html())
    track(page, 1_000)
    api.wait_for_clicks(1_000)
    wait_until_empty(page)
    assert len(api.ids) == 1_000
    assert len(api.requests) <= 20


def test_hundred_clicks_do_not_wait_for_the_next_second(
    context: BrowserContext, page: Page, html: Track, api: RecordingServer
) -> None:
    context.add_init_script(NO_TICKS)
    page.goto(html())
    track(page, 1_000)
    api.wait_for_clicks(901)
    page.wait_for_function("Object.keys(localStorage).length < 100")


def test_two_tabs_send_each_click_once(page_in_real_time: Page, html: Track, api: RecordingServer) -> None:
    page = page_in_real_time
    tabs = [page, page.context.new_page()]
    for tab in tabs:
        tab.goto(html(BUTTON))
        tab.evaluate("i = setInterval(() => document.querySelector('button').click(), 10)")
    api.wait_for_clicks(400)
    for tab in tabs:
        tab.evaluate("clearInterval(i)")
    wait_until_empty(page)
    assert len(api.ids) == len(set(api.ids))


def test_tab_leaves_the_queue_alone_while_another_is_sending(
    context: BrowserContext, page: Page, html: Track, api: RecordingServer
) -> None:
    page.goto(html(BUTTON))
    other = context.new_page()
    other.goto(html(BUTTON))
    lock = "navigator.locks.request('clicklake.click.', () => new Promise((done) => { let_go = done }))"
    other.evaluate(f"void {lock}")
    page.click("button")
    for _ in range(3):
        wait(page)
    assert api.requests == []
    other.evaluate("let_go()")
    wait(page)
    api.wait_for_clicks(1)


@pytest.mark.parametrize("host", ["127.0.0.1", "shop.test"], ids=["with locks", "over plain http"])
def test_tab_sends_one_request_at_a_time(
    host: str, page: Page, html: Track, site: RecordingServer, api: RecordingServer
) -> None:
    api.answers = [Answer(is_held=True)]
    html(BUTTON)
    page.goto(site.url(host=host))
    page.click("button")
    wait(page)
    api.wait_for_requests(1)
    page.click("button")
    for _ in range(3):
        wait(page)
    assert len(api.requests) == 1
    api.release()
    wait_until_empty(page)
    assert len(api.requests) == 2
