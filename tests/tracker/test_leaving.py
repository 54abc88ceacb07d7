"""A page goes away, and its last clicks with it: to the server, or to the next page."""

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.tracker.pages import (
    BUTTON,
    HALF_AN_HOUR,
    MINUTE,
    NO_TICKS,
    Track,
    stored,
    track,
    wait,
    wait_for_pause,
    wait_until_empty,
    waiting,
)
from tests.tracker.recording_server import Answer, RecordingServer

pytestmark = pytest.mark.browser

LEAVINGS = 200
LINK = '<a data-click-item="away" href="/arrived">away</a>'
HIDE = """
    Object.defineProperty(Document.prototype, 'hidden', {get: () => true, configurable: true});
    document.dispatchEvent(new Event('visibilitychange', {bubbles: true}));
"""


def test_each_of_200_clicks_that_leave_the_page_arrives(
    page_in_real_time: Page, html: Track, api: RecordingServer, capsys: pytest.CaptureFixture[str]
) -> None:
    page = page_in_real_time
    hop = """<a data-click-item="away">away</a>
        <script>
          const left = new URLSearchParams(location.search).get('left') - 1;
          const link = document.querySelector('a');
          link.href = left ? '/hop?left=' + left : '/arrived';
          onload = () => setTimeout(() => link.click());
        </script>"""
    arrived = html(path="/arrived")
    page.goto(f"{html(hop, path='/hop')}?left={LEAVINGS}", wait_until="commit")
    page.wait_for_url(arrived, timeout=60_000)
    api.wait_for_clicks(LEAVINGS)
    page.clock.install()
    page.goto(arrived)
    wait(page, MINUTE)  # what left before its answer goes once more
    wait_until_empty(page)
    once = set(api.ids)
    assert len(once) == LEAVINGS
    with capsys.disabled():
        twice = len(api.ids) - len(once)
        print(f"\n  {len(once)} of {LEAVINGS} clicks that left the page arrived, {twice} of them twice")


def test_last_clicks_go_at_once_although_a_request_is_under_way(
    page: Page, html: Track, api: RecordingServer
) -> None:
    api.answers = [Answer(is_held=True)]
    html(path="/arrived")
    page.goto(html(BUTTON + LINK))
    page.click("button")
    wait(page)
    api.wait_for_requests(1)
    page.click("a")
    api.wait_for_requests(2)
    assert [click["mysfitId"] for click in api.clicks] == ["item-1", "away"]


def test_last_clicks_that_fit_beside_a_request_under_way_go_at_once(
    page: Page, html: Track, site: RecordingServer, api: RecordingServer
) -> None:
    api.answers = [Answer(is_held=True)]
    page.goto(html())
    track(page, 40, "{text: 'x'.repeat(1000)}")
    wait(page)
    api.wait_for_requests(1)
    track(page, 40, "{text: 'x'.repeat(1000)}")
    page.goto(site.serve("/without-tracker", ""))
    first, last = api.wait_for_requests(2)
    assert 0 < len(last.clicks) < 40
    assert (
        len(first.body) + len(last.body) < 64 * 1024
    )  # what a browser lets a page that leaves have under way


@pytest.mark.parametrize("kept_back", ["visibilitychange", "pagehide"])
def test_one_of_two_events_at_leaving_is_enough(
    kept_back: str,
    context: BrowserContext,
    page: Page,
    html: Track,
    site: RecordingServer,
    api: RecordingServer,
) -> None:
    context.add_init_script(
        f"addEventListener('{kept_back}', (event) => event.stopImmediatePropagation(), true)"
    )
    page.goto(html(BUTTON))
    page.click("button")
    page.goto(site.serve("/without-tracker", ""))
    api.wait_for_clicks(1)


def test_tab_that_is_hidden_sends_what_waits(
    context: BrowserContext, page: Page, html: Track, api: RecordingServer
) -> None:
    context.add_init_script(NO_TICKS)
    page.goto(html(BUTTON))
    page.click("button")
    page.evaluate(HIDE)
    api.wait_for_clicks(1)
    wait_until_empty(page)


def test_beacon_goes_where_requests_cannot_outlive_the_page(
    context: BrowserContext, page: Page, html: Track, api: RecordingServer
) -> None:
    context.add_init_script("delete Request.prototype.keepalive;" + NO_TICKS)
    html(path="/arrived")
    page.goto(html(LINK))
    page.click("a")
    api.wait_for_clicks(1)
    (request,) = api.requests
    assert request.headers["Content-Type"].startswith("text/plain")
    assert (
        request.headers["Sec-Fetch-Mode"] == "no-cors"
    )  # as a beacon's is, and not the tracker's other requests'


def test_what_does_not_fit_at_leaving_goes_from_the_next_page(
    page: Page, html: Track, api: RecordingServer
) -> None:
    page.goto(html())
    track(page, 20, "{text: 'x'.repeat(10000)}")
    page.goto(html(path="/next"))
    (request,) = api.wait_for_requests(1)
    assert 0 < len(request.clicks) < 20
    assert len(request.body) < 60_000
    while waiting(page):
        wait(page, MINUTE)
    assert len(set(api.ids)) == 20


def test_nothing_is_sent_at_leaving_while_the_server_wants_a_pause(
    page: Page, html: Track, api: RecordingServer
) -> None:
    api.answers = [Answer(503, {"Retry-After": "60"})]
    page.goto(html(BUTTON))
    page.click("button")
    wait(page)
    page.wait_for_function("localStorage['clicklake.pause']")
    page.click("button")
    page.goto(html(path="/next"))
    assert len(api.requests) == 1
    assert waiting(page) == 2
    wait(page, 2 * MINUTE)
    api.wait_for_clicks(2)


def test_page_comes_back_from_the_back_forward_cache_and_goes_on(
    page: Page, html: Track, api: RecordingServer
) -> None:
    html(path="/arrived")
    page.goto(
        html(BUTTON + LINK + "<script>addEventListener('pageshow', (e) => { kept = e.persisted })</script>")
    )
    page.click("a")
    page.wait_for_url("**/arrived")
    page.evaluate("history.back()")  # Playwright's own way back waits for a load, which there is none of
    page.wait_for_function("kept")
    page.click("button")
    wait(page)
    api.wait_for_clicks(2)


def test_click_that_another_page_has_sent_is_not_sent_again_from_the_back_forward_cache(
    page: Page, html: Track, api: RecordingServer
) -> None:
    api.answers = [Answer(503, {"Retry-After": "60"})]
    html(path="/arrived")
    kept = "<script>addEventListener('pageshow', (e) => { kept = e.persisted })</script>"
    page.goto(html(BUTTON + kept))
    page.click("button")
    wait(page)
    wait_for_pause(page)
    page.evaluate("location = '/arrived'")
    page.wait_for_url("**/arrived")
    wait(page, HALF_AN_HOUR)
    api.wait_for_requests(2)
    wait_until_empty(page)
    page.evaluate("history.back()")
    page.wait_for_function("kept")
    wait(page, HALF_AN_HOUR)
    page.click("button")
    wait(page)
    api.wait_for_clicks(2)
    assert len(api.ids) == 3


def test_click_that_waits_for_consent_outlasts_the_back_forward_cache(
    page: Page, html: Track, api: RecordingServer
) -> None:
    """It is in the page's memory only."""
    html(path="/arrived", attributes="data-consent=required")
    kept = "<script>addEventListener('pageshow', (e) => { kept = e.persisted })</script>"
    page.goto(html(BUTTON + kept, "data-consent=required"))
    page.click("button")
    page.evaluate("location = '/arrived'")
    page.wait_for_url("**/arrived")
    page.evaluate("history.back()")
    page.wait_for_function("kept")
    page.evaluate("clicks.optIn()")
    wait(page)
    (click,) = api.wait_for_clicks(1)
    assert click["mysfitId"] == "item-1"


def test_click_that_left_unanswered_keeps_its_place_until_another_page_sends_it(
    context: BrowserContext, html: Track, api: RecordingServer
) -> None:
    api.answers = [Answer(is_held=True)]
    page = context.new_page()
    page.goto(html(BUTTON))
    page.click("button")
    page.close(run_before_unload=False)
    (left,) = api.wait_for_clicks(1)
    page = context.new_page()
    page.goto(html())
    wait(page, 20_000)
    assert len(api.requests) == 1
    assert any(left["eventId"] in key for key in stored(page))
    wait(page, 20_000)
    assert api.wait_for_requests(2)[1].clicks == [left]
