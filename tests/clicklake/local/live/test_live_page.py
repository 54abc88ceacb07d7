"""The live page in a browser: hostile values, figures, keyboard, reset."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.clicklake.local.live.served import LINKS, Served

pytestmark = pytest.mark.browser

LINE = {
    "v": 1,
    "type": "click",
    "userId": "guest",
    "mysfitId": "4e53920c-505a-4a90-a694-b9300791f0ae",
    "eventId": "0e2f7b8a-1f1d-4d3c-9a52-6b7f0a4c1d01",
    "goodevil": "Evil",
    "lawchaos": "Lawful",
    "species": "Chimera",
    "itemLookup": "found",
    "receivedAt": "2026-11-24T02:38:02.123Z",
    "host": "mysfits.example",
    "path": "/index.html",
    "browser": "Chrome",
}
HOSTILE = [
    "<script>window.hacked = true</script>",
    "</script><img src=x onerror='window.hacked = true'>",
    "=cmd()",
    "\x1b[31mred\x1b[0m",
    "two\nlines\r",
    "gnp\u202eexe.\u2066\u200f",
    '"><svg onload=window.hacked=true>',
]


@pytest.fixture
def page(browser: Browser, live: Served) -> Iterator[Page]:
    page = browser.new_page()
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.goto(f"http://127.0.0.1:{live.port}/")
    expect(page.locator("#connection")).to_have_text("live")
    yield page
    page.close()
    assert messages == []


def land(live: Served, *lines: dict[str, Any]) -> None:
    live.land("delivered", *[json.dumps(line).encode() for line in lines])


def test_click_is_shown_with_its_enrichment_and_the_figures(live: Served, page: Page) -> None:
    live.ask("POST", "/faults", {"throttleEvery": 3})
    land(live, LINE)
    row = page.locator("#delivered li")
    expect(row).to_contain_text("click 4e53920c-505a-4a90-a694-b9300791f0ae")
    assert row.locator(".chip").all_text_contents() == ["Evil", "Lawful", "Chimera"]
    expect(row.locator(".facts")).to_have_text("guest · mysfits.example/index.html · Chrome")
    expect(page.locator("#delivered-total")).to_have_text("1")
    expect(page.locator("#rate-text")).to_contain_text("1 event in the last minute")
    expect(page.locator("#faults")).to_have_text("Faults are on: throttleEvery 3")
    expect(page.locator("#empty")).to_be_hidden()


def test_problems_are_highlighted(live: Served, page: Page) -> None:
    land(live, {**LINE, "itemLookup": "unavailable", "bot": "agent"})
    expect(page.locator(".chip.bad")).to_have_text(["unavailable", "bot: agent"])


def test_failure_is_shown_with_its_reason_and_its_record(live: Served, page: Page) -> None:
    document = {
        "rawData": base64.b64encode("nicht JSON: ä".encode()).decode(),
        "errorCode": "Lambda.ProcessingFailedStatus",
        "errorMessage": "ProcessingFailed status set for record",
        "attemptsMade": 1,
        "arrivalTimestamp": 1795521600123,
    }
    live.land("failed", json.dumps(document).encode())
    row = page.locator("#failed li")
    expect(row).to_contain_text("Lambda.ProcessingFailedStatus")
    expect(row.locator(".facts")).to_have_text(
        "the processor cannot read this record, which is not JSON: nicht JSON: ä"
    )
    row.locator("summary").click()
    expect(row.locator("pre")).to_contain_text("nicht JSON: ä")


def test_hostile_values_add_no_markup_and_no_invisible_character(live: Served, page: Page) -> None:
    for value in HOSTILE:
        fields = {name: value for name in LINE if name not in ("v", "receivedAt")}
        land(live, {**LINE, **fields, "title": value, "properties": {value: value}, value: value})
        document = {"rawData": value, "errorCode": value, "errorMessage": value}
        live.land("failed", json.dumps(document).encode())
        live.land("delivered", json.dumps(value).encode())
    expect(page.locator("#delivered li")).to_have_count(2 * len(HOSTILE))
    expect(page.locator("#failed li")).to_have_count(len(HOSTILE))
    assert page.evaluate("window.hacked") is None
    assert page.locator("li img, li script, li svg").count() == 0
    shown = "".join(page.locator("li").all_text_contents())
    assert not set(shown) & set("\x1b\r\u202e\u2066\u200f")


def test_rows_open_and_close_by_keyboard(live: Served, page: Page) -> None:
    land(live, LINE)
    row = page.locator("#delivered li")
    row.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(row.locator("pre")).to_be_visible()
    expect(row.locator("pre")).to_contain_text('"eventId": "0e2f7b8a-1f1d-4d3c-9a52-6b7f0a4c1d01"')


def test_filter_hides_what_does_not_match(live: Served, page: Page) -> None:
    land(live, LINE, {**LINE, "species": "Troll"})
    expect(page.locator("#delivered li")).to_have_count(2)
    page.get_by_label("Filter").fill("troll")
    expect(page.locator("#delivered li:visible")).to_have_count(1)
    land(live, LINE)
    page.get_by_label("Filter").fill("")
    expect(page.locator("#delivered li:visible")).to_have_count(3)


def test_filter_without_a_hit_says_so_and_leaves_no_bare_heading(live: Served, page: Page) -> None:
    land(live, LINE)
    live.land("failed", json.dumps({"errorCode": "Lambda.FunctionError", "rawData": "e30="}).encode())
    expect(page.locator("#failed li")).to_have_count(1)
    page.get_by_label("Filter").fill("no line has this")
    expect(page.locator("#no-match")).to_be_visible()
    expect(page.get_by_role("heading", name="Landed")).to_be_hidden()
    expect(page.get_by_role("heading", name="Failed")).to_be_hidden()
    page.get_by_role("button", name="Clear the filter").click()
    expect(page.locator("#no-match")).to_be_hidden()
    expect(page.locator("#delivered li:visible")).to_have_count(1)


def test_empty_page_links_to_the_site_and_has_a_command_to_copy(live: Served, page: Page) -> None:
    expect(page.get_by_role("link", name="Open the sample site")).to_have_attribute("href", LINKS["site"])
    expect(page.locator("#curl")).to_have_text(LINKS["curl"])
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == LINKS["curl"]


def test_a_page_that_is_opened_later_shows_when_events_landed(browser: Browser) -> None:
    """They landed five minutes ago, so none of them belongs to the last minute."""
    now = [1_795_521_600.0]
    live = Served(clock=lambda: now[0])
    land(live, *[LINE] * 48)
    now[0] += 300
    page = browser.new_page()
    page.goto(f"http://127.0.0.1:{live.port}/")
    expect(page.locator("#delivered li")).to_have_count(48)
    expect(page.locator("#rate-text")).to_have_text("0 events in the last minute")
    page.wait_for_timeout(1200)  # the figures were asked for once more
    expect(page.locator("#rate-text")).to_have_text("0 events in the last minute")
    page.close()
    live.close()


def test_pause_holds_the_rows_back_and_loses_none(live: Served, page: Page) -> None:
    page.get_by_role("button", name="Pause").click()
    land(live, LINE)
    expect(page.locator("#delivered-total")).to_have_text("1")  # the figures go on
    expect(page.locator("#delivered li")).to_have_count(0)
    land(live, LINE, LINE)
    page.get_by_role("button", name="Resume (3 new)").click()
    expect(page.locator("#delivered li")).to_have_count(3)
    expect(page.get_by_role("button", name="Pause")).to_be_visible()


def test_reset_empties_the_page(live: Served, page: Page) -> None:
    land(live, LINE)
    expect(page.locator("#delivered li")).to_have_count(1)
    page.get_by_role("button", name="Reset").click()
    expect(page.locator("#delivered li")).to_have_count(0)
    expect(page.locator("#delivered-total")).to_have_text("0")
    expect(page.locator("#empty")).to_be_visible()


def test_only_the_latest_rows_of_a_burst_are_shown(live: Served, page: Page) -> None:
    land(live, *[{**LINE, "userId": f"u-{n}"} for n in range(5000)])
    expect(page.locator("#delivered-total")).to_have_text("5,000")
    expect(page.locator("#delivered li").first).to_contain_text("u-4999")
    assert page.locator("#delivered li").count() <= 200


def test_page_fits_a_phone(browser: Browser, live: Served) -> None:
    page = browser.new_page(viewport={"width": 360, "height": 640})
    page.goto(f"http://127.0.0.1:{live.port}/")
    land(live, {**LINE, "userId": "u" * 128})
    expect(page.locator("#delivered li")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.close()


SHIFTS = """() => {
  window.shifts = [];
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const moved = entry.sources.map(({ node }) => node && (node.id || node.nodeName));
      window.shifts.push([entry.value, ...moved]);
    }
  }).observe({ type: "layout-shift", buffered: true });
}"""


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_on_the_page_shifts(browser: Browser, live: Served, width: int) -> None:
    """Clicks land before and after the page loads, then failures, faults, many digits and long values."""
    land(live, *[{**LINE, "userId": f"u-{n}"} for n in range(30)])
    page = browser.new_page(viewport={"width": width, "height": 640})
    page.add_init_script(f"({SHIFTS})()")
    page.goto(f"http://127.0.0.1:{live.port}/")
    expect(page.locator("#delivered li")).to_have_count(30)
    for n in range(5):
        land(live, {**LINE, "userId": f"late-{n}", "path": "/long" * (5 * n)})
        expect(page.locator("#delivered li")).to_have_count(31 + n)
        document = {"errorCode": "Lambda.FunctionError", "errorMessage": "long " * (9 * n), "rawData": "e30="}
        live.land("failed", json.dumps(document).encode())
        expect(page.locator("#failed li")).to_have_count(1 + n)
    live.ask("POST", "/faults", {"throttleEvery": 3})
    expect(page.locator("#faults")).to_be_visible()
    live.ask("POST", "/faults", {})
    expect(page.locator("#faults")).to_be_hidden()
    land(live, *[LINE] * 3000)
    expect(page.locator("#delivered-total")).to_have_text("3,035")
    live.log.reset()
    expect(page.locator("#empty")).to_be_visible()
    page.wait_for_function("performance.now() > 2500")  # the figures were drawn twice more
    shifts = page.evaluate("window.shifts")
    page.close()
    assert shifts == []
