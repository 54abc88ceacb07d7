"""What the visitor wants counts: consent, opting out, and the privacy signals of the browser."""

from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.tracker.pages import BUTTON, HALF_AN_HOUR, Track, stored, track, wait, wait_until_empty, waiting
from tests.tracker.recording_server import Answer, RecordingServer

pytestmark = pytest.mark.browser

GPC = "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {get: () => true});"
DNT = "Object.defineProperty(Navigator.prototype, 'doNotTrack', {get: () => '1'});"
EVERYTHING = "data-pageviews data-links data-sessions data-user-id=u-1"


def test_nothing_is_stored_or_sent_before_consent_and_nothing_lost_after(
    page: Page, html: Track, api: RecordingServer
) -> None:
    page.goto(html(BUTTON, f"{EVERYTHING} data-consent=required"))
    page.click("button")
    wait(page)
    assert page.evaluate("clicks.status()") == "waiting"
    assert stored(page) == {}
    assert api.requests == []
    page.evaluate("clicks.optIn()")
    assert page.evaluate("clicks.status()") == "on"
    page.click("button")
    wait(page)
    assert [click["type"] for click in api.wait_for_clicks(3)] == ["pageview", "click", "click"]
    assert len({click["sessionId"] for click in api.clicks}) == 1


def test_nothing_is_sent_at_leaving_before_consent(page: Page, html: Track, api: RecordingServer) -> None:
    page.goto(html(BUTTON, "data-consent=required"))
    page.click("button")
    page.goto(html(path="/next"))
    wait(page)
    assert stored(page) == {}
    assert api.requests == []


def test_strict_consent_drops_what_came_before_it(page: Page, html: Track, api: RecordingServer) -> None:
    page.goto(html(BUTTON, f"{EVERYTHING} data-consent=strict"))
    page.click("button")
    page.evaluate("clicks.optIn()")
    track(page, 1, "{after: true}")
    wait(page)
    (click,) = api.wait_for_clicks(1)
    assert click["properties"] == {"after": True}


@pytest.mark.parametrize("attribute", ["data-consent", "data-consent=requierd"])
def test_consent_is_required_however_it_is_written(attribute: str, page: Page, html: Track) -> None:
    page.goto(html(BUTTON, attribute))
    assert page.evaluate("clicks.status()") == "waiting"


def test_choice_is_kept_for_the_next_page(page: Page, html: Track, api: RecordingServer) -> None:
    page.goto(html(BUTTON, "data-consent=required"))
    page.evaluate("clicks.optIn()")
    page.reload()
    page.click("button")
    wait(page)
    api.wait_for_clicks(1)


@pytest.mark.parametrize("attributes", ["", "data-consent=required"])
def test_opting_out_empties_everything_and_stops_every_tab(
    attributes: str, context: BrowserContext, page: Page, html: Track, api: RecordingServer
) -> None:
    api.answers = [Answer(503, {"Retry-After": "600"})]
    page.goto(html(BUTTON, f"{EVERYTHING} {attributes}"))
    page.evaluate("clicks.optIn()")
    page.click("button")
    wait(page)
    page.wait_for_function("localStorage['clicklake.pause']")
    other = context.new_page()
    other.goto(html(BUTTON, f"{EVERYTHING} {attributes}"))
    other.click("button")
    page.wait_for_function("Object.keys(localStorage).filter((key) => key.includes('.click.')).length === 4")
    page.evaluate("clicks.optOut()")
    for tab in (page, other):
        tab.click("button")
        assert tab.evaluate("clicks.status()") == "off"
    page.reload()
    page.click("button")
    wait(page, HALF_AN_HOUR)
    assert stored(page) == {"clicklake.consent": "off"}
    assert len(api.requests) == 1


def test_opting_out_before_consent_forgets_what_waits(page: Page, html: Track, api: RecordingServer) -> None:
    page.goto(html(BUTTON, "data-consent=required"))
    page.click("button")
    page.evaluate("clicks.optOut(); clicks.optIn()")
    track(page, 1)
    wait(page)
    (click,) = api.wait_for_clicks(1)
    assert click["mysfitId"] == "item-0"


@pytest.mark.parametrize("status", [503, None])
def test_request_that_fails_after_opting_out_brings_nothing_back(
    status: int | None, page: Page, html: Track, api: RecordingServer, warnings: list[str]
) -> None:
    api.answers = [Answer(status, {"Retry-After": "1"}, is_held=True)]
    page.goto(html(BUTTON))
    page.click("button")
    wait(page)
    api.wait_for_requests(1)
    page.evaluate("clicks.optOut()")
    with page.expect_event("requestfinished" if status else "requestfailed"):
        api.release()
    wait(page, HALF_AN_HOUR)
    assert stored(page) == {"clicklake.consent": "off"}
    assert len(api.requests) == 1
    assert [said for said in warnings if said.startswith("clicks:")] == []


def test_opting_in_again_counts_again(page: Page, html: Track, api: RecordingServer) -> None:
    page.goto(html(BUTTON))
    page.evaluate("clicks.optOut()")
    page.click("button")
    page.evaluate("clicks.optIn()")
    page.click("button")
    wait(page)
    assert len(api.wait_for_clicks(1)) == 1


def test_choice_replaces_a_stored_one_that_is_none(page: Page, html: Track) -> None:
    page.goto(html(path="/before"))
    page.evaluate("localStorage['clicklake.consent'] = 'yes'")
    page.goto(html(BUTTON, "data-consent=required"))
    assert page.evaluate("clicks.status()") == "waiting"
    page.evaluate("clicks.optIn()")
    assert page.evaluate("clicks.status()") == "on"
    assert stored(page) == {"clicklake.consent": "on"}


def test_opting_out_leaves_the_sites_own_storage_alone(page: Page, html: Track) -> None:
    page.goto(html(BUTTON))
    page.evaluate("localStorage.clicks = localStorage['click.lake'] = 'ours'; clicks.optOut()")
    assert stored(page) == {"clicks": "ours", "click.lake": "ours", "clicklake.consent": "off"}


def clicks_of_a_visitor_who_asks(
    signal: str, mode: str, page: Page, html: Track, api: RecordingServer
) -> Any:
    page.context.add_init_script(signal)
    page.goto(html('<a data-click-item="a" href="/?a=1">a</a>', path="/next"))
    page.goto(html('<a data-click-item="a" href="/next?a=1#b">a</a>', f"{EVERYTHING} {mode}") + "?q=1#f")
    page.evaluate("clicks.track('a', {a: 1})")
    page.click("a")
    wait(page)
    return api.wait_for_clicks(3)


@pytest.mark.parametrize(("signal", "mode"), [(GPC, ""), (DNT, "data-gpc=strip"), (GPC, "data-gpc=stripp")])
def test_privacy_signal_takes_out_who_it_was(
    signal: str, mode: str, page: Page, html: Track, api: RecordingServer
) -> None:
    view, tracked, clicked = clicks_of_a_visitor_who_asks(signal, mode, page, html, api)
    for click in view, tracked, clicked:
        assert not {"userId", "sessionId", "title", "properties"} & set(click)
        assert "?" not in click["url"]
    assert clicked["element"]["href"].endswith("/next")
    assert "clicklake.session" not in stored(page)


def test_privacy_signal_may_be_ignored(page: Page, html: Track, api: RecordingServer) -> None:
    view, tracked, _ = clicks_of_a_visitor_who_asks(GPC + DNT, "data-gpc=ignore", page, html, api)
    assert {"userId", "sessionId", "title"} <= set(view)
    assert tracked["properties"] == {"a": 1}
    assert view["url"].endswith("?q=1")


@pytest.mark.parametrize("signal", [GPC, DNT], ids=["gpc", "dnt"])
def test_privacy_signal_may_stop_everything(
    signal: str, page: Page, html: Track, api: RecordingServer
) -> None:
    page.context.add_init_script(signal)
    page.goto(html(BUTTON, f"{EVERYTHING} data-gpc=refuse"))
    page.evaluate("clicks.optIn()")
    page.click("button")
    wait(page)
    assert page.evaluate("clicks.status()") == "off"
    assert waiting(page) == 0
    assert api.requests == []


def test_without_a_signal_every_mode_counts_alike(page: Page, html: Track, api: RecordingServer) -> None:
    page.goto(html(BUTTON, "data-gpc=refuse data-user-id=u-1"))
    page.click("button")
    wait(page)
    (click,) = api.wait_for_clicks(1)
    assert click["userId"] == "u-1"
    wait_until_empty(page)
