"""What a click says, and what counts as one."""

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page

from ingest_app.parsing.schema import ClickSchema
from ingest_app.parsing.strict import StrictParser
from ingest_app.settings import IngestSettings
from tests.tracker.pages import BUTTON, HALF_AN_HOUR, MINUTE, SECOND, Track, stored, wait
from tests.tracker.recording_server import RecordingServer

pytestmark = pytest.mark.browser

UUID_4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def test_click_on_an_item_says(page: Page, html: Track, site: RecordingServer, api: RecordingServer) -> None:
    page.goto(html(path="/before"))
    body = '<a id="one" data-click-item="item-1" href="#x"><b> Evangeline,\n the chimera </b></a>'
    page.evaluate(f"location = '{html(body, 'data-user-id=u-1', path='/here')}?utm_source=mail#top'")
    page.click("#one b")
    before = datetime.now(UTC)
    wait(page)
    (click,) = api.wait_for_clicks(1)
    assert UUID_4.fullmatch(click.pop("eventId"))
    assert abs((datetime.fromisoformat(click.pop("occurredAt")) - before).total_seconds()) < 60
    here = site.url("/here?utm_source=mail")
    assert click == {
        "type": "click",
        "mysfitId": "item-1",
        "userId": "u-1",
        "url": here,
        "referrer": site.url("/before"),
        "title": "/here",
        "element": {"tag": "a", "id": "one", "text": "Evangeline, the chimera", "href": here},
    }


def test_all_that_the_tracker_sends_is_taken_by_the_ingest_app_as_it_is(
    page: Page, html: Track, api: RecordingServer
) -> None:
    body = f"""<a href="/a.pdf#f">a</a><a href="https://there.example/">there</a>{BUTTON}
        <svg width="50" height="50"><a href="/svg" data-click-item="svg"><text y="20">svg</text></a></svg>"""
    page.goto(html(body, "data-pageviews data-links data-sessions data-user-id="))
    page.evaluate("addEventListener('click', (event) => event.preventDefault())")
    for target in ("a >> nth=0", "a >> nth=1", "button", "text"):
        page.click(target)
    page.evaluate("""
        clicks.track(17, {price: 12.5, gift: true, note: null, text: '\\ud83d'});
        clicks.userId = 42;
        clicks.event('signed_in');
    """)
    wait(page)
    api.wait_for_clicks(7)
    parser = StrictParser(ClickSchema(IngestSettings("clicks")))
    parsed = [parser.parse(request.body.encode()) for request in api.requests]
    assert [result.errors for request in parsed for result in request.results] == [None] * 7
    assert all(request.sent_at for request in parsed)


def test_what_there_is_none_of_is_left_out(page: Page, html: Track, api: RecordingServer) -> None:
    page.goto(html(BUTTON, "data-user-id="))
    page.click("button")
    wait(page)
    (click,) = api.wait_for_clicks(1)
    assert set(click) == {"type", "mysfitId", "eventId", "occurredAt", "url", "title", "element"}
    assert click["element"] == {"tag": "button", "text": "One"}


def test_text_that_is_cut_through_an_emoji_stays_text(page: Page, html: Track, api: RecordingServer) -> None:
    page.goto(html(f'<button data-click-item="a">{"x" * 99}\U0001f409</button>'))
    page.evaluate(r"clicks.track('b', {kept: 'C:\\ud83d \u0001 \"\\'})")
    page.click("button")
    wait(page)
    tracked, clicked = api.wait_for_clicks(2)
    assert clicked["element"]["text"] == "x" * 99 + "�"
    assert tracked["properties"]["kept"] == 'C:\\ud83d \x01 "\\'


def test_nearest_item_counts_through_shadow_roots(page: Page, html: Track, api: RecordingServer) -> None:
    body = """<div data-click-item="outer"><p>in light</p>
        <x-card><template shadowrootmode="open">
          <section data-click-item="inner"><p>in shadow</p></section><i>in none</i>
        </template></x-card></div>"""
    page.goto(html(body))
    for text in ("in light", "in shadow", "in none"):
        page.get_by_text(text).click()
    wait(page)
    assert [click["mysfitId"] for click in api.wait_for_clicks(3)] == ["outer", "inner", "outer"]


def test_names_are_settings(page: Page, html: Track, api: RecordingServer) -> None:
    body = '<button data-product="p-1">Buy</button>'
    page.goto(html(body + BUTTON, "data-item-field=productId data-item-attribute=data-product"))
    page.click("text=Buy")
    page.click("text=One")
    page.evaluate("clicks.track('p-2')")
    wait(page)
    clicks = api.wait_for_clicks(2)
    assert [click["productId"] for click in clicks] == ["p-1", "p-2"]
    assert not any("mysfitId" in click for click in clicks)


def test_calls_by_hand(page: Page, html: Track, api: RecordingServer) -> None:
    page.goto(html())
    page.evaluate("""
        clicks.track('item-1', {position: 3});
        clicks.event('search', {words: 'chimera'});
        clicks.userId = 'u-7';
        clicks.event('signed_in');
    """)
    wait(page)
    said = {click["type"]: click for click in api.wait_for_clicks(3)}
    assert said["click"]["mysfitId"] == "item-1"
    assert said["click"]["properties"] == {"position": 3}
    assert said["search"]["properties"] == {"words": "chimera"}
    assert not {"mysfitId", "userId"} & set(said["search"])
    assert said["signed_in"]["userId"] == "u-7"


def test_pages_are_counted_by_their_path(
    page: Page, html: Track, site: RecordingServer, api: RecordingServer
) -> None:
    html(path="/other")
    page.goto(html("<script>history.replaceState(null, '', '/a')</script>", "data-pageviews"))
    for move in (
        "history.pushState(null, '', '/b?filter=1')",
        "history.replaceState(null, '', '/b?filter=2')",
        "history.pushState(null, '', '#part')",
        "history.replaceState(null, '', '/c'); document.title = 'C'",
        "history.back()",
    ):
        page.evaluate(move)
        wait(page)
        page.wait_for_load_state("networkidle")
    clicks = api.wait_for_clicks(5)
    assert [click["url"].removeprefix(site.url("")) for click in clicks] == [
        "/",
        "/a",
        "/b?filter=1",
        "/c",
        "/b?filter=2",
    ]
    assert [click.get("referrer", "").removeprefix(site.url("")) for click in clicks] == [
        "",
        "/",
        "/a",
        "/b",
        "/c",
    ]
    assert clicks[3]["title"] == "C"


def test_page_from_the_back_forward_cache_is_counted_again(
    page: Page, html: Track, api: RecordingServer
) -> None:
    kept = "<script>addEventListener('pageshow', (event) => { kept = event.persisted })</script>"
    html(path="/away")
    page.goto(html(f'<a href="/away">away</a>{kept}', "data-pageviews"))
    page.click("a")
    page.wait_for_url("**/away")
    page.evaluate("history.back()")
    page.wait_for_function("kept")
    wait(page)
    assert [click["type"] for click in api.wait_for_clicks(2)] == ["pageview"] * 2


def test_page_is_counted_when_it_is_seen(page: Page, html: Track, api: RecordingServer) -> None:
    hide = """<script>
        isHidden = true;
        Object.defineProperty(Document.prototype, 'hidden', {get: () => isHidden});
    </script>"""
    page.goto(html("", "data-pageviews", head=hide))
    wait(page)
    assert stored(page) == {}
    page.evaluate("isHidden = false; document.dispatchEvent(new Event('visibilitychange', {bubbles: true}))")
    wait(page)
    api.wait_for_clicks(1)


def test_pages_are_not_counted_unless_asked_for(page: Page, html: Track, api: RecordingServer) -> None:
    page.goto(html(BUTTON + '<a href="https://there.example/">there</a>'))
    page.evaluate("history.pushState(null, '', '/b')")
    page.evaluate("addEventListener('click', (event) => event.preventDefault())")
    page.click("a")
    page.click("button")
    wait(page)
    assert [click["type"] for click in api.wait_for_clicks(1)] == ["click"]


LINKS = [
    ('<a href="https://there.example/page">', "outbound"),
    ('<a href="//there.example:8443/">', "outbound"),
    ('<a href="/list.pdf">', "download"),
    ('<a href="/List.XLSX?v=2">', "download"),
    ('<a href="https://there.example/all.zip">', "download"),
    ('<a href="/picture.png" download>', "download"),
    ('<a href="/page">', None),
    ('<a href="/pdf">', None),
    ('<a href="#part">', None),
    ('<a href="mailto:someone@there.example">', None),
    ('<a href="javascript:void 0">', None),
    ("<a>", None),
]


def test_links_that_leave_and_files_are_counted(page: Page, html: Track, api: RecordingServer) -> None:
    links = (f"{link}<i>{index}</i></a> " for index, (link, _) in enumerate(LINKS))
    page.goto(html("".join(links), "data-links"))
    page.evaluate("addEventListener('click', (event) => event.preventDefault())")
    for link in page.locator("i").all():
        link.click()
    wait(page)
    counted = [(str(index), kind) for index, (_, kind) in enumerate(LINKS) if kind]
    clicks = api.wait_for_clicks(len(counted))
    assert [(click["element"]["text"], click["type"]) for click in clicks] == counted
    assert all(click["element"]["href"].startswith("http") for click in clicks)


def test_outbound_link_that_is_an_item_is_both(page: Page, html: Track, api: RecordingServer) -> None:
    page.goto(html('<a data-click-item="a" href="https://there.example/">a</a>', "data-links"))
    page.evaluate("addEventListener('click', (event) => event.preventDefault())")
    page.click("a")
    wait(page)
    assert {click["type"] for click in api.wait_for_clicks(2)} == {"click", "outbound"}


def test_session_ends_after_half_an_hour_without_a_click(
    page: Page, html: Track, api: RecordingServer
) -> None:
    sessions: list[str] = []
    page.goto(html(BUTTON, "data-sessions"))
    for pause in (SECOND, HALF_AN_HOUR - MINUTE, HALF_AN_HOUR - MINUTE, HALF_AN_HOUR + MINUTE):
        wait(page, pause)
        page.click("button")
        wait(page)
        sessions.append(api.wait_for_clicks(len(sessions) + 1)[-1]["sessionId"])
        page.reload()
    assert sessions[0] == sessions[1] == sessions[2] != sessions[3]
    assert all(UUID_4.fullmatch(session) for session in sessions)


def test_no_session_unless_asked_for(page: Page, html: Track, api: RecordingServer) -> None:
    page.goto(html(BUTTON))
    page.click("button")
    wait(page)
    (click,) = api.wait_for_clicks(1)
    assert "sessionId" not in click
