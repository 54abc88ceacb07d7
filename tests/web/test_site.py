"""The Mysfits site in a real browser, served as a bucket serves it: under a path, with a strict policy."""

import json
import queue
import re
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Locator,
    Page,
    ViewportSize,
    expect,
)

from tests.support.paths import ROOT

pytestmark = pytest.mark.browser

WEB = ROOT / "web"
MYSFITS: list[dict[str, Any]] = json.loads((WEB / "mysfits.json").read_text())
NAMES = [mysfit["name"] for mysfit in MYSFITS]
ARRIVES_SECONDS = 15  # generous: the tracker collects clicks for a second
PHONE: ViewportSize = {"width": 360, "height": 740}
DESKTOP: ViewportSize = {"width": 1280, "height": 900}


class Api(BaseHTTPRequestHandler):
    """Takes every click, and passes it on to the test."""

    def __init__(self, clicks: "queue.Queue[dict[str, Any]]", *args: Any) -> None:
        self.clicks = clicks
        super().__init__(*args)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        clicks = body.get("clicks", [body])
        for click in clicks:
            self.clicks.put(click)
        receipts = [
            {"index": index, "eventId": click["eventId"], "result": "accepted"}
            for index, click in enumerate(clicks)
        ]
        answer = json.dumps({"accepted": len(clicks), "receipts": receipts}).encode()
        self.send_response(202)
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: Any) -> None:
        pass


class Bucket(SimpleHTTPRequestHandler):
    """The published site under /bucket/; config.js names the API, as publishing writes it."""

    def __init__(self, endpoint: str, *args: Any) -> None:
        self.endpoint = endpoint
        super().__init__(*args, directory=str(WEB))

    def do_GET(self) -> None:
        if not self.path.startswith("/bucket/"):
            self.send_error(404)
        elif self.path == "/bucket/config.js":
            script = f"window.CLICKLAKE = {json.dumps({'endpoint': self.endpoint})};".encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/javascript")
            self.send_header("Content-Length", str(len(script)))
            self.end_headers()
            self.wfile.write(script)
        else:
            self.path = self.path.removeprefix("/bucket")
            super().do_GET()

    def end_headers(self) -> None:
        policy = f"default-src 'self'; connect-src 'self' {self.endpoint}"
        self.send_header("Content-Security-Policy", policy)
        super().end_headers()

    def log_message(self, *_: Any) -> None:
        pass


def serve(handler: Any) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def clicks() -> "queue.Queue[dict[str, Any]]":
    return queue.Queue()


@pytest.fixture
def api(clicks: "queue.Queue[dict[str, Any]]") -> Iterator[str]:
    yield from serve(partial(Api, clicks))


@pytest.fixture
def site(api: str) -> Iterator[str]:
    for address in serve(partial(Bucket, f"{api}/clicks")):
        yield f"{address}/bucket"


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport=DESKTOP, reduced_motion="reduce")
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, site: str) -> Iterator[Page]:
    """The page, opened and watched: a test fails if a request leaves this machine, or the console speaks."""
    page = context.new_page()
    requests: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"{site}/index.html")
    expect(cards(page)).to_have_count(12)
    yield page
    assert not said
    assert not [url for url in requests if not url.startswith("http://127.0.0.1:")]


def cards(page: Page) -> Locator:
    return page.locator("#grid li:visible")


def card(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name)


def shown(page: Page) -> list[str]:
    return page.locator("#grid li:visible .name").all_inner_texts()


def choose(page: Page, group: str, option: str) -> None:
    page.get_by_role("group", name=group).get_by_role("radio", name=option).check()


def open_profile(page: Page, name: str) -> Locator:
    card(page, name).click()
    profile = page.get_by_role("dialog", name=name)
    expect(profile).to_be_visible()
    return profile


def next_click(clicks: "queue.Queue[dict[str, Any]]", kind: str) -> dict[str, Any]:
    while True:
        click = clicks.get(timeout=ARRIVES_SECONDS)
        if click.get("type", "click") == kind:
            return click


# --- The grid and its filters -------------------------------------------------------------------------------


def test_grid_shows_all_twelve_with_their_pictures(page: Page) -> None:
    assert shown(page) == NAMES
    expect(page.get_by_role("status").first).to_have_text("All 12 mysfits")
    for picture in page.locator("#grid img").all():  # the page allows no eval, which wait_for_function needs
        expect(picture).not_to_have_js_property("naturalWidth", 0)


@pytest.mark.parametrize(
    ("good", "law", "species", "names"),
    [
        ("Good", "Any", "", ["CoCo", "Hasla", "Twilight Glitter", "Cole"]),
        ("Any", "Lawful", "", ["Evangeline", "Pauly", "Twilight Glitter"]),
        ("Evil", "Neutral", "", ["Gretta", "Snowflake"]),
        ("Good", "Chaotic", "Phoenix", ["Cole"]),
        ("Any", "Any", "Kraken", ["Gary"]),
        ("Evil", "Lawful", "Troll", []),
    ],
)
def test_filters_combine(page: Page, good: str, law: str, species: str, names: list[str]) -> None:
    choose(page, "Good or evil", good)
    choose(page, "Law or chaos", law)
    page.get_by_label("Species").select_option(species)
    assert shown(page) == names
    says = f"{len(names)} of 12 mysfits" if names else "No mysfit is all of that."
    expect(page.get_by_role("status").first).to_have_text(says)


def test_a_count_is_what_its_option_would_show(page: Page) -> None:
    choose(page, "Good or evil", "Evil")
    for law in ["Any", "Lawful", "Neutral", "Chaotic"]:
        option = page.get_by_role("group", name="Law or chaos").get_by_role("radio", name=law)
        promised = option.locator("xpath=..").inner_text()
        option.check()
        assert promised == f"{law} {len(shown(page))}"


def test_show_all_takes_back_every_filter(page: Page) -> None:
    page.get_by_label("Species").select_option("Yeti")
    page.get_by_role("button", name="Show all").click()
    assert shown(page) == NAMES
    expect(page.get_by_role("button", name="Show all")).to_be_hidden()
    expect(page.get_by_role("radio").first).to_be_focused()


def test_address_shares_the_filters_and_keeps_what_else_it_says(page: Page, site: str) -> None:
    page.goto(f"{site}/index.html?utm_source=news&goodevil=Good&lawchaos=sideways")
    expect(cards(page)).to_have_count(4)
    page.get_by_label("Species").select_option("Dragon")
    assert page.url == f"{site}/index.html?utm_source=news&goodevil=Good&species=Dragon"
    page.reload()
    expect(cards(page)).to_have_count(1)


# --- The profile --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("Hasla", ["Haetae", "2 billion years", "Neutral good"]),
        ("Nessi", ["Plesiosaurus", "75 million years", "True neutral"]),
        ("Gary", ["Kraken", "2,709 years", "Chaotic neutral"]),
    ],
)
def test_profile_tells_a_mysfits_facts(page: Page, name: str, facts: list[str]) -> None:
    profile = open_profile(page, name)
    assert profile.locator("dd").all_inner_texts() == facts
    (mysfit,) = (mysfit for mysfit in MYSFITS if mysfit["name"] == name)
    expect(profile.get_by_text(mysfit["description"])).to_be_visible()
    expect(profile.locator("img")).to_have_attribute("src", mysfit["picture"])


@pytest.mark.parametrize("way", ["button", "escape", "beside"])
def test_profile_closes_and_gives_the_focus_back(page: Page, way: str) -> None:
    profile = open_profile(page, "CoCo")
    if way == "button":
        profile.get_by_role("button", name="Close").click()
    elif way == "escape":
        page.keyboard.press("Escape")
    else:
        page.mouse.click(5, 5)
    expect(profile).to_be_hidden()
    expect(card(page, "CoCo")).to_be_focused()


def test_profile_gives_the_focus_back_where_a_click_focuses_no_button_as_in_safari(page: Page) -> None:
    page.evaluate("document.addEventListener('mousedown', (event) => event.preventDefault(), true)")
    profile = open_profile(page, "Nessi")
    page.keyboard.press("Escape")
    expect(profile).to_be_hidden()
    expect(card(page, "Nessi")).to_be_focused()


def test_keyboard_alone_reaches_everything(page: Page) -> None:
    page.keyboard.press("Tab")
    expect(page.get_by_role("radio").first).to_be_focused()
    page.keyboard.press("ArrowRight")  # Any → Good
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Species")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Show all")).to_be_focused()
    page.keyboard.press("Tab")
    expect(card(page, "CoCo")).to_be_focused()
    page.keyboard.press("Enter")
    profile = page.get_by_role("dialog", name="CoCo")
    expect(profile.get_by_role("button", name="Close")).to_be_focused()
    page.keyboard.press("Enter")
    expect(card(page, "CoCo")).to_be_focused()
    for _ in range(4):  # three more good mysfits, then the footer
        page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="in plain words")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Stop counting me")).to_be_focused()


# --- What is counted ----------------------------------------------------------------------------------------


def test_opening_a_profile_is_one_click_on_that_mysfit(
    page: Page, clicks: "queue.Queue[dict[str, Any]]"
) -> None:
    open_profile(page, "Rujin")
    page.keyboard.press("Escape")
    open_profile(page, "Cole")
    ids = [next_click(clicks, "click")["mysfitId"] for _ in range(2)]
    assert ids == ["b6d16e02-6aeb-413c-b457-321151bb403d", "33e1fbd4-2fd8-45fb-a42f-f92551694506"]


def test_visitor_can_stop_the_counting_and_start_it_again(
    page: Page, site: str, clicks: "queue.Queue[dict[str, Any]]"
) -> None:
    next_click(clicks, "pageview")
    page.get_by_role("button", name="Stop counting me").click()
    expect(page.get_by_text("Your visit is not counted.")).to_be_visible()
    open_profile(page, "Pauly")
    page.goto(f"{site}/privacy.html")
    expect(page.get_by_text("Your visit is not counted.")).to_be_visible()
    page.get_by_role("button", name="Count me again").click()
    expect(page.get_by_text("Your visit is counted.")).to_be_visible()
    page.get_by_role("link", name="Back to the mysfits").first.click()
    open_profile(page, "Gary")
    assert next_click(clicks, "click")["mysfitId"] == "3f0f196c-4a7b-43af-9e29-6522a715342d"


def test_page_says_so_where_the_counter_is_blocked(context: BrowserContext, site: str) -> None:
    context.route("**/tracker.min.js", lambda route: route.abort())
    page = context.new_page()
    page.goto(f"{site}/index.html")
    expect(page.get_by_text("so nothing is counted")).to_be_visible()
    expect(page.locator("#counting-switch")).to_be_hidden()
    open_profile(page, "Gretta")


# --- For everybody ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["360", "1280"])
def test_axe_finds_no_fault_and_nothing_scrolls_sideways(
    page: Page, site: str, viewport: ViewportSize, scheme: Literal["light", "dark"]
) -> None:
    def check() -> None:
        report = Axe().run(page)
        assert not report.response["violations"], report.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    page.set_viewport_size(viewport)
    page.emulate_media(color_scheme=scheme)
    check()
    open_profile(page, "Twilight Glitter")
    check()
    assert page.evaluate("document.querySelector('dialog').scrollWidth <= innerWidth")
    page.goto(f"{site}/privacy.html")
    check()


def test_nothing_moves_for_those_who_ask_for_stillness(page: Page) -> None:
    open_profile(page, "Snowflake")
    assert page.evaluate("document.getAnimations().length") == 0
    page.emulate_media(reduced_motion="no-preference")
    running = "new Promise((done) => requestAnimationFrame(() => done(document.getAnimations().length)))"
    assert page.evaluate(running) > 0


def test_print_shows_the_mysfits_without_the_controls(page: Page) -> None:
    page.emulate_media(media="print")
    expect(cards(page)).to_have_count(12)
    for control in ["#filters", "#counting-switch", ".eyes"]:
        expect(page.locator(control)).to_be_hidden()


@pytest.mark.parametrize("page", ["index.html", "privacy.html"])
def test_a_page_loads_the_small_tracker(page: str) -> None:
    scripts = re.findall(r'<script[^>]* src="(tracker[^"]*)"', (ROOT / "web" / page).read_text())
    assert scripts == ["tracker.min.js"]
