"""What a product manager wants to know in the morning, found out by mouse and by keyboard alone."""

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from clicklake.dashboard.access.token_gate import TokenGate, new_token
from clicklake.dashboard.answers.duckdb_answers import DuckdbAnswers
from clicklake.dashboard.app import create_app
from clicklake.lake.bucket import Lake
from clicklake.report.charts import share
from tests.clicklake.dashboard.fortnight import ITEMS, NOW, Line, counted, is_click, lay_fortnight, of_days
from tests.support.emulator import Emulator
from tests.support.lakes import TestLake, compact, new_id, new_lake, to_text
from tests.support.served import ServerThread, new_server

pytestmark = pytest.mark.browser

MAX_TABS = 250  # of a keyboard's user, to anything on the page
YESTERDAY, WEEK_BEFORE, TODAY = "2026-11-24", "2026-11-17", "2026-11-25"


class Shop:
    """A lake of two weeks, and a dashboard that serves it."""

    def __init__(self, lake: TestLake) -> None:
        self.lake = lake
        self.lines = lay_fortnight(lake)
        self._answers = DuckdbAnswers(Lake(lake.bucket, {}, lake.s3), ("name",), lambda: NOW)
        server = new_server()
        gate = TokenGate(server.effective_port, new_token())
        server.application = create_app(self._answers, gate.check, f"--bucket {lake.bucket}")
        self.url = f"http://127.0.0.1:{gate.port}/"
        self.address = f"{self.url}?token={gate.token}"
        self._served = ServerThread(server)

    def close(self) -> None:
        self._served.close()
        self._answers.close()


class Hand:
    """A person with a mouse, or with a keyboard and nothing else."""

    def __init__(self, page: Page, *, has_mouse: bool) -> None:
        self.page, self._has_mouse = page, has_mouse

    def press(self, target: Locator) -> None:
        if self._has_mouse:
            target.click()
        else:
            self._go_to(target)
            self.page.keyboard.press("Enter")

    def choose(self, name: str, option: str) -> None:
        select = self.page.locator(f"select[name={name}]")
        if self._has_mouse:
            select.select_option(label=option)
            return
        self._go_to(select)
        self.page.keyboard.type(option)  # as browsers let one choose by the first letters

    def fill(self, target: Locator, text: str) -> None:
        if self._has_mouse:
            target.fill(text)
            return
        self._go_to(target)
        if target.get_attribute("type") == "date":  # typed as its fields ask: month, day, year
            year, month, day = text.split("-")
            text = f"{month}{day}{year}"
        else:
            self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.type(text)

    def _go_to(self, target: Locator) -> None:
        target.wait_for()
        for _ in range(MAX_TABS):
            if target.evaluate("(each) => each === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{target} cannot be reached by Tab")


@pytest.fixture(scope="module")
def shop(emulator: Emulator) -> Iterator[Shop]:
    started = Shop(new_lake(emulator))
    yield started
    started.close()


@pytest.fixture
def page(browser: Browser, shop: Shop) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    problems: list[str] = []
    page.on("response", lambda answer: problems.append(answer.text()) if answer.status >= 500 else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda said: problems.append(said.text) if said.type in ("error", "warning") else None)
    page.goto(shop.address)
    loaded(page)
    yield page
    context.close()
    assert not problems, "\n".join(problems)


@pytest.fixture(params=["mouse", "keyboard"])
def hand(request: pytest.FixtureRequest, page: Page) -> Hand:
    return Hand(page, has_mouse=request.param == "mouse")


def loaded(page: Page) -> None:
    page.wait_for_selector("html[data-loaded]")


def visited(page: Page, part: str) -> None:
    """Wait until the address has the part, and the page has its panels."""
    page.wait_for_url(lambda url: part in url)
    loaded(page)


def figure(page: Page, name: str) -> Locator:
    return page.locator("dl.figures > div", has=page.get_by_text(name, exact=True))


def rows(page: Page, card: str) -> list[tuple[str, str, str]]:
    """Return the rows of a card: label, number, share."""
    listed = page.locator("section.card", has=page.get_by_role("heading", name=card, exact=True)).locator(
        ".bars li"
    )
    return [
        (
            row.locator(".label").inner_text(),
            *(each.inner_text() for each in row.locator("> span:not(.label)").all()),
        )  # type: ignore[misc]
        for row in listed.all()
    ]


def tab(page: Page, card: str, name: str) -> Locator:
    return page.get_by_role("navigation", name=card).get_by_role("link", name=name, exact=True)


def row_of(page: Page, card: str, name: str) -> Locator:
    return page.locator("section.card", has=page.get_by_role("heading", name=card, exact=True)).get_by_role(
        "link", name=name, exact=True
    )


def test_yesterdays_clicks_against_the_same_weekday_a_week_before(hand: Hand, shop: Shop) -> None:
    hand.press(hand.page.get_by_role("link", name="Yesterday"))
    visited(hand.page, "period=yesterday")
    now, before = (sum(map(is_click, of_days(shop.lines, day, day))) for day in (YESTERDAY, WEEK_BEFORE))
    expect(figure(hand.page, "Clicks").locator(".number")).to_have_text(str(now))
    change = f"{round(100 * (now - before) / before):+,d} %".replace("-", "−")
    expect(figure(hand.page, "Clicks").locator(".change")).to_contain_text(f"{change} from {before}")


def test_most_clicked_item_of_last_week_by_name(hand: Hand, shop: Shop) -> None:
    hand.fill(hand.page.locator("[name=from]"), "2026-11-16")
    hand.fill(hand.page.locator("[name=to]"), "2026-11-22")
    hand.press(hand.page.get_by_role("button", name="Show"))
    visited(hand.page, "from=2026-11-16&to=2026-11-22")
    (most, count), *_ = counted(of_days(shop.lines, "2026-11-16", "2026-11-22"), "name", is_click)
    assert rows(hand.page, "Items")[0][:2] == (most, str(count))


def last_seven(shop: Shop) -> list[Line]:
    return of_days(shop.lines, "2026-11-19", TODAY)


def test_campaign_that_brought_most_clicks_on_gary(hand: Hand, shop: Shop) -> None:
    hand.press(row_of(hand.page, "Items", "Gary"))
    visited(hand.page, "is=item")
    expect(hand.page.get_by_role("region", name="Filters")).to_contain_text("Item is Gary")
    hand.press(tab(hand.page, "Sources", "Campaigns"))
    visited(hand.page, "tab=campaigns")
    ranked = counted(last_seven(shop), "utmCampaign", lambda line: is_click(line) and line["name"] == "Gary")
    assert [row[:2] for row in rows(hand.page, "Sources")] == [(name, str(n)) for name, n in ranked]


def test_what_phones_in_germany_looked_at(hand: Hand, shop: Shop) -> None:
    hand.press(row_of(hand.page, "Locations", "Germany"))
    visited(hand.page, "is=country%3ADE")
    hand.press(row_of(hand.page, "Devices", "phones"))
    visited(hand.page, "is=device%3Amobile")
    ranked = counted(
        last_seven(shop),
        "path",
        lambda line: (line["type"], line["country"], line["device"]) == ("pageview", "DE", "mobile"),
    )
    assert [row[:2] for row in rows(hand.page, "Pages")] == [(name, str(n)) for name, n in ranked]


def test_page_where_most_sessions_end(hand: Hand, shop: Shop) -> None:
    hand.press(tab(hand.page, "Pages", "Exit"))
    visited(hand.page, "tab=exit_pages")
    last = {
        line["sessionId"]: line["path"]
        for line in sorted(last_seven(shop), key=lambda line: line["occurredAt"])
    }
    ((page, count),) = Counter(last.values()).most_common(1)
    assert rows(hand.page, "Pages")[0] == (page, str(count), share(count, len(last)))


def test_how_many_went_from_page_to_item_to_adopted(hand: Hand, shop: Shop) -> None:
    form = hand.page.get_by_role("form", name="Add a step")
    for kind, value in (("Page", "/"), ("Item", next(iter(ITEMS))), ("Event type", "adopted")):
        hand.choose("kind", kind)
        hand.fill(form.locator("[name=target]"), value)
        hand.press(form.get_by_role("button"))
        visited(hand.page, f"step={ {'Page': 'page', 'Item': 'item', 'Event type': 'type'}[kind] }")
    steps: list[Callable[[Line], bool]] = [
        lambda line: line["path"] == "/",
        lambda line: line.get("name") == "Gary",
        lambda line: line["type"] == "adopted",
    ]
    reached = {line["sessionId"]: "" for line in last_seven(shop)}
    counts = [len(reached)]
    for step in steps:
        now: dict[str, str] = {}
        for line in last_seven(shop):
            session, at = line["sessionId"], line["occurredAt"]
            if session in reached and step(line) and at >= reached[session]:
                now[session] = min(at, now.get(session, at))
        reached = now
        counts.append(len(reached))
    shown = hand.page.locator(".funnel li > span:nth-child(2)")
    assert [int(text) for text in shown.all_inner_texts()] == counts
    expect(hand.page.locator(".funnel")).to_contain_text("2. Item: Gary")


def test_share_of_visits_from_ai_assistants_this_month(hand: Hand, shop: Shop) -> None:
    hand.press(hand.page.get_by_role("link", name="This month"))
    visited(hand.page, "period=month")
    ranked = dict(counted(of_days(shop.lines, "2026-11-01", TODAY), "referrerKind", lambda _: True))
    shown = {label: part for label, _, part in rows(hand.page, "Sources")}
    assert shown["AI assistants"] == share(ranked["ai"], sum(ranked.values()))


def test_busiest_hour_in_berlins_time(hand: Hand, shop: Shop) -> None:
    hand.fill(hand.page.locator("[name=zone]"), "Europe/Berlin")
    hand.press(hand.page.get_by_role("button", name="Show"))
    visited(hand.page, "zone=Europe")
    hand.press(hand.page.get_by_role("link", name="Yesterday"))
    visited(hand.page, "period=yesterday")
    hand.press(hand.page.get_by_text("Table by hour"))
    berlin = ZoneInfo("Europe/Berlin")
    hours = Counter(
        local.strftime("%Y-%m-%d %H:00")
        for line in shop.lines
        if is_click(line)
        for local in (datetime.fromisoformat(line["occurredAt"]).astimezone(berlin),)
        if local.date().isoformat() == YESTERDAY
    )
    cells = [row.split("\t")[:2] for row in hand.page.locator("tbody tr").all_inner_texts()]
    assert {hour: int(clicks) for hour, clicks in cells if clicks != "0"} == dict(hours)


def test_a_view_is_a_link_for_whoever_may_see_the_dashboard(hand: Hand, browser: Browser, shop: Shop) -> None:
    hand.press(row_of(hand.page, "Locations", "Germany"))
    visited(hand.page, "is=country%3ADE")
    seen = figure(hand.page, "Clicks").locator(".number").inner_text()
    stranger = browser.new_context().new_page()
    answer = stranger.goto(hand.page.url)
    assert answer
    assert answer.status == 401
    assert "Germany" not in stranger.content()
    stranger.goto(shop.address)
    stranger.goto(hand.page.url)
    loaded(stranger)
    assert figure(stranger, "Clicks").locator(".number").inner_text() == seen
    stranger.context.close()


def test_a_link_in_a_mail_leads_to_the_view(browser: Browser, shop: Shop) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(shop.address)
    page.goto(f"data:text/html,<a href='{shop.url}?period=yesterday'>see here</a>")
    page.get_by_role("link").click()
    expect(page.get_by_text("it holds the key")).to_be_visible()
    page.get_by_role("link", name="show this view").click()
    expect(page.locator(".periods [aria-current]")).to_have_text("Yesterday")
    context.close()


def test_csv_and_sql_of_the_sources(hand: Hand, shop: Shop, tmp_path: Path) -> None:
    card = hand.page.locator("section.card", has=hand.page.get_by_role("heading", name="Sources", exact=True))
    with hand.page.expect_download() as download:
        hand.press(card.get_by_role("link", name="CSV"))
    download.value.save_as(tmp_path / "sources.csv")
    with (tmp_path / "sources.csv").open() as file:
        found = [(row["referrerkind"], int(row["events"])) for row in csv.DictReader(file)]
    assert found == counted(last_seven(shop), "referrerKind", lambda _: True)
    hand.press(card.get_by_role("button", name="SQL"))
    dialog = hand.page.get_by_role("dialog", name="SQL of this panel")
    expect(dialog).to_contain_text("FROM human_events")
    hand.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_a_click_shows_within_three_seconds(page: Page, shop: Shop) -> None:
    before = clicks_on(page)
    land_click(shop)
    expect(figure(page, "Clicks").locator(".number")).to_have_text(f"{before + 1}", timeout=15_000)


@pytest.mark.parametrize("target", [".bars a", "a[download]", ".shows-sql"])
def test_focus_stays_where_it_is_when_a_click_lands(page: Page, shop: Shop, target: str) -> None:
    before = clicks_on(page)
    items = page.locator("[data-panel=items]")
    items.locator(target).first.focus()
    shown = items.inner_html()
    land_click(shop)
    expect(figure(page, "Clicks").locator(".number")).to_have_text(f"{before + 1}", timeout=15_000)
    page.wait_for_function(
        "(shown) => document.querySelector('[data-panel=items]').innerHTML !== shown", arg=shown
    )
    expect(items.locator(target).first).to_be_focused()


def test_a_panel_catches_up_when_its_sql_is_closed(page: Page, shop: Shop) -> None:
    before = clicks_on(page)
    items = page.locator("[data-panel=items]")
    first = items.locator(".bars li").first
    shown = first.inner_text()
    items.get_by_role("button", name="SQL").click()
    land_click(shop)
    expect(figure(page, "Clicks").locator(".number")).to_have_text(f"{before + 1}", timeout=15_000)
    loaded(page)
    assert first.inner_text() == shown
    page.keyboard.press("Escape")
    expect(first).not_to_have_text(shown)
    expect(items.get_by_role("button", name="SQL")).to_be_focused()


def clicks_on(page: Page) -> int:
    return int(figure(page, "Clicks").locator(".number").inner_text())


def land_click(shop: Shop) -> None:
    at = NOW - timedelta(minutes=1)
    most = Counter(line["mysfitId"] for line in shop.lines if line["type"] == "click").most_common(1)[0][0]
    line = {"eventId": new_id(), "type": "click", "mysfitId": most, "v": 1}
    line |= dict.fromkeys(("occurredAt", "receivedAt", "processedAt"), to_text(at))
    shop.lines.append(line)
    shop.lake.put("clicks", [compact(line) + b"\n"], at)


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "query",
    [
        "",
        "is=country:DE&not=device:mobile&step=page:/&step=type:adopted",
        "from=2020-01-01",
        "is=page:" + "x" * 300,
    ],
    ids=["plain", "filtered", "empty", "long"],
)
def test_axe_finds_no_fault_and_nothing_scrolls_sideways(
    browser: Browser, shop: Shop, query: str, scheme: str, width: int
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(shop.address)
    page.goto(f"{shop.url}?{query}")
    loaded(page)
    found = Axe().run(page)
    assert not found.response["violations"], found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.close()


def test_axe_finds_no_fault_in_errors_and_the_sql(browser: Browser, shop: Shop) -> None:
    page = browser.new_page()
    page.goto(shop.address)
    loaded(page)
    page.get_by_role("button", name="SQL").first.click()
    found = Axe().run(page)
    assert not found.response["violations"], found.generate_report()
    page.goto(f"{shop.url}?period=fortnight")
    expect(page.get_by_role("heading")).to_have_text("This view cannot be shown")
    found = Axe().run(page)
    assert not found.response["violations"], found.generate_report()
    page.close()


def test_nothing_moves_while_the_panels_come(browser: Browser, shop: Shop) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.add_init_script("""window.shift = 0; window.moved = [];
        new PerformanceObserver((list) => {
            for (const each of list.getEntries()) {
                window.shift += each.value;
                for (const { node } of each.sources) window.moved.push(node?.outerHTML?.slice(0, 80));
            }
        }).observe({ type: 'layout-shift', buffered: true });""")
    page.goto(shop.address)
    loaded(page)
    assert page.evaluate("window.shift") <= 0.02, page.evaluate("window.moved")
    page.close()
