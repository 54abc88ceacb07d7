"""tracker.full.min.js with data-autocapture: every click on a control, without markup."""

import pytest
from playwright.sync_api import Page

from ingest_app.parsing.schema import ClickSchema
from ingest_app.parsing.strict import StrictParser
from ingest_app.settings import IngestSettings
from tests.tracker.pages import BUTTON, NO_TICKS, Track, stored, wait
from tests.tracker.recording_server import RecordingServer

pytestmark = pytest.mark.browser

STAY = "addEventListener('click', (event) => event.preventDefault())"


@pytest.fixture
def build() -> str:
    return "tracker.full.min.js"


CONTROLS = [
    ("<button>Buy <b>now</b></button>", "button", "Buy now"),
    ('<button aria-label="Close"><svg width=9 height=9></svg></button>', "button", "Close"),
    ('<button><svg width=9 height=9 aria-label="Search"></svg></button>', "button", "Search"),
    ('<a href="/home"><img width=9 height=9 alt="Home"></a>', "a", "Home"),
    (
        '<button><img width=9 height=9 alt="Buy"><img width=9 height=9 alt="now"></button>',
        "button",
        "Buy now",
    ),
    ('<input type=submit value="Send it">', "input", "Send it"),
    ('<input type=image width=20 height=20 alt="Go">', "input", "Go"),
    ("<details><summary>More</summary>text</details>", "summary", "More"),
    ("<div role=button>Play</div>", "div", "Play"),
    ("<div role=menuitem>Copy</div>", "div", "Copy"),
    ("<div role=tab>Tab</div>", "div", "Tab"),
    ('<p onclick="0">Inline</p>', "p", "Inline"),
    (f"<button>{'long ' * 50}</button>", "button", ("long " * 20).strip()),
]


@pytest.mark.parametrize(("body", "tag", "name"), CONTROLS)
def test_click_on_a_control_says_which(
    body: str, tag: str, name: str, page: Page, html: Track, api: RecordingServer
) -> None:
    page.goto(html(f"<main>{body}</main>", "data-autocapture"))
    page.evaluate(STAY)
    page.click(f"main {tag}")
    wait(page)
    (click,) = api.wait_for_clicks(1)
    assert click["type"] == "element_click"
    element = click["element"]
    assert (element["tag"], element["name"].strip()) == (tag, name)
    assert page.locator(element["selector"]).count() == 1
    assert "text" not in element
    assert "mysfitId" not in click


NO_CONTROLS = [
    ("<p id=it>words</p>", "no control"),
    ("<input id=it value=typed>", "typed"),
    ("<textarea id=it>typed</textarea>", "typed"),
    ("<input id=it type=checkbox>", "a choice"),
    ("<div contenteditable><a id=it href='/x'>typed</a></div>", "typed"),
    ("<button id=it data-clicklake-ignore>ignored</button>", "ignored"),
    ("<div data-clicklake-ignore><p><button id=it>ignored</button></p></div>", "ignored"),
]


@pytest.mark.parametrize(("body", "why"), NO_CONTROLS)
def test_click_elsewhere_is_none(body: str, why: str, page: Page, html: Track, api: RecordingServer) -> None:
    page.goto(html(body + BUTTON, "data-autocapture"))
    page.evaluate(STAY)
    page.click("#it")
    page.click("text=One")
    wait(page)
    assert [click["type"] for click in api.wait_for_clicks(1)] == ["click"], why


def test_name_of_a_control_leaves_out_what_is_ignored_or_typed(
    page: Page, html: Track, api: RecordingServer
) -> None:
    body = "<div role=button>Open <span data-clicklake-ignore>Jane Doe</span><textarea>typed</textarea></div>"
    page.goto(html(body, "data-autocapture"))
    page.click("[role=button]", position={"x": 5, "y": 5})
    wait(page)
    (click,) = api.wait_for_clicks(1)
    assert click["element"]["name"] == "Open"


def test_item_or_link_that_counts_already_counts_once(page: Page, html: Track, api: RecordingServer) -> None:
    links = '<a href="https://there.example/">out</a><a href="/a.pdf">file</a><a href="/in">in</a>'
    page.goto(html(BUTTON + links, "data-autocapture data-links"))
    page.evaluate(STAY)
    for text in ("One", "out", "file", "in"):
        page.click(f"text={text}")
    wait(page)
    kinds = [click["type"] for click in api.wait_for_clicks(4)]
    assert kinds == ["click", "outbound", "download", "element_click"]


def test_click_on_an_item_is_described_as_without_autocapture(
    page: Page, html: Track, api: RecordingServer
) -> None:
    page.goto(html(BUTTON, "data-autocapture"))
    page.click("text=One")
    wait(page)
    (click,) = api.wait_for_clicks(1)
    assert click["element"] == {"tag": "button", "text": "One"}


SELECTORS = [
    ("<main><p>a</p><p><button id=it>b</button></p></main>", "#it"),
    ("<main id=page><p>a</p><p><button>b</button></p></main>", "#page>p:nth-of-type(2)>button"),
    ('<main id=page><p id="radix-12"><button>b</button></p></main>', "#page>p>button"),
    ('<main id=page><p id=":r1:"><button>b</button></p></main>', "#page>p>button"),
    ("<i><b><i><b><i><b><button>b</button></b></i></b></i></b></i>", "i>b>i>b>button"),
    ("<form id=f><input name=id><input name=parentElement><button>b</button></form>", "#f>button"),
]


@pytest.mark.parametrize(("body", "selector"), SELECTORS)
def test_selector_is_short_and_stays_the_same(
    body: str, selector: str, page: Page, html: Track, api: RecordingServer
) -> None:
    page.goto(html(body, "data-autocapture"))
    page.evaluate(STAY)
    page.evaluate("document.querySelector('button').click()")
    wait(page)
    (click,) = api.wait_for_clicks(1)
    assert click["element"]["selector"] == selector


def test_selector_ends_at_the_shadow_root(page: Page, html: Track, api: RecordingServer) -> None:
    body = "<x-card><template shadowrootmode=open><p><button>b</button></p></template></x-card>"
    page.goto(html(body, "data-autocapture"))
    page.click("button")
    wait(page)
    (click,) = api.wait_for_clicks(1)
    assert click["element"]["selector"] == "p>button"


def test_consent_and_signals_apply(page: Page, html: Track, api: RecordingServer) -> None:
    page.context.add_init_script(
        "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {get: () => true})"
    )
    page.goto(html('<a href="/x?token=1">x</a>', "data-autocapture data-consent=required data-user-id=u-1"))
    page.evaluate(STAY)
    page.click("a")
    wait(page)
    assert api.requests == []
    assert stored(page) == {}
    page.evaluate("clicks.optIn()")
    wait(page)
    (click,) = api.wait_for_clicks(1)
    assert click["element"]["href"].endswith("/x")
    assert not {"userId", "title"} & set(click)


def test_nothing_is_captured_unless_asked_for(page: Page, html: Track, api: RecordingServer) -> None:
    page.goto(html("<button>plain</button>" + BUTTON))
    page.click("text=plain")
    page.click("text=One")
    wait(page)
    assert [click["type"] for click in api.wait_for_clicks(1)] == ["click"]


def test_ingest_app_takes_what_is_captured(page: Page, html: Track, api: RecordingServer) -> None:
    page.goto(html("<button>Search</button>", "data-autocapture data-pageviews"))
    page.click("button")
    wait(page)
    api.wait_for_clicks(2)
    parsed = StrictParser(ClickSchema(IngestSettings("clicks"))).parse(api.requests[0].body.encode())
    assert [result.errors for result in parsed.results] == [None] * 2


@pytest.mark.parametrize("build", ["tracker.min.js"])
def test_small_build_says_that_it_has_no_autocapture(page: Page, html: Track, warnings: list[str]) -> None:
    page.goto(html(BUTTON, "data-autocapture"))
    assert warnings == ["clicks: unknown attribute autocapture"]


def test_page_view_without_a_load_counts_at_once(page: Page, html: Track, api: RecordingServer) -> None:
    page.context.add_init_script(NO_TICKS)
    page.goto(html("", "data-pageviews"))
    page.evaluate("history.pushState(0, '', '/a'); setTimeout(() => clicks.event('after'), 10)")
    page.clock.run_for(100)
    page.goto(html(path="/next"))
    assert [click["type"] for click in api.wait_for_clicks(3)] == ["pageview", "pageview", "after"]


@pytest.mark.parametrize("break_it", ["delete window.navigation", "window.navigation = {}"])
def test_full_build_needs_no_navigation_api(
    break_it: str, page: Page, html: Track, api: RecordingServer, warnings: list[str]
) -> None:
    page.context.add_init_script(break_it)
    page.goto(html("<button>Buy</button>", "data-autocapture data-pageviews"))
    page.evaluate("history.pushState(0, '', '/a')")
    wait(page)
    page.click("button")
    wait(page)
    assert [click["type"] for click in api.wait_for_clicks(3)] == ["pageview", "pageview", "element_click"]
    assert warnings == []
