"""What a browser sees of a deployed dashboard: the log-in, links to a view, panels that wait for Athena."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from clicklake.dashboard.answers.athena_answers import AthenaAnswers
from clicklake.dashboard.answers.duckdb_answers import DuckdbAnswers
from clicklake.dashboard.app import create_app
from clicklake.lake.bucket import Lake
from clicklake.query.athena_results import MIN_BILLED_BYTES
from tests.clicklake.dashboard.conftest import NOW as MORNING
from tests.clicklake.dashboard.fortnight import NOW, lay_fortnight
from tests.clicklake.dashboard.gated import PASSWORD, gated_app, set_password
from tests.clicklake.dashboard.test_tasks import Hand, figure, loaded, visited
from tests.support.day import lay_day
from tests.support.emulator import Emulator
from tests.support.lakes import TestLake, new_lake
from tests.support.served import ServerThread, new_server
from tests.support.stacks import lake_of_a_stack

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

ATHENA_MS = 90_000


class Site:
    """An app on a port of this machine."""

    def __init__(self, make: Callable[[str], Any]) -> None:
        server = new_server()
        host = f"127.0.0.1:{server.effective_port}"
        server.application = make(host)
        self.url = f"http://{host}/"
        self._served = ServerThread(server)

    def close(self) -> None:
        self._served.close()


@pytest.fixture(scope="module")
def gated(emulator: Emulator) -> Iterator[Site]:
    """The shop of the other tasks, behind a password."""
    stored = new_lake(emulator)
    lay_fortnight(stored)
    lake = Lake(stored.bucket, {}, stored.s3)
    set_password(lake, PASSWORD, NOW)
    answers = DuckdbAnswers(lake, ("name",), lambda: NOW)
    served = Site(lambda host: gated_app(answers, lake, lambda: NOW, host))
    yield served
    served.close()
    answers.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context(
        viewport={"width": 1280, "height": 900}, permissions=["clipboard-read", "clipboard-write"]
    )
    yield opened
    opened.close()


@pytest.fixture(params=["mouse", "keyboard"])
def hand(request: pytest.FixtureRequest, context: BrowserContext) -> Hand:
    return Hand(context.new_page(), has_mouse=request.param == "mouse")


def log_in(hand: Hand, password: str = PASSWORD) -> None:
    hand.fill(hand.page.get_by_label("Password of this dashboard"), password)
    hand.press(hand.page.get_by_role("button", name="Log in"))


def test_a_link_to_that_view_that_a_colleague_can_open_for_a_week(
    hand: Hand, browser: Browser, gated: Site
) -> None:
    page = hand.page
    page.goto(f"{gated.url}?zone=Europe/Berlin")
    log_in(hand)
    visited(page, "zone=Europe")
    hand.press(page.get_by_role("link", name="Yesterday"))
    visited(page, "period=yesterday")
    seen = figure(page, "Clicks").locator(".number").inner_text()
    hand.press(page.get_by_role("button", name="Share"))
    expect(page.get_by_role("heading")).to_have_text("A link to this view")
    until = (NOW + timedelta(days=7)).strftime("%-d %B %Y, 10:%M")
    expect(page.get_by_role("main")).to_contain_text(f"{until} Europe/Berlin")
    hand.press(page.get_by_role("button", name="Copy the link"))
    expect(page.get_by_role("status")).to_have_text("Copied")
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == page.get_by_label("Link").input_value()
    hand.press(page.get_by_role("link", name="Back to the dashboard"))
    visited(page, "period=yesterday")
    colleague = browser.new_context().new_page()
    colleague.goto(link)
    loaded(colleague)
    assert figure(colleague, "Clicks").locator(".number").inner_text() == seen
    expect(colleague.get_by_text("2026-11-24 00:00 to 2026-11-25 00:00 Europe/Berlin")).to_be_visible()
    assert not colleague.locator("form, nav, a[href^='?']").all()
    colleague.goto(gated.url)
    expect(colleague.get_by_label("Password of this dashboard")).to_be_visible()
    colleague.context.close()


def test_a_wrong_password_is_said_and_the_view_is_kept(hand: Hand, gated: Site) -> None:
    page = hand.page
    page.goto(f"{gated.url}?period=30d")
    log_in(hand, "wrong")
    expect(page.get_by_role("alert")).to_have_text("This is not the password.")
    log_in(hand)
    visited(page, "period=30d")


def test_logging_out_leads_to_the_log_in(hand: Hand, gated: Site) -> None:
    page = hand.page
    page.goto(gated.url)
    log_in(hand)
    loaded(page)
    hand.press(page.get_by_role("button", name="Log out"))
    expect(page.get_by_label("Password of this dashboard")).to_be_visible()
    page.goto(gated.url)
    expect(page.get_by_label("Password of this dashboard")).to_be_visible()


def test_the_log_in_needs_no_script(browser: Browser, gated: Site) -> None:
    context = browser.new_context(java_script_enabled=False)
    hand = Hand(context.new_page(), has_mouse=True)
    hand.page.goto(gated.url)
    log_in(hand)
    expect(hand.page.get_by_role("navigation", name="Days")).to_be_visible()
    hand.press(hand.page.get_by_role("button", name="Share"))
    assert hand.page.get_by_label("Link").input_value().startswith(f"{gated.url}?link=")
    context.close()


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_fault_in_the_log_in_the_link_and_the_shared_view(
    browser: Browser, gated: Site, scheme: Any, width: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    hand = Hand(context.new_page(), has_mouse=True)
    page = hand.page
    page.goto(gated.url)
    check(page)
    log_in(hand, "wrong")
    check(page)
    log_in(hand)
    loaded(page)
    check(page)
    hand.press(page.get_by_role("button", name="Share"))
    expect(page.get_by_role("heading")).to_have_text("A link to this view")
    check(page)
    page.goto(page.get_by_label("Link").input_value())
    loaded(page)
    expect(page.get_by_text("A shared view")).to_be_visible()
    check(page)
    context.close()


def check(page: Page) -> None:
    found = Axe().run(page)
    assert not found.response["violations"], found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


# --- Athena ---


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    emulator = Emulator(tmp_path_factory.mktemp("emulator")).start()
    with lake_of_a_stack(emulator, tmp_path_factory.mktemp("stack")) as lake:
        lay_day(TestLake(lake.bucket, lake.s3), sessions=30)
        yield lake
    emulator.stop()


@pytest.fixture
def athena_page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    page.close()
    assert not problems, "\n".join(problems)


def serve_athena(lake: Lake, daily_bytes: int) -> Site:
    answers = AthenaAnswers(lake, lambda: MORNING, daily_bytes=daily_bytes, patience_seconds=0)
    return Site(lambda _: create_app(answers, lambda _: None, "--stage dev"))


def test_panels_appear_as_athena_answers(athena_page: Page, stack: Lake) -> None:
    page, served = athena_page, serve_athena(stack, 10**12)
    waited: list[str] = []
    page.on("response", lambda answer: waited.append(answer.url) if answer.status == 202 else None)
    page.goto(f"{served.url}?from=2026-11-19&is=country:US")
    expect(page.locator("[data-panel=items]")).to_contain_text("Reading the lake")
    check(page)
    page.wait_for_selector("html[data-loaded]", timeout=ATHENA_MS)
    assert waited
    expect(page.locator("[data-panel=countries] .bars")).to_contain_text("United States")
    expect(page.locator("[data-panel=budget]")).to_contain_text("The queries of this day (UTC) have read")
    with page.expect_download(timeout=ATHENA_MS) as download:
        page.locator("[data-panel=countries]").get_by_role("link", name="CSV").click()
    assert download.value.suggested_filename == "countries.csv"
    check(page)
    served.close()


def test_a_spent_budget_is_a_state_of_the_panels(athena_page: Page, stack: Lake) -> None:
    page, served = athena_page, serve_athena(stack, MIN_BILLED_BYTES)
    page.goto(f"{served.url}?from=2026-11-19&is=country:DE")
    page.wait_for_selector("html[data-loaded]", timeout=ATHENA_MS)
    expect(page.locator("[data-panel=items]")).to_contain_text("The budget of this day is spent")
    expect(page.locator("[data-panel=budget]")).to_contain_text("No more queries start before midnight UTC")
    check(page)
    served.close()


def test_a_hidden_page_asks_nothing(athena_page: Page, stack: Lake) -> None:
    """The test moves the page's clock."""
    page, served = athena_page, serve_athena(stack, 10**12)
    hidden = (
        "Object.defineProperty(document, 'visibilityState', {get: () => window.seen ? 'visible' : 'hidden'})"
    )
    page.add_init_script(hidden)
    asked: Counter[str] = Counter()
    waiting: list[str] = []
    page.on("request", lambda request: asked.update([request.url] if "/panel/" in request.url else []))
    page.on("response", lambda answer: waiting.append(answer.url) if answer.status == 202 else None)
    page.clock.install()
    page.goto(f"{served.url}?from=2026-11-19&is=country:FR")
    until(page, lambda: len(asked) > 8 and bool(waiting))
    for _ in range(20):
        page.clock.run_for(5000)
    assert max(asked.values()) == 1
    page.evaluate("window.seen = true")
    until(page, lambda: asked[waiting[0]] > 1)
    until(page, lambda: page.locator("html[data-loaded]").count() == 1)
    served.close()


def until(page: Page, condition: Callable[[], bool]) -> None:
    """Let the page's clock run until the condition holds."""
    deadline = time.monotonic() + ATHENA_MS / 1000
    while not condition():
        page.clock.run_for(500)
        assert time.monotonic() < deadline
