"""What real pages do to the tracker. No click is lost, and none goes elsewhere."""
# ruff: noqa: E501 (pages as one finds them)

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.tracker.pages import BUTTON, HALF_AN_HOUR, MINUTE, Track, wait, wait_for_pause, waiting
from tests.tracker.recording_server import Answer, RecordingServer

pytestmark = pytest.mark.browser

STAY = "addEventListener('click', (event) => event.preventDefault())"
PROTOTYPE_JS = """<script>
    Array.prototype.toJSON = function () { return '[' + Array.from(this, (it) => JSON.stringify(it)) + ']' };
    Date.prototype.toJSON = function () { return '"' + this.toISOString() + '"' };
    Object.prototype.toJSON = function () { return 'an object' };
    String.prototype.toJSON = function () { return '"' + this + '"' };
    Object.prototype.extend = function () { return 1 };
    Array.prototype.find = function (wanted) { for (const it of this) if (wanted(it)) return it };
    Object.keys = (object) => { const keys = []; for (const key in object) keys.push(key); return keys };
</script>"""


@pytest.fixture
def attacker() -> Iterator[RecordingServer]:
    with RecordingServer() as server:
        yield server


def only_click(page: Page, api: RecordingServer) -> dict[str, Any]:
    wait(page)
    (click,) = api.wait_for_clicks(1)
    return click


@pytest.mark.parametrize("characters", [20_000, 400_000])
def test_download_of_a_data_url_counts_without_its_contents(
    characters: int, page: Page, html: Track, api: RecordingServer
) -> None:
    url = "data:text/csv;base64," + "QUJD" * (characters // 4)
    page.goto(html(f'<a download="x.csv" href="{url}">csv</a>', "data-links"))
    page.evaluate(STAY)
    page.click("a")
    click = only_click(page, api)
    assert click["type"] == "download"
    assert click["element"]["href"] == "data:"
    assert len(api.requests[0].body) < 1_000


@pytest.mark.parametrize(
    "url", ["mailto:a@there.example?subject=b", "tel:+15550100", "javascript:void('token')"]
)
def test_of_an_address_that_is_no_page_only_the_scheme_is_sent(
    url: str, page: Page, html: Track, api: RecordingServer
) -> None:
    page.goto(html(f'<a data-click-item=i href="{url}">it</a>'))
    page.evaluate(STAY)
    page.click("a")
    assert only_click(page, api)["element"]["href"] == url.partition(":")[0] + ":"


def test_browser_that_says_it_is_offline_is_not_believed(
    context: BrowserContext, page: Page, html: Track, api: RecordingServer
) -> None:
    context.add_init_script("Object.defineProperty(navigator, 'onLine', {get: () => false})")
    page.goto(html(BUTTON))
    page.click("button")
    assert only_click(page, api)["mysfitId"] == "item-1"


CLOBBERS = {
    "currentScript": '<img name=currentScript data-endpoint="{attacker}" data-user-id=x>',
    "querySelector": "<img name=querySelector>",
    "createElement": "<img name=createElement>",
    "title": "<img name=title>",
    "referrer": "<img name=referrer>",
    "hidden": "<img name=hidden>",
    "baseURI": "<img name=baseURI>",
    "clicks": "<img id=clicks>",
    "globals": "<img id=fetch><form id=JSON></form><a id=localStorage></a>",
}


@pytest.mark.parametrize("name", CLOBBERS)
def test_elements_named_like_the_documents_own_fields_change_nothing(
    name: str,
    page: Page,
    html: Track,
    api: RecordingServer,
    attacker: RecordingServer,
    warnings: list[str],
) -> None:
    clobber = CLOBBERS[name].replace("{attacker}", attacker.endpoint)
    page.goto(html(f'<a href="/next" data-click-item=a>a</a>{clobber}', "data-pageviews", head=clobber))
    page.evaluate(STAY)
    page.click("a[href]")
    wait(page)
    view, click = api.wait_for_clicks(2)
    assert (view["type"], click["title"], click["element"]["tag"]) == ("pageview", "/", "a")
    assert attacker.requests == []
    assert warnings == []
    assert page.evaluate("typeof clicks.track") == "function"


def test_clobbered_script_does_not_undo_consent(
    page: Page, html: Track, api: RecordingServer, attacker: RecordingServer
) -> None:
    clobber = CLOBBERS["currentScript"].replace("{attacker}", attacker.endpoint)
    page.goto(html(BUTTON + clobber, "data-consent=required", head=clobber))
    page.click("button")
    wait(page)
    assert page.evaluate("clicks.status()") == "waiting"
    assert api.requests == attacker.requests == []


def test_prototypes_of_an_old_library_change_nothing_that_is_sent(
    page: Page, html: Track, api: RecordingServer, warnings: list[str]
) -> None:
    page.goto(html(BUTTON, "data-consent=required data-pageviews", head=PROTOTYPE_JS))
    page.click("button")
    page.evaluate("clicks.optIn(); clicks.event('search', {words: 'a'})")
    wait(page)
    view, click, _ = api.wait_for_clicks(3)
    body = json.loads(api.requests[0].body)
    assert isinstance(body["clicks"], list)
    assert body["sentAt"].startswith("2")
    assert click["occurredAt"].startswith("2")
    assert click["element"] == {"tag": "button", "text": "One"}
    assert view["type"] == "pageview"
    page.wait_for_function("Object.getOwnPropertyNames(localStorage).join() === 'clicklake.consent'")
    assert warnings == []


LATER_GLOBALS = {
    "shadowed": "let history = [], fetch = 0, navigation = 0, storage = 0, URL = '/x', Reflect2 = 0",
    "var": "var URL = '/api', navigation = document.body, status2 = 1, Element2 = 1",
    "JSON": "JSON.stringify = () => '{}'; JSON.parse = () => { throw 0 }",
    "now": "Date.now = () => { throw 0 }",
    "keys": "Object.keys = () => []",
    "fetch": "window.fetch = () => { throw new Error('broken') }",
    "clicks": "window.clicks = null",
    "localStorage": "Object.defineProperty(window, 'localStorage', {get() { throw 0 }})",
}


@pytest.mark.parametrize("name", LATER_GLOBALS)
def test_globals_that_the_page_changes_later_lose_nothing(
    name: str, page: Page, html: Track, api: RecordingServer, warnings: list[str]
) -> None:
    page.goto(html(f"{BUTTON}<script>{LATER_GLOBALS[name]}</script>", "data-pageviews"))
    page.click("button")
    wait(page)
    assert [click["type"] for click in api.wait_for_clicks(2)] == ["pageview", "click"]
    assert warnings == []


@pytest.mark.parametrize(
    "broken",
    ["() => { throw new Error('broken') }", "() => undefined", "async () => ({})", "async () => null"],
)
def test_page_that_has_broken_fetch_keeps_its_clicks_for_one_that_has_not(
    broken: str, context: BrowserContext, page: Page, html: Track, api: RecordingServer, warnings: list[str]
) -> None:
    page.goto(html(BUTTON, head=f"<script>window.fetch = {broken}</script>"))
    page.click("button")
    wait(page)
    wait_for_pause(page)
    assert waiting(page) == 1
    page.goto(html(path="/next"))
    wait(page, HALF_AN_HOUR)
    api.wait_for_clicks(1)
    assert warnings == []


SVG = "<svg width=200 height=50><a {}><text y=20>go</text></a></svg>"
SVG_LINKS = [
    ('href="https://there.example/x"', "outbound", "https://there.example/x"),
    ('xlink:href="https://there.example/y"', "outbound", "https://there.example/y"),
    ('href="/list.pdf"', "download", "{site}/list.pdf"),
    ('href="/page" data-click-item=i', "click", "{site}/page"),
]


@pytest.mark.parametrize(("attributes", "kind", "href"), SVG_LINKS)
def test_links_of_an_svg_are_links(
    attributes: str,
    kind: str,
    href: str,
    page: Page,
    html: Track,
    site: RecordingServer,
    api: RecordingServer,
) -> None:
    page.goto(html(SVG.format(attributes), "data-links"))
    page.evaluate(STAY)
    page.click("text")
    click = only_click(page, api)
    assert click["type"] == kind
    assert click["element"] == {"tag": "a", "text": "go", "href": href.replace("{site}", site.url(""))}


@pytest.mark.parametrize(
    "name",
    ["id", "textContent", "matches", "getAttribute", "href", "localName", "childNodes", "nodeType", "data"],
)
def test_inputs_named_like_an_elements_own_fields_change_nothing(
    name: str, page: Page, html: Track, api: RecordingServer, warnings: list[str]
) -> None:
    form = f'<form data-click-item=f id=real><input name="{name}"><button type=button>Go</button></form>'
    if name == "id":
        form = form.replace(" id=real", "")
    page.goto(html(f"<div data-click-item=outer>{form}</div>"))
    box = page.evaluate(
        "(({x, y}) => [x + 5, y + 5])(document.querySelector('button').getBoundingClientRect())"
    )
    page.mouse.click(*box)  # page.click() trips over such a form itself
    click = only_click(page, api)
    assert click["mysfitId"] == "f"
    assert click["element"] == {"tag": "form", "text": "Go"} | ({} if name == "id" else {"id": "real"})
    assert warnings == []


def test_ids_may_be_the_number_zero(page: Page, html: Track, api: RecordingServer) -> None:
    page.goto(html())
    page.evaluate("clicks.userId = 0; clicks.track(0)")
    click = only_click(page, api)
    assert (click["mysfitId"], click["userId"]) == ("0", "0")


def test_nearest_item_that_has_an_id_counts(page: Page, html: Track, api: RecordingServer) -> None:
    page.goto(html('<div data-click-item=outer><button data-click-item="">One</button></div>'))
    page.click("button")
    assert only_click(page, api)["mysfitId"] == "outer"


def test_what_is_too_long_is_cut_before_it_is_stored(page: Page, html: Track, api: RecordingServer) -> None:
    link = f'<a data-click-item=a href="/{"h" * 10_000}">{"t" * 200}</a>'
    page.goto(html(link))
    page.evaluate("history.replaceState(0, '', '?a=' + 'x'.repeat(10000)); document.title = 't'.repeat(600)")
    page.evaluate(STAY)
    page.click("a")
    click = only_click(page, api)
    assert [len(click["title"]), len(click["url"]), len(click["element"]["href"])] == [512, 8_192, 8_192]


def test_campaign_behind_a_long_query_is_sent(page: Page, html: Track, api: RecordingServer) -> None:
    page.goto(html("<button data-click-item=b>Buy</button>") + "?a=" + "x" * 3_000 + "&utm_source=news")
    page.click("button")
    assert only_click(page, api)["url"].endswith("&utm_source=news")


CHANGES = {
    "covered": """<button id=b data-click-item=x>Actions</button><script>
        b.addEventListener('pointerdown', () => { document.body.style.pointerEvents = 'none' })</script>""",
    "replaced": """<div id=w><button id=b data-click-item=x>Buy</button></div><script>
        w.addEventListener('mousedown', () => { w.innerHTML = '<button data-click-item=x>Buying</button>' })</script>""",
    "moved": """<div id=w><button id=b data-click-item=x>b</button></div><script>
        b.addEventListener('pointerdown', () => { b.style.marginTop = '300px' })</script>""",
    "removed at pointerup": """<div id=w><button id=b data-click-item=x>b</button></div><script>
        b.addEventListener('pointerup', () => b.remove())</script>""",
    "removed by its own click": "<button id=b data-click-item=x onclick='this.remove()'>b</button>",
    "in a card": """<div data-click-item=card><button id=b data-click-item=x>b</button></div><script>
        b.addEventListener('pointerdown', () => { b.outerHTML = 'gone' })</script>""",
}


@pytest.mark.parametrize("change", CHANGES)
def test_element_that_changes_under_the_pointer_was_clicked(
    change: str, page: Page, html: Track, api: RecordingServer
) -> None:
    page.goto(html(CHANGES[change]))
    page.locator("#b").hover()
    page.mouse.down()
    page.mouse.up()
    page.clock.run_for(100)
    assert only_click(page, api)["mysfitId"] == "x"


def test_pointer_that_went_down_before_the_tracker_came_disturbs_nothing(
    page: Page, html: Track, warnings: list[str]
) -> None:
    page.goto(html(BUTTON))
    page.mouse.up()
    page.evaluate("dispatchEvent(new PointerEvent('pointerup'))")
    page.clock.run_for(100)
    assert warnings == []


def test_locks_that_refuse_are_named_and_the_click_goes_at_leaving(
    page: Page, html: Track, api: RecordingServer, warnings: list[str]
) -> None:
    refuse = "LockManager.prototype.request = () => Promise.reject(new DOMException('no locks'))"
    page.goto(html(BUTTON, head=f"<script>{refuse}</script>"))
    page.click("button")
    wait(page)
    page.goto(html(path="/next"))
    assert len(api.wait_for_clicks(1)) == 1
    assert any(said.startswith("clicks:") and "no locks" in said for said in warnings)


def test_drag_from_one_element_to_another_is_no_click_on_either(
    page: Page, html: Track, api: RecordingServer
) -> None:
    page.goto(html(f"{BUTTON}<p id=away>away</p><button data-click-item=last>last</button>"))
    page.hover("text=One")
    page.mouse.down()
    page.hover("#away")
    page.mouse.up()
    page.click("text=last")
    assert only_click(page, api)["mysfitId"] == "last"


@pytest.mark.parametrize("document", [{}, {"receipts": []}, {"receipts": None}, {"ok": True}])
def test_endpoint_that_answers_without_receipts_is_asked_less_and_less(
    document: dict[str, Any], page: Page, html: Track, api: RecordingServer, warnings: list[str]
) -> None:
    api.otherwise = Answer(200, document=document)
    page.goto(html(BUTTON))
    page.click("button")
    for _ in range(300):
        wait(page)
    assert 3 <= len(api.requests) <= 9  # doubling pauses; every 30 s would be 10
    assert "clicks: 200 without receipts" in warnings


def test_script_without_an_endpoint_says_so_and_sends_nothing(
    page: Page, site: RecordingServer, warnings: list[str]
) -> None:
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.method))
    page.goto(site.serve("/", f'<script src="/tracker.min.js"></script>{BUTTON}'))
    page.click("button")
    page.evaluate("clicks.track('a'); clicks.optIn()")
    wait(page)
    assert warnings == ["clicks: data-endpoint is missing"]
    assert page.evaluate("clicks.status()") == "off"
    assert waiting(page) == 0
    assert "POST" not in requests


def test_tracker_at_the_top_of_a_bundle_lets_the_bundle_run(
    page: Page, site: RecordingServer, warnings: list[str]
) -> None:
    page.goto(
        site.serve("/", '<script type=module>await import("/tracker.min.js"); window.appRan = 1</script>')
    )
    page.wait_for_function("window.appRan")
    assert warnings == ["clicks: data-endpoint is missing"]


STUB = """<script>
    window.clicks = {q: []};
    for (const name of ['track', 'event', 'optIn', 'optOut']) clicks[name] = (...args) => clicks.q.push([name, ...args]);
</script>"""


def test_calls_before_the_script_are_kept(page: Page, html: Track, api: RecordingServer) -> None:
    early = "<script>clicks.userId = 'u-1'; clicks.track('early', {n: 1}); clicks.event('seen')</script>"
    page.goto(html(BUTTON, head=STUB + early))
    page.click("button")
    wait(page)
    api.wait_for_clicks(3)
    track = next(click for click in api.clicks if click.get("properties"))
    assert (track["mysfitId"], track["properties"], track["userId"]) == ("early", {"n": 1}, "u-1")
    assert {click.get("mysfitId", click["type"]) for click in api.clicks} == {"early", "seen", "item-1"}


def test_choice_made_before_the_script_counts(page: Page, html: Track, api: RecordingServer) -> None:
    page.goto(html(BUTTON, head=STUB + "<script>clicks.optOut()</script>"))
    assert page.evaluate("clicks.status()") == "off"


def test_queue_may_carry_settings_where_attributes_are_stripped(
    page: Page, site: RecordingServer, api: RecordingServer, warnings: list[str]
) -> None:
    config = f"<script>clicks.config = {{endpoint: '{api.endpoint}', wait: 0, pageviews: true, links: false}}</script>"
    page.goto(site.serve("/", f'{STUB}{config}<script src="/tracker.min.js"></script>{BUTTON}'))
    page.click("button")
    wait(page)
    assert [click["type"] for click in api.wait_for_clicks(2)] == ["pageview", "click"]
    assert warnings == []


def test_module_for_bundlers_starts_when_told_to(
    page: Page, site: RecordingServer, api: RecordingServer, warnings: list[str]
) -> None:
    module = f"""<script>var clicks = 5</script><script type=module>
        import {{ start }} from '/tracker/clicks.js';
        window.first = start({{ endpoint: '{api.endpoint}', wait: 0, userId: 'u-1' }});
        window.second = start({{ endpoint: '/elsewhere' }});
        first.track('by hand');
    </script>"""
    page.goto(site.serve("/", module + BUTTON))
    page.wait_for_function("window.second")
    page.click("button")
    wait(page)
    assert [click["mysfitId"] for click in api.wait_for_clicks(2)] == ["by hand", "item-1"]
    assert page.evaluate("first === second && clicks === 5")
    assert warnings == []


def test_pages_own_variable_of_that_name_stays_its_own(
    page: Page, html: Track, api: RecordingServer, warnings: list[str]
) -> None:
    counter = "<button data-click-item=n onclick='clicks++'>count</button>"
    page.goto(html(counter, head="<script>var clicks = 0</script>"))
    page.click("button")
    assert only_click(page, api)["mysfitId"] == "n"
    assert page.evaluate("clicks") == 1
    assert page.evaluate("typeof window[Symbol.for('clicklake')].track") == "function"
    assert warnings == []


def test_two_copies_count_once_although_the_page_has_a_variable_of_that_name(
    page: Page, html: Track, api: RecordingServer
) -> None:
    copy = f'<script src="/tracker.min.js?again" data-endpoint="{api.endpoint}"></script>'
    page.goto(html(copy + BUTTON, head="<script>var clicks = 0</script>"))
    page.click("button")
    only_click(page, api)


def test_opting_out_outlasts_a_storage_that_the_page_clears(
    page: Page, html: Track, api: RecordingServer
) -> None:
    page.goto(html(BUTTON))
    page.evaluate("clicks.optOut(); localStorage.clear()")
    page.click("button")
    wait(page)
    assert page.evaluate("clicks.status()") == "off"
    assert api.requests == []


def test_clicks_outlast_a_storage_that_the_page_clears(page: Page, html: Track, api: RecordingServer) -> None:
    page.goto(html(BUTTON))
    page.click("button")
    page.evaluate("localStorage.clear()")
    page.click("button")
    wait(page)
    assert len(api.wait_for_clicks(2)) == 2
    wait(page, MINUTE)
    assert len(api.clicks) == 2


@pytest.mark.parametrize(
    "entry",
    ["hello", "0{oops", "", "0", "{}", "17", '0"text"', "null", "0null", "999999999999999999999", "0[1,2]"],
)
@pytest.mark.parametrize("age", [0, 60_000, -9e12])
def test_bad_entry_in_the_storage_stops_no_click(
    entry: str, age: float, page: Page, html: Track, api: RecordingServer
) -> None:
    page.goto(html(BUTTON))
    page.evaluate(
        "([entry, age]) => { localStorage['clicklake.click.' + (Date.now() - age) + 'y'] = entry;"
        " localStorage['clicklake.consent'] = localStorage['clicklake.pause'] = entry }",
        [entry, age],
    )
    page.click("button")
    wait(page)
    api.wait_for(lambda: any("item-1" in request.body for request in api.requests))


CARDS = [
    (
        "<div data-click-item=i><style>.x{}</style><script>var secret=1</script><h3>Card</h3></div>",
        "h3",
        "Card",
    ),
    ("<div data-click-item=i>Note <textarea>typed</textarea></div>", "div", "Note"),
    ("<textarea data-click-item=i>typed</textarea>", "textarea", None),
    ("<div data-click-item=i><b>Draft</b><p contenteditable>typed</p></div>", "b", "Draft"),
    ("<div contenteditable data-click-item=i>typed</div>", "div", None),
    ("<div contenteditable><b data-click-item=i>typed</b></div>", "b", None),
    ("<p data-click-item=i>Pet <select><option>typed</select></p>", "p", "Pet"),
    ("<p data-click-item=i>  two\n <i>words</i><!-- not this --></p>", "p", "two words"),
]


@pytest.mark.parametrize(("body", "target", "text"), CARDS)
def test_text_is_what_a_person_reads_and_never_what_was_typed(
    body: str, target: str, text: str | None, page: Page, html: Track, api: RecordingServer
) -> None:
    page.goto(html(body))
    page.click(target, position={"x": 4, "y": 4})
    assert only_click(page, api)["element"].get("text") == text


def test_every_way_to_a_new_path_is_a_page_view(
    context: BrowserContext, page: Page, html: Track, site: RecordingServer, api: RecordingServer
) -> None:
    page.goto(html("", "data-pageviews"))
    for move in (
        "History.prototype.pushState.call(history, 0, '', '/a')",
        "navigation.addEventListener('navigate', (event) => event.intercept({handler() {}})); navigation.navigate('/b')",
        "delete history.pushState; history.pushState(0, '', '/c')",
        "history.replaceState(0, '', '/c/')",
    ):
        page.evaluate(move)
        wait(page)
    clicks = api.wait_for_clicks(4)
    assert [click["url"].removeprefix(site.url("")) for click in clicks] == ["/", "/a", "/b", "/c"]
    assert [click.get("referrer", "").removeprefix(site.url("")) for click in clicks] == ["", "/", "/a", "/b"]


def test_page_view_comes_before_the_clicks_on_it(page: Page, html: Track, api: RecordingServer) -> None:
    page.goto(html(BUTTON, "data-pageviews"))
    page.evaluate("history.pushState(0, '', '/a'); document.querySelector('button').click()")
    wait(page)
    assert [click["type"] for click in api.wait_for_clicks(3)] == ["pageview", "pageview", "click"]


def test_functions_of_the_history_are_left_as_they_are(page: Page, html: Track) -> None:
    page.goto(html("", "data-pageviews"))
    assert "[native code]" in page.evaluate("String(history.pushState) + Object.keys(history)")


def test_request_under_way_holds_no_lock(page: Page, html: Track, api: RecordingServer) -> None:
    """Firefox keeps no page that holds a Web Lock in its back/forward cache."""
    api.answers = [Answer(is_held=True)]
    page.goto(html(BUTTON))
    page.click("button")
    wait(page)
    api.wait_for_requests(1)
    assert page.evaluate("navigator.locks.query().then(({held}) => held.length)") == 0


def test_base_of_the_page_leads_no_click_elsewhere(
    page: Page, site: RecordingServer, attacker: RecordingServer
) -> None:
    base = f'<base href="{attacker.url("/app/")}">'
    tag = f'<script src="{site.url("/tracker.min.js")}" data-endpoint="/clicks" data-wait=0></script>'
    page.goto(site.serve("/", base + tag + BUTTON))
    page.click("button")
    wait(page)
    site.wait_for_clicks(1)
    assert attacker.requests == []


@pytest.mark.parametrize("value", ["10n", "loop", "{toJSON() { throw 0 }}", "{get bad() { throw 0 }}"])
def test_property_that_json_cannot_hold_costs_the_properties_and_not_the_click(
    value: str, page: Page, html: Track, api: RecordingServer, warnings: list[str]
) -> None:
    page.goto(html())
    page.evaluate(f"const loop = {{}}; loop.loop = loop; clicks.track('a', {{n: {value}}})")
    click = only_click(page, api)
    assert click["mysfitId"] == "a"
    assert "properties" not in click
    assert len(warnings) == 1


def test_console_that_the_page_has_taken_away_throws_nothing(
    page: Page, html: Track, api: RecordingServer, warnings: list[str]
) -> None:
    page.goto(html(BUTTON, "data-nonsense", head="<script>console.warn = () => { throw 0 }</script>"))
    page.click("button")
    assert only_click(page, api)["mysfitId"] == "item-1"
    assert not any("thrown" in warning for warning in warnings)
