"""data-wait: how long a click may wait for others."""

import pytest
from playwright.sync_api import Page

from tests.tracker.pages import BUTTON, MINUTE, SECOND, Track, track, wait, wait_for_pause, wait_until_empty
from tests.tracker.recording_server import Answer, RecordingServer

pytestmark = pytest.mark.browser


def pass_seconds(page: Page, seconds: int) -> None:
    for _ in range(seconds):
        page.clock.run_for(SECOND)


@pytest.mark.parametrize(("attribute", "seconds"), [("data-wait=4", 4), ("", 15)])
def test_clicks_wait_for_others(
    attribute: str, seconds: int, page: Page, html: Track, api: RecordingServer
) -> None:
    page.goto(html(BUTTON, may_wait=attribute))
    pass_seconds(page, 20)  # a click waits from its own time on, not from the page's
    page.click("button")
    pass_seconds(page, seconds - 1)
    page.click("button")
    assert api.requests == []
    pass_seconds(page, 2)  # the tracker looks once a second
    assert len(api.wait_for_requests(1)[0].clicks) == 2
    wait_until_empty(page)
    page.click("button")
    pass_seconds(page, seconds - 1)
    assert len(api.requests) == 1
    pass_seconds(page, 2)
    api.wait_for_requests(2)


@pytest.mark.parametrize("value", ["soon", "0", "", "-1"])
def test_wait_that_is_no_time_is_none(value: str, page: Page, html: Track, api: RecordingServer) -> None:
    page.goto(html(BUTTON, may_wait=f'data-wait="{value}"'))
    page.click("button")
    wait(page)
    api.wait_for_clicks(1)


def test_page_that_is_left_does_not_wait(page: Page, html: Track, api: RecordingServer) -> None:
    page.goto(html(BUTTON, may_wait="data-wait=3600"))
    page.click("button")
    page.goto(html(path="/next"))
    api.wait_for_clicks(1)


def test_hundred_clicks_do_not_wait(page: Page, html: Track, api: RecordingServer) -> None:
    page.goto(html(may_wait="data-wait=3600"))
    track(page, 99)
    wait(page)
    assert api.requests == []
    track(page, 1)
    wait(page)
    api.wait_for_clicks(100)


def test_what_an_earlier_page_left_behind_does_not_wait(
    page: Page, html: Track, api: RecordingServer
) -> None:
    api.answers = [Answer(503)]
    page.goto(html(BUTTON))
    page.click("button")
    wait(page)
    wait_for_pause(page)
    page.goto(html(path="/next", may_wait="data-wait=3600"))
    wait(page, MINUTE)
    api.wait_for_requests(2)


def test_clock_that_is_set_back_makes_no_click_wait(page: Page, html: Track, api: RecordingServer) -> None:
    page.goto(
        html(
            BUTTON,
            may_wait="data-wait=2",
            head="<script>real = Date.now; off = 0; Date.now = () => real() + off</script>",
        )
    )
    page.click("button")
    page.evaluate("off = -3600000")
    pass_seconds(page, 4)
    api.wait_for_clicks(1)


def test_tracker_that_has_nothing_to_do_sets_no_timer(page: Page, html: Track, api: RecordingServer) -> None:
    count = "timers = 0; const set = setTimeout; setTimeout = (...args) => (timers++, set(...args))"
    page.goto(html(BUTTON, head=f"<script>{count}</script>"))
    page.click("button")
    pass_seconds(page, 3)
    api.wait_for_clicks(1)
    wait_until_empty(page)
    before = page.evaluate("timers")
    pass_seconds(page, 10)
    assert page.evaluate("timers") == before
