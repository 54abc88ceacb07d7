"""What the app answers: pages, panels and errors, with every value of a stranger as text."""

import csv
import io
import re
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from flask.testing import FlaskClient

from clicklake.dashboard.app import HEADERS
from clicklake.dashboard.panels import cards_of
from clicklake.dashboard.view import parse_view
from clicklake.query.filters import select_events, where
from clicklake.query.queries import saved_query
from tests.clicklake.dashboard.conftest import ATTRIBUTES, NOW, OpenDashboard
from tests.support.day import Day
from tests.support.emulator import Emulator
from tests.support.lakes import TestLake, line, new_id, new_lake

pytestmark = pytest.mark.emulator

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</pre></dialog><script>alert(1)</script>",
    '=HYPERLINK("http://evil")',
    "' or '1'='1",
    "\u202eevil\x1b[31m",
    "{{ 7 * 7 }}",
    "line\nbreak",
    "javascript:alert(1)",
    'class="panel" data-panel="now"',
    "back\\",
    "back\\' or 1=1 -- ",
    "/* text */ -- and more",
]
STATIC = "/static/dashboard.js"
PANELS = [panel.query for card in cards_of(ATTRIBUTES) for panel in card.panels]


class Elements(HTMLParser):
    """The elements and attributes of a document, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.fixture(scope="module")
def hostile(emulator: Emulator, open_dashboard: OpenDashboard) -> FlaskClient:
    """A dashboard over clicks that have a hostile value in every field."""
    lake = new_lake(emulator)
    fields = [
        *(
            "type",
            "userId",
            "sessionId",
            "url",
            "referrer",
            "title",
            "host",
            "path",
            "utmSource",
            "utmMedium",
        ),
        *("utmCampaign", "referrerHost", "referrerKind", "browser", "os", "device", "country", "visitorId"),
        *("goodevil", "lawchaos", "species", "name", "itemLookup", "mysfitId"),
    ]
    at = NOW - timedelta(hours=30)
    lines = [
        line(
            new_id(),
            at,
            **dict.fromkeys(fields, text),
            properties={text: text},
            element={"tag": text, "name": text},
        )
        for text in HOSTILE
    ]
    clicks = [line(new_id(), at, **dict.fromkeys(fields[1:], text)) for text in HOSTILE]
    bots = [line(new_id(), at, bot=text) for text in HOSTILE]
    lake.put("clicks", [*lines, *clicks, *bots], at)
    return open_dashboard(lake)


@pytest.mark.parametrize("panel", [*PANELS, "timeline", "figures"])
def test_every_value_of_a_stranger_is_text(panel: str, hostile: FlaskClient) -> None:
    answer = hostile.get(f"/panel/{panel}")
    assert answer.status_code == 200
    found = Elements(answer.text)
    assert not {"script", "img", "style"} & {*found.tags}
    assert not [name for name, _ in found.attributes if name.startswith("on")]
    assert not [
        value for name, value in found.attributes if name == "href" and not value.startswith(("?", "panel/"))
    ]
    assert "\x1b" not in answer.text
    assert "\u202e" not in "".join(found.texts)
    assert "49" not in [text.strip() for text in found.texts]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("dimension", ["page", "item", "country", "type"])
def test_a_hostile_value_can_be_filtered_by(text: str, dimension: str, hostile: FlaskClient) -> None:
    query = {"is": f"{dimension}:{text}", "step": f"page:{text}"}
    page = hostile.get("/", query_string=query)
    assert page.status_code == 200
    assert Elements(page.text).tags.count("script") == 1
    found = list(csv.reader(io.StringIO(hostile.get("/panel/figures.csv", query_string=query).text)))[1]
    assert int(found[0]) + int(found[2]) >= 1


@pytest.mark.parametrize("panel", PANELS)
def test_no_cell_of_a_csv_is_a_formula(panel: str, hostile: FlaskClient) -> None:
    answer = hostile.get(f"/panel/{panel}.csv")
    assert answer.mimetype == "text/csv"
    assert f'filename="{panel}.csv"' in answer.headers["Content-Disposition"]
    cells = [cell for row in csv.reader(io.StringIO(answer.text)) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]


def test_the_row_of_a_panel_leads_to_the_view_that_it_filters(client: FlaskClient) -> None:
    found = Elements(client.get("/panel/countries?from=2026-11-19").text)
    links = [value for name, value in found.attributes if name == "href" and value.startswith("?")]
    assert "?from=2026-11-19&to=2026-11-19&is=country%3AUS" in links


def test_the_shown_sql_asks_what_the_panel_asks(client: FlaskClient) -> None:
    html = client.get("/panel/pages?from=2026-11-19&is=device:mobile").text
    view = parse_view([("is", "device:mobile")])
    asked = select_events(saved_query("pages"), where(view.conditions), by_session=False)
    shown = "".join(Elements(html).texts)
    assert asked.sql("athena", pretty=True) in shown
    assert "--from 2026-11-19T00:00+00:00 --to 2026-11-20T00:00+00:00 --timezone UTC --bucket" in shown


@pytest.mark.parametrize(
    ("path", "code", "says"),
    [
        ("/?period=fortnight", 400, "period: one of today"),
        ("/panel/items?is=colour:red", 400, "is: the dimension is one of"),
        ("/?is=catalogue.visitorid:x", 400, "is: the attributes of this lake's catalogue are: goodevil,"),
        ("/panel/items?not=catalogue.visitor_key:1", 400, "not: the attributes of this lake's catalogue"),
        ("/panel/items.csv?is=catalogue.properties:x", 400, "is: the attributes of this lake's catalogue"),
        ("/panel/funnel?step=country:DE", 400, "step: a step is one of type, page, item"),
        ("/panel/pages?is=page:a%00b", 400, "is: a value has at most 512 characters, and none is NUL"),
        ("/panel/nothing", 404, "Not Found"),
        ("/panel/nothing.csv", 404, "Not Found"),
        ("/panel/funnel", 404, "Not Found"),
        ("/nowhere", 404, "Not Found"),
    ],
)
def test_a_wrong_address_is_answered_in_one_sentence(
    path: str, code: int, says: str, client: FlaskClient
) -> None:
    answer = client.get(path)
    assert answer.status_code == code
    assert says in "".join(Elements(answer.text).texts)
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    "path", ["/", "/panel/items", "/panel/items.csv", "/nowhere", "/newest", "/static/dashboard.js"]
)
def test_every_answer_has_the_headers(path: str, client: FlaskClient) -> None:
    answer = client.get(path)
    answer.close()
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    assert ("max-age" in answer.headers["Cache-Control"]) == path.startswith("/static")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_can_be_changed(method: str, client: FlaskClient) -> None:
    assert client.open("/", method=method).status_code == 405


def test_an_empty_lake_says_so_in_every_panel(emulator: Emulator, open_dashboard: OpenDashboard) -> None:
    empty = open_dashboard(new_lake(emulator))
    assert empty.get("/").status_code == 200
    for panel in [*PANELS, "timeline"]:
        assert 'class="nothing"' in empty.get(f"/panel/{panel}").text, panel
    assert "0" in Elements(empty.get("/panel/figures").text).texts


def test_a_lake_that_cannot_be_read_is_a_panel_with_a_reason(
    emulator: Emulator, open_dashboard: OpenDashboard
) -> None:
    lake = new_lake(emulator)
    client = open_dashboard(TestLake("no-such-bucket-anywhere", lake.s3))
    answer = client.get("/panel/items")
    assert answer.status_code == 503
    assert "The lake cannot be read: An error occurred (NoSuchBucket)" in answer.text
    assert "Traceback" not in answer.text


def test_a_click_that_landed_is_in_the_next_answer(emulator: Emulator, open_dashboard: OpenDashboard) -> None:
    lake = new_lake(emulator)
    client = open_dashboard(lake)
    at = NOW - timedelta(minutes=2)
    lake.put("clicks", [line(new_id(), at)], at)
    assert client.get("/panel/figures.csv").text.splitlines()[1].startswith("1,")


def test_change_is_against_the_time_that_is_chosen(day: Day, client: FlaskClient) -> None:
    nothing = client.get("/panel/figures?from=2026-11-19&compare=none").text
    assert "from" not in nothing
    lake_day = client.get("/panel/figures?from=2026-11-20&compare=previous").text
    assert " from " in lake_day
    assert day.lines


def test_rows_that_no_filter_can_have_lead_nowhere(emulator: Emulator, open_dashboard: OpenDashboard) -> None:
    lake = new_lake(emulator)
    at = NOW - timedelta(hours=30)
    paths = ["/" + "a" * 600, "/a\0b", ""]
    lake.put("clicks", [line(new_id(), at, type="pageview", path=path) for path in paths], at)
    dashboard = open_dashboard(lake)
    found = Elements(dashboard.get("/panel/pages").text)
    links = [value for name, value in found.attributes if name == "href" and value.startswith("?")]
    assert [dashboard.get(f"/{link}").status_code for link in links] == [200] * len(links)
    assert len(found.tags) > len(links)


def test_what_cannot_be_read_is_said_beside_the_figures(
    emulator: Emulator, open_dashboard: OpenDashboard
) -> None:
    lake = new_lake(emulator)
    at = NOW - timedelta(hours=30)
    broken = lake.put_broken(lake.put("clicks", [line(new_id(), at)], at, name="<script>"))
    shown = "".join(Elements(open_dashboard(lake).get("/panel/figures").text).texts)
    assert "Some figures may be too low: 1 of 2 objects cannot be read and are left out" in shown
    assert broken in shown


@pytest.mark.parametrize(("panel", "is_said"), [("late", True), ("bots", True), ("pages", False)])
def test_a_panel_that_filters_do_not_change_says_so(panel: str, is_said: bool, client: FlaskClient) -> None:
    said = "filters do not change this"
    assert (said in client.get(f"/panel/{panel}?from=2026-11-19&is=device:mobile").text) == is_said
    assert said not in client.get(f"/panel/{panel}?from=2026-11-19").text


def test_without_scripts_the_page_says_what_it_needs(client: FlaskClient) -> None:
    (said,) = re.findall("<noscript>(.*?)</noscript>", client.get("/").text)
    assert "The figures need JavaScript" in "".join(Elements(said).texts)
