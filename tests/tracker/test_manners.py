"""The tracker stays out of the page's way, whatever the page and the browser are like."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.tracker.pages import BUTTON, Track, stored, track, wait, wait_until_empty
from tests.tracker.recording_server import Answer, RecordingServer

pytestmark = pytest.mark.browser

EVERYTHING = f"""
    <a id="link" data-click-item="link" href="#there">link</a>
    <label><input id="box" data-click-item="box" type="checkbox"><b id="words">box</b></label>
    <button id="button" data-click-item="button" onclick="this.textContent = 'done'">button</button>
    <form action="#sent"><input id="text"><button id="send" data-click-item="send">send</button></form>
    <details id="details"><summary data-click-item="summary">summary</summary>more</details>
    {BUTTON}
    <script>
      events = [];
      for (const type of ['click', 'auxclick', 'submit', 'keydown'])
        addEventListener(type, (event) => events.push(event));
    </script>
"""


def prevented(page: Page) -> list[str]:
    """The types of the events whose default somebody has prevented."""
    page.wait_for_function("typeof events === 'object'")  # a form that was sent has loaded the page again
    types: list[str] = page.evaluate("events.filter((e) => e.defaultPrevented).map((e) => e.type)")
    return types


LINK_FOLLOWED = "location.hash === '#there'"
BOX_CHECKED = "document.querySelector('#box').checked"
BUTTON_HEARD = "document.querySelector('#button').textContent === 'done'"
FORM_SENT = "location.hash === '#sent'"
DETAILS_OPEN = "document.querySelector('details').open"


@pytest.mark.parametrize(
    ("act", "done"),
    [
        pytest.param(lambda page: page.click("#link"), LINK_FOLLOWED, id="link"),
        pytest.param(lambda page: page.press("#link", "Enter"), LINK_FOLLOWED, id="link by keyboard"),
        pytest.param(lambda page: page.click("#box"), BOX_CHECKED, id="checkbox"),
        pytest.param(lambda page: page.press("#box", "Space"), BOX_CHECKED, id="checkbox by keyboard"),
        pytest.param(lambda page: page.click("#words"), BOX_CHECKED, id="checkbox by its label"),
        pytest.param(lambda page: page.click("#button"), BUTTON_HEARD, id="button"),
        pytest.param(lambda page: page.press("#button", "Enter"), BUTTON_HEARD, id="button by keyboard"),
        pytest.param(lambda page: page.click("#send"), FORM_SENT, id="form"),
        pytest.param(lambda page: page.press("#text", "Enter"), FORM_SENT, id="form by keyboard"),
        pytest.param(lambda page: page.click("summary"), DETAILS_OPEN, id="summary"),
    ],
)
def test_default_of_a_click_happens_and_the_click_is_counted_once(
    act: Callable[[Page], None], done: str, page: Page, html: Track, api: RecordingServer
) -> None:
    page.goto(html(EVERYTHING))
    act(page)
    page.wait_for_function(done)
    assert prevented(page) == []
    wait(page)
    assert len(api.wait_for_clicks(1)) == 1


def test_middle_click_opens_its_tab_and_is_counted(
    context: BrowserContext, page: Page, html: Track, api: RecordingServer
) -> None:
    html(path="/behind")
    page.goto(html('<a data-click-item="link" href="/behind">link</a>'))
    with context.expect_page() as opened:
        page.click("a", button="middle")
    opened.value.wait_for_url("**/behind")
    wait(page)
    (click,) = api.wait_for_clicks(1)
    assert click["mysfitId"] == "link"


def test_right_click_is_no_click(page: Page, html: Track, api: RecordingServer) -> None:
    page.goto(html(BUTTON))
    page.click("button", button="right")
    page.click("button")
    wait(page)
    assert len(api.wait_for_clicks(1)) == 1


def test_page_that_stops_its_events_hides_no_click(page: Page, html: Track, api: RecordingServer) -> None:
    stop = """<script>document.addEventListener('click', (event) => {
        event.preventDefault();
        event.stopImmediatePropagation();
    }, true)</script>"""
    page.goto(html(stop + BUTTON))
    page.click("button")
    wait(page)
    api.wait_for_clicks(1)


BLOCK_COOKIES = """
    Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('blocked') }});
    LockManager.prototype.request = () => Promise.reject(new DOMException('blocked'));
"""
FILL_STORAGE = """
    for (let size = 2 ** 22; size >= 1; size /= 2)
      try { localStorage.much = (localStorage.much || '') + 'x'.repeat(size) } catch (full) {}
"""


@pytest.mark.parametrize(
    "break_it",
    [
        BLOCK_COOKIES,
        "Object.defineProperty(window, 'localStorage', {value: null})",
        "Storage.prototype.setItem = () => { throw 0 }",
        FILL_STORAGE,
        "delete Crypto.prototype.randomUUID; delete Navigator.prototype.locks",
        "delete Request.prototype.keepalive; delete Navigator.prototype.sendBeacon",
    ],
)
def test_click_arrives_in_a_browser_where(
    break_it: str,
    context: BrowserContext,
    page: Page,
    html: Track,
    api: RecordingServer,
    warnings: list[str],
) -> None:
    context.add_init_script(break_it)
    page.goto(html(BUTTON))
    page.click("button")
    wait(page)
    api.wait_for_clicks(1)
    wait(page)
    assert len(api.clicks) == 1
    assert warnings == []


def test_click_arrives_over_plain_http(
    page: Page, html: Track, site: RecordingServer, api: RecordingServer, warnings: list[str]
) -> None:
    html(BUTTON)
    page.goto(site.url(host="shop.test"))
    assert page.evaluate("[typeof crypto.randomUUID, typeof navigator.locks]") == ["undefined"] * 2
    page.click("button")
    wait(page)
    (click,) = api.wait_for_clicks(1)
    assert len(click["eventId"]) == 36
    wait_until_empty(page)
    assert warnings == []


def test_click_arrives_from_a_sandbox_that_has_no_storage_and_no_locks(
    page: Page, html: Track, site: RecordingServer, api: RecordingServer, warnings: list[str]
) -> None:
    html(BUTTON, path="/framed")
    page.goto(site.serve("/", '<iframe src="/framed" sandbox="allow-scripts"></iframe>'))
    page.frame_locator("iframe").locator("button").click()
    wait(page)
    api.wait_for_clicks(1)
    assert api.requests[0].headers["Origin"] == "null"
    assert warnings == []


def test_strict_content_security_policy_is_obeyed(
    page: Page, html: Track, api: RecordingServer, warnings: list[str]
) -> None:
    policy = f"default-src 'none'; script-src 'self'; connect-src {api.endpoint}"
    policy += "; require-trusted-types-for 'script'; trusted-types 'none'"
    page.on("console", lambda message: warnings.append(message.text))
    page.goto(html(BUTTON, "data-pageviews data-links data-sessions", Content_Security_Policy=policy))
    page.click("button")
    wait(page)
    api.wait_for_clicks(2)
    assert warnings == []


def test_policy_or_blocker_that_forbids_the_endpoint_harms_nothing(
    page: Page, html: Track, api: RecordingServer, warnings: list[str]
) -> None:
    page.goto(html(BUTTON, Content_Security_Policy="connect-src 'none'"))
    page.click("button")
    wait(page)
    page.wait_for_function("localStorage['clicklake.pause']")
    assert api.requests == []
    assert warnings == []


def test_unknown_attribute_warns_once(page: Page, html: Track, warnings: list[str]) -> None:
    page.goto(html(BUTTON, "data-page-view data-links async crossorigin"))
    page.click("button")
    wait(page)
    assert warnings == ["clicks: unknown attribute pageView"]


def test_known_attributes_warn_of_nothing(page: Page, html: Track, warnings: list[str]) -> None:
    known = "data-item-field=a data-item-attribute=b data-user-id=c data-gpc=strip data-consent=required"
    page.goto(html(BUTTON, f"data-pageviews data-links data-sessions {known}"))
    assert warnings == []


def test_calls_with_nonsense_warn_and_throw_nothing(page: Page, html: Track, warnings: list[str]) -> None:
    page.goto(html())
    page.evaluate("""
        const loop = {};
        loop.itself = loop;
        clicks.track('a', loop);
        clicks.track('a', {number: 1n});
        clicks.track('a', {toJSON() { throw 0 }});
        clicks.event();
        clicks.track();
    """)
    assert len(warnings) == 3
    assert not any("thrown" in warning for warning in warnings)


def test_two_copies_of_the_script_count_once(page: Page, html: Track, api: RecordingServer) -> None:
    copy = f'<script src="/tracker.min.js?again" data-endpoint="{api.endpoint}"></script>'
    page.goto(html(copy + BUTTON))
    page.click("button")
    wait(page)
    assert len(api.wait_for_clicks(1)) == 1


@pytest.mark.parametrize(
    "add",
    [
        '<script type="module" src="/tracker.min.js" data-wait="0" data-endpoint="{endpoint}"></script>',
        '<script defer src="/tracker.min.js" data-wait="0" data-endpoint="{endpoint}"></script>',
        '<script type="module">import "/tracker.min.js"</script>'
        '<script data-wait="0" data-endpoint="{endpoint}"></script>',
        """<script>
            const script = document.createElement('script');
            script.dataset.endpoint = '{endpoint}';
            script.dataset.wait = 0;
            script.src = '/tracker.min.js';
            document.head.append(script);
        </script>""",
    ],
    ids=["module", "deferred", "imported", "inserted"],
)
def test_script_may_be(add: str, page: Page, site: RecordingServer, api: RecordingServer) -> None:
    page.goto(site.serve("/", add.replace("{endpoint}", api.endpoint) + BUTTON))
    page.wait_for_function("window.clicks")
    page.click("button")
    wait(page)
    api.wait_for_clicks(1)


def test_another_script_with_an_endpoint_is_not_mistaken_for_the_tracker(
    page: Page, html: Track, api: RecordingServer
) -> None:
    page.goto(html(BUTTON, head='<script data-endpoint="/theirs"></script>'))
    page.click("button")
    wait(page)
    api.wait_for_clicks(1)


def test_readable_source_does_the_same(page: Page, site: RecordingServer, api: RecordingServer) -> None:
    script = f'<script src="/tracker.js" data-wait="0" data-endpoint="{api.endpoint}"></script>'
    page.goto(site.serve("/", script + BUTTON))
    page.click("button")
    wait(page)
    api.wait_for_clicks(1)


def test_page_gets_one_global_no_cookie_and_no_other_storage(
    page: Page, html: Track, site: RecordingServer, api: RecordingServer
) -> None:
    api.otherwise = Answer(503)
    page.goto(site.serve("/bare", ""))
    bare = set(page.evaluate("Object.keys(window)"))
    page.goto(html(BUTTON, "data-pageviews data-links data-sessions"))
    page.click("button")
    track(page, 1)
    wait(page)
    page.wait_for_function("localStorage['clicklake.pause']")
    assert set(page.evaluate("Object.keys(window)")) - bare == {"clicks"}
    assert page.evaluate("[document.cookie, sessionStorage.length]") == ["", 0]
    assert all(key.startswith("clicklake.") for key in stored(page))


def test_page_keeps_its_own_history_functions(page: Page, html: Track) -> None:
    page.goto(html("", "data-pageviews"))
    page.evaluate("history.pushState({a: 1}, '', '/there'); history.replaceState({b: 2}, '')")
    assert page.evaluate("[location.pathname, history.state, history.length]") == ["/there", {"b": 2}, 3]
    with pytest.raises(Exception, match="SecurityError"):
        page.evaluate("history.pushState(null, '', 'https://elsewhere.example/')")
