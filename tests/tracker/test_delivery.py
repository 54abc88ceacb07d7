"""What the tracker sends arrives once it can; the click keeps its id and its time."""

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.tracker.pages import (
    BUTTON,
    DAY,
    HALF_AN_HOUR,
    MINUTE,
    SECOND,
    Track,
    pause_of,
    stored,
    track,
    wait,
    wait_for_pause,
    wait_until_empty,
    waiting,
)
from tests.tracker.recording_server import Answer, RecordingServer

pytestmark = pytest.mark.browser

BROKEN = Answer(None)
THROTTLED_BY_A_GATEWAY = Answer(429, is_readable=False)


def test_clicks_go_together_without_preflight_or_cookie(
    page: Page, html: Track, api: RecordingServer
) -> None:
    page.goto(html(BUTTON))
    page.evaluate("for (let n = 0; n < 3; n++) document.querySelector('button').click()")
    api.wait_for_clicks(3)
    (request,) = api.requests
    assert request.headers["Content-Type"].startswith("text/plain")
    assert "Cookie" not in request.headers
    assert api.preflights == 0
    wait_until_empty(page)
    assert stored(page) == {}


def test_click_is_sent_again_as_it_was_after_each_passing_failure(
    page: Page, html: Track, api: RecordingServer, warnings: list[str]
) -> None:
    passing = [BROKEN, THROTTLED_BY_A_GATEWAY, *map(Answer, (408, 429, 500, 502, 503, 504))]
    api.answers = [*passing, Answer(503, {"Retry-After": "soon"})]
    page.goto(html(BUTTON))
    page.click("button")
    for tries in range(1, len(passing) + 2):
        wait(page, HALF_AN_HOUR)
        api.wait_for_requests(tries)
        wait_for_pause(page)
    wait(page, HALF_AN_HOUR)
    wait_until_empty(page)
    first, *others = api.wait_for_requests(len(passing) + 2)
    assert all(request.clicks == first.clicks for request in others)
    assert warnings == []


def test_click_is_never_sent_again_after_a_refusal(
    page: Page, html: Track, api: RecordingServer, warnings: list[str]
) -> None:
    refusals = [400, 401, 403, 404, 405, 415, 422]
    page.goto(html(BUTTON))
    for status in refusals:
        api.otherwise = Answer(status, document={"detail": "Not like this."})
        page.click("button")
        wait(page)
        wait_until_empty(page)
    wait(page, HALF_AN_HOUR)
    assert len(api.requests) == len(api.ids) == len(refusals)
    said = [warning for warning in warnings if warning.startswith("clicks:")]
    assert said == [f"clicks: {status} Not like this." for status in refusals]


def test_retry_after_is_kept_by_the_page_the_next_page_and_the_other_tab(
    context: BrowserContext, html: Track, api: RecordingServer
) -> None:
    api.answers = [Answer(503, {"Retry-After": "20"})]
    page = context.new_page()
    page.goto(html(BUTTON))
    page.click("button")
    wait(page)
    wait_for_pause(page)
    page.reload()
    page.click("button")
    other = context.new_page()
    other.goto(html(BUTTON))
    other.click("button")
    wait(page, 15_000)  # of both tabs: they share the clock
    page.close()  # a page that leaves keeps the pause too
    assert len(api.requests) == 1
    wait(other, 10_000)
    assert len({click["eventId"] for click in api.wait_for_clicks(3)}) == 3


def test_server_that_wants_a_day_is_asked_again_after_half_an_hour(
    page: Page, html: Track, api: RecordingServer
) -> None:
    api.otherwise = Answer(503, {"Retry-After": "86400"})
    page.goto(html(BUTTON))
    page.click("button")
    wait(page)
    wait_for_pause(page)
    assert HALF_AN_HOUR - MINUTE < pause_of(page) <= HALF_AN_HOUR
    wait(page, HALF_AN_HOUR)
    api.wait_for_requests(2)


def test_pauses_grow_from_failure_to_failure(page: Page, html: Track, api: RecordingServer) -> None:
    api.otherwise = Answer(500)
    page.goto(html(BUTTON))
    page.click("button")
    pauses = []
    for failures in range(1, 6):
        wait(page, HALF_AN_HOUR)
        api.wait_for_requests(failures)
        wait_for_pause(page)
        pauses.append(pause_of(page))
    assert all(after > before for before, after in zip(pauses, pauses[2:], strict=False))
    # Between 8 and 16 s, then 16 and 32. A second or two may have passed meanwhile.
    assert 6 * SECOND < pauses[3] <= 16 * SECOND
    assert 14 * SECOND < pauses[4] <= 32 * SECOND


def test_pause_ends_with_a_success(page: Page, html: Track, api: RecordingServer) -> None:
    api.answers = [Answer(500)] * 4
    page.goto(html(BUTTON))
    page.click("button")
    for failures in range(1, 5):
        wait(page, HALF_AN_HOUR)
        api.wait_for_requests(failures)
        wait_for_pause(page)
    wait(page, HALF_AN_HOUR)
    wait_until_empty(page)
    api.answers = [Answer(500)]
    page.click("button")
    wait(page)
    wait_for_pause(page)
    assert pause_of(page) <= 2 * SECOND
    wait(page, 3 * SECOND)  # the click is free again at once, not when its answer would be late
    assert len(api.wait_for_requests(7)[-1].clicks) == 1


@pytest.mark.parametrize(
    ("most", "clicks", "too_many", "requests"), [(10, 90, [90, 45, 22, 11], 4 + 18), (1, 5, [5, 2], 2 + 5)]
)
def test_413_halves_the_batch_and_remembers(
    most: int,
    clicks: int,
    too_many: list[int],
    requests: int,
    page: Page,
    html: Track,
    api: RecordingServer,
) -> None:
    api.most_clicks = most
    count = "open = 0; real = fetch; fetch = (...all) => (open++, real(...all).finally(() => open--))"
    page.goto(html(head=f"<script>{count}</script>"))
    track(page, clicks)
    while waiting(page):
        wait(page)
        page.wait_for_function("!open")  # or the clock runs on to where the answer is late
    assert len(set(api.ids)) == clicks
    refused = [len(request.clicks) for request in api.requests if len(request.clicks) > most]
    assert refused == too_many
    assert len(api.requests) == requests


def test_click_that_is_too_large_alone_is_dropped_by_name(
    page: Page, html: Track, api: RecordingServer, warnings: list[str]
) -> None:
    api.most_clicks = 0
    page.goto(html(BUTTON))
    page.click("button")
    wait(page)
    wait_until_empty(page)
    assert "clicks: 413 The body has more than 0 clicks." in warnings


def test_refused_click_is_named_and_gone_and_the_others_are_kept_for_later(
    page: Page, html: Track, api: RecordingServer, warnings: list[str]
) -> None:
    api.answers = [
        Answer(
            document={
                "receipts": [
                    {"index": 1, "result": "rejected", "field": "mysfitId", "reason": "is required"},
                    {
                        "index": 2,
                        "result": "accepted",
                        "ignored": [{"field": "title", "reason": "must be short"}],
                    },
                ]
            }
        )
    ]
    page.goto(html())
    track(page, 3)
    wait(page)
    wait_for_pause(page)
    assert waiting(page) == 1
    wait(page, MINUTE)
    first, second = api.wait_for_requests(2)
    assert second.ids == first.ids[:1]
    assert warnings == [
        "clicks: mysfitId is required",
        "clicks: title must be short",
        "clicks: 202 without receipts",
    ]


def test_errors_of_a_refused_request_are_named(
    page: Page, html: Track, api: RecordingServer, warnings: list[str]
) -> None:
    errors = [{"index": 0, "field": "type", "reason": "must begin with a letter"}]
    api.otherwise = Answer(400, document={"detail": "No click is valid.", "errors": errors})
    page.goto(html())
    page.evaluate("clicks.event('7up')")
    wait(page)
    wait_until_empty(page)
    assert warnings[-2:] == ["clicks: 400 No click is valid.", "clicks: type must begin with a letter"]


def test_click_without_an_answer_rides_with_the_next_batch(
    page: Page, html: Track, api: RecordingServer
) -> None:
    api.answers = [Answer(is_held=True)]
    page.goto(html(BUTTON))
    page.click("button")
    wait(page)
    (lost,) = api.wait_for_clicks(1)
    wait(page, 29_000)
    page.click("button")
    assert len(api.requests) == 1
    wait(page, MINUTE)
    wait(page, MINUTE)
    api.wait_for_requests(2)
    assert api.requests[1].clicks[0] == lost
    assert len(api.requests[1].clicks) == 2


def test_nothing_is_lost_when_the_server_is_down_and_the_page_closed(
    context: BrowserContext, html: Track, api: RecordingServer
) -> None:
    page = context.new_page()
    page.goto(html(BUTTON))
    api.stop()
    page.click("button")
    wait(page)
    wait_for_pause(page)
    page.click("button")
    page.close()
    api.start()
    page = context.new_page()
    page.goto(html(BUTTON))
    wait(page, HALF_AN_HOUR)
    assert len(api.wait_for_clicks(2)) == 2


def test_offline_and_back(context: BrowserContext, page: Page, html: Track, api: RecordingServer) -> None:
    page.goto(html(BUTTON))
    context.set_offline(True)
    page.click("button")
    for _ in range(5):
        wait(page, MINUTE)
        wait_for_pause(page)
    assert waiting(page) == 1
    assert (
        6 * SECOND < pause_of(page) < 16 * SECOND
    )  # pauses do not grow while the browser says that it is offline
    context.set_offline(False)
    wait(page, 16 * SECOND)
    api.wait_for_clicks(1)


def test_queue_is_bounded_by_count(page: Page, html: Track, api: RecordingServer) -> None:
    api.otherwise = Answer(503, {"Retry-After": "1700"})
    page.goto(html())
    track(page, 1, "{n: 'oldest'}")
    wait(page)
    wait_for_pause(page)
    track(page, 1_010)
    wait(page)
    assert waiting(page) == 1_000
    assert not any("oldest" in value for value in stored(page).values())


def test_queue_is_bounded_by_age(page: Page, html: Track, api: RecordingServer) -> None:
    api.otherwise = BROKEN
    page.goto(html(BUTTON))
    page.click("button")
    wait(page)
    wait_for_pause(page)
    wait(page, 6 * DAY)
    assert waiting(page) == 1
    wait(page, DAY + MINUTE)
    assert waiting(page) == 0


def test_click_beyond_what_keepalive_allows_blocks_no_other(
    page: Page, html: Track, api: RecordingServer
) -> None:
    page.goto(html())
    track(page, 1, "{much: '\\u00fc'.repeat(40000)}")
    track(page, 3)
    for _ in range(3):
        wait(page)
        page.wait_for_load_state("networkidle")
    assert len({click["eventId"] for click in api.wait_for_clicks(4)}) == 4


def test_requests_are_measured_in_bytes(page: Page, html: Track, api: RecordingServer) -> None:
    page.goto(html())
    track(page, 90, "{text: '\\u4f60'.repeat(500)}")
    while waiting(page):
        wait(page)
    assert len(api.clicks) == 90
    assert all(len(request.body.encode()) < 60_000 for request in api.requests)


def test_clock_that_was_set_back_holds_up_nothing(page: Page, html: Track, api: RecordingServer) -> None:
    page.goto(html(BUTTON))
    page.evaluate("localStorage['clicklake.pause'] = Date.now() + 86400000")
    page.click("button")
    page.evaluate(
        "for (const key in localStorage) if (key.includes('click.'))"
        " localStorage[key] = localStorage[key].replace(/[0-9]+/, Date.now() + 86400000)"
    )
    wait(page)
    api.wait_for_clicks(1)
