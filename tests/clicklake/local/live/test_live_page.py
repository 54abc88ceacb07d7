"""The live page in a browser: hostile values, figures, keyboard, reset."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.clicklake.local.live.served import Served

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
    expect(page.locator("#rate-text")).to_contain_text("1 clicks in the last minute")
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
    expect(row).to_contain_text("ProcessingFailed status set for record")
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


def test_pause_holds_the_rows_back_and_loses_none(live: Served, page: Page) -> None:
    page.get_by_role("button", name="Pause").click()
    land(live, LINE)
    expect(page.locator("#delivered-total")).to_have_text("1")  # the figures go on
    expect(page.locator("#delivered li")).to_have_count(0)
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#delivered li")).to_have_count(1)


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
