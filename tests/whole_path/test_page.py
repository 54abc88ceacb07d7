"""A user opens the page in a browser and clicks a mysfit."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.support.landed import EVANGELINE, Lake, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

USER_AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
)


@pytest.fixture
def page() -> Iterator[Page]:
    chromium = (
        os.environ.get("CLICKLAKE_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    )
    quiet = [
        "--no-sandbox",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=quiet)
        yield browser.new_page(user_agent=USER_AGENT)
        browser.close()


def test_a_click_on_a_mysfit_is_an_enriched_line_in_s3(
    page: Page, addresses: dict[str, str], lake: Lake
) -> None:
    if "site" not in addresses:
        pytest.skip("needs the site of a local cloud: run without --api")
    page.goto(addresses["site"])
    page.get_by_text("Evangeline").first.click()
    page.get_by_role("dialog").wait_for()

    def clicks() -> list[dict[str, object]]:
        return [
            line
            for line in lake.lines()
            if line["type"] == "click" and line.get("path", "").endswith("/index.html")
        ]

    (line,) = eventually(clicks)
    assert (line["mysfitId"], line["species"]) == (EVANGELINE, "Chimera")
    assert (line["goodevil"], line["lawchaos"], line["itemLookup"]) == ("Evil", "Lawful", "found")
    assert (line["browser"], line["device"], line["address"]) == ("Chrome", "desktop", "127.0.0.0")
    assert "bot" not in line


@pytest.mark.long
@pytest.mark.timeout(300)
def test_200_clicks_that_leave_the_page_land_and_count_once(
    page: Page, addresses: dict[str, str], lake: Lake
) -> None:
    if "site" not in addresses:
        pytest.skip("needs the site of a local cloud: run without --api")
    leave = """item => {
        const link = Object.assign(document.createElement('a'), {href: 'privacy.html', textContent: 'leave'});
        link.dataset.clickItem = item;
        document.body.prepend(link);
        link.click();
    }"""
    items = {f"leaving-{n}" for n in range(200)}
    for item in sorted(items):
        page.goto(addresses["site"])
        with page.expect_navigation(url="**/privacy.html"):
            page.evaluate(leave, item)

    def lines() -> list[dict[str, str]] | None:
        found = [line for line in lake.lines() if line.get("mysfitId") in items]
        return found if {line["mysfitId"] for line in found} == items else None

    landed = eventually(lines, seconds=60)
    assert landed is not None
    assert len({line["eventId"] for line in landed}) == len(items)
    print(f"200 of 200 landed, {len(landed) - 200} lines more than once")
