"""What ordinary pages and visitors do, and what counts as a click of theirs."""

import re

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.tracker.pages import BUTTON, Track, wait, wait_until_empty
from tests.tracker.recording_server import RecordingServer

pytestmark = pytest.mark.browser


def items_sent(page: Page, api: RecordingServer, count: int) -> list[str | None]:
    wait(page)
    return [click.get("mysfitId") for click in api.wait_for_clicks(count)]


def test_click_on_an_icon_is_one_on_its_button(page: Page, html: Track, api: RecordingServer) -> None:
    icon = '<svg width="20" height="20"><path d="M0 0h20v20H0z"/></svg>'
    page.goto(html(f'<button data-click-item="like">{icon}</button>'))
    page.click("path")
    wait(page)
    (click,) = api.wait_for_clicks(1)
    assert (click["mysfitId"], click["element"]["tag"]) == ("like", "button")


@pytest.mark.parametrize("target", ["document", "window", "document.documentElement", "document.body"])
def test_click_on_the_document_itself_throws_nothing(
    target: str, page: Page, html: Track, api: RecordingServer, warnings: list[str]
) -> None:
    page.goto(html(BUTTON))
    page.evaluate(f"{target}.dispatchEvent(new MouseEvent('click', {{bubbles: true}}))")
    page.click("button")
    assert items_sent(page, api, 1) == ["item-1"]
    assert warnings == []


@pytest.mark.parametrize("modifier", ["Control", "Shift", "Alt"])
def test_click_with_a_modifier_key_counts_and_keeps_its_default(
    modifier: str, page: Page, html: Track, api: RecordingServer
) -> None:
    page.goto(html('<a data-click-item="link" href="#there">link</a>'))
    page.evaluate("addEventListener('click', (event) => { window.kept = !event.defaultPrevented })")
    page.evaluate("addEventListener('click', (event) => event.preventDefault())")
    page.click("a", modifiers=[modifier])  # type: ignore[list-item]
    assert items_sent(page, api, 1) == ["link"]
    assert page.evaluate("window.kept")


def test_two_clicks_of_a_double_click_are_two(page: Page, html: Track, api: RecordingServer) -> None:
    page.goto(html(BUTTON))
    page.dblclick("button")
    assert items_sent(page, api, 2) == ["item-1", "item-1"]


def test_tap_of_a_finger_is_a_click(browser: Browser, html: Track, api: RecordingServer) -> None:
    context = browser.new_context(has_touch=True)
    page = context.new_page()
    page.clock.install()
    page.goto(html(BUTTON))
    page.tap("button")
    assert items_sent(page, api, 1) == ["item-1"]
    context.close()


def test_button_that_is_disabled_is_not_clicked(page: Page, html: Track, api: RecordingServer) -> None:
    page.goto(html(f'<button disabled data-click-item="off"><b>off</b></button>{BUTTON}'))
    page.click("b", force=True)
    page.click("button >> nth=1")
    assert items_sent(page, api, 1) == ["item-1"]


def test_label_counts_once_where_its_control_is_the_item(
    page: Page, html: Track, api: RecordingServer
) -> None:
    page.goto(html('<label><input type="checkbox" data-click-item="box">words</label>'))
    page.click("label")
    assert items_sent(page, api, 1) == ["box"]


def test_click_of_a_script_counts(page: Page, html: Track, api: RecordingServer) -> None:
    page.goto(html(BUTTON))
    page.evaluate("document.querySelector('button').click()")
    assert items_sent(page, api, 1) == ["item-1"]


def test_choosing_an_option_is_no_click(page: Page, html: Track, api: RecordingServer) -> None:
    page.goto(html(f'<select data-click-item="select"><option>a<option>b</select>{BUTTON}'))
    page.select_option("select", "b")
    page.click("button")
    assert items_sent(page, api, 1) == ["item-1"]


def test_selecting_text_in_an_item_counts_as_the_browser_says(
    page: Page, html: Track, api: RecordingServer
) -> None:
    page.goto(html(f'<p data-click-item="text">Some words to select, and more of them</p>{BUTTON}'))
    box = page.locator("p").bounding_box()
    assert box
    page.mouse.move(box["x"] + 2, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + 120, box["y"] + 5, steps=5)
    page.mouse.up()
    page.click("button")
    assert items_sent(page, api, 2) == ["text", "item-1"]


def test_printing_and_a_page_that_asks_before_it_is_left_change_nothing(
    page: Page, html: Track, api: RecordingServer
) -> None:
    page.goto(html(BUTTON))
    page.evaluate("dispatchEvent(new Event('beforeprint')); dispatchEvent(new Event('afterprint'))")
    page.evaluate("addEventListener('beforeunload', (event) => event.preventDefault())")
    page.click("button")
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.evaluate("location = '/elsewhere'")
    page.click("button")
    assert items_sent(page, api, 2) == ["item-1", "item-1"]


def test_element_that_its_own_handler_removes_was_clicked(
    page: Page, html: Track, api: RecordingServer
) -> None:
    page.goto(html('<button data-click-item="gone" onclick="this.remove()">gone</button>'))
    page.click("button")
    assert items_sent(page, api, 1) == ["gone"]


def test_nearest_item_of_nested_ones_counts(page: Page, html: Track, api: RecordingServer) -> None:
    page.goto(
        html('<div data-click-item="card"><h3>Card</h3><button data-click-item="buy">Buy</button></div>')
    )
    page.click("button")
    page.click("h3")
    assert items_sent(page, api, 2) == ["buy", "card"]


def test_click_before_consent_outlasts_a_storage_that_the_page_clears(
    page: Page, html: Track, api: RecordingServer
) -> None:
    page.goto(html(BUTTON, "data-consent=required"))
    page.click("button")
    page.evaluate("localStorage.clear(); clicks.optIn()")
    assert items_sent(page, api, 1) == ["item-1"]
    wait_until_empty(page)


def test_click_passes_through_a_service_worker(
    browser: Browser, html: Track, site: RecordingServer, api: RecordingServer
) -> None:
    """A worker that answers every request by fetching it."""
    site.serve(
        "/worker.js",
        "addEventListener('fetch', (event) => event.respondWith(fetch(event.request)))",
        **{"Content-Type": "text/javascript"},
    )
    context = browser.new_context()
    page = context.new_page()
    url = html(BUTTON)
    page.goto(url)
    page.evaluate("navigator.serviceWorker.register('/worker.js').then(() => navigator.serviceWorker.ready)")
    page.goto(url)
    page.wait_for_function("navigator.serviceWorker.controller")
    page.click("button")
    assert [click["mysfitId"] for click in api.wait_for_clicks(1)] == ["item-1"]
    page.click("button")
    page.goto("about:blank")
    assert [click["mysfitId"] for click in api.wait_for_clicks(2)] == ["item-1"] * 2
    context.close()


def test_tab_that_is_frozen_with_a_claim_does_not_hold_up_another(
    context: BrowserContext, page: Page, html: Track, api: RecordingServer
) -> None:
    url = html(BUTTON)
    page.goto(url)
    page.click("button")
    context.new_cdp_session(page).send("Page.setWebLifecycleState", {"state": "frozen"})
    other = context.new_page()
    other.goto(url)
    other.click("button")
    wait(other)
    assert "item-1" in [click["mysfitId"] for click in api.wait_for_clicks(1)]


@pytest.mark.parametrize("page_path", ["/#/route", "/?filter=a"])
def test_change_of_the_fragment_or_query_is_no_page_view(
    page_path: str, page: Page, html: Track, api: RecordingServer
) -> None:
    page.goto(html(BUTTON, "data-pageviews"))
    page.evaluate(f"history.pushState(0, '', '{page_path}')")
    wait(page)
    page.click("button")
    wait(page)
    types = [click["type"] for click in api.wait_for_clicks(2)]
    assert types == ["pageview", "click"]


def test_prerendered_page_counts_only_when_it_is_shown(
    browser: Browser, html: Track, site: RecordingServer, api: RecordingServer
) -> None:
    html("shown later", "data-pageviews", path="/later")
    rules = '{"prerender": [{"urls": ["/later"], "eagerness": "immediate"}]}'
    context = browser.new_context()
    page = context.new_page()
    page.goto(html('<a href="/later">later</a>', head=f'<script type="speculationrules">{rules}</script>'))
    page.click("a")
    page.wait_for_url("**/later")
    (click,) = api.wait_for_clicks(1)
    assert click["type"] == "pageview"
    assert re.search("/later$", click["url"])
    context.close()
