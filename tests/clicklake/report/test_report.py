"""The report: its figures, what it makes of little and of broken data, and that nothing of a click runs."""

import gzip
import json
from collections import Counter
from datetime import UTC, datetime, timedelta, tzinfo
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import boto3
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from clicklake.cli.time_spans import compared_span
from clicklake.lake.bucket import Lake
from clicklake.lake.partitions import HOUR, Span, partition_of
from clicklake.query import duckdb_engine
from clicklake.query.queries import parse_query, saved_query
from clicklake.report.command import write_report
from clicklake.report.page import ReportSpan
from clicklake.report.panels import Panel, cell_of, panel_sections
from clicklake.report.timeline import build_timeline
from clicklake.tables.schema import line_table
from tests.support.day import SPAN, Day, lay_day
from tests.support.emulator import Emulator
from tests.support.lakes import NOON, Commands, TestLake, document, line, new_id, new_lake
from tests.support.plain_answers import answers

MAX_REPORT_BYTES = 500_000
HOSTILE = "</script><script>alert(1)</script>\x1b[31m\n\u202e=cmd()&{{7*7}}"
SHOWN = (
    "type userId mysfitId sessionId url referrer title host path utmSource utmMedium utmCampaign utmTerm"
    " utmContent utmId clickId referrerHost referrerKind browser browserVersion os device country address"
    " visitorId privacy requestId goodevil lawchaos species name itemLookup"
)
ALIGNED = ("goodevil", "lawchaos", "species")
HOUR_OF_NOON = ("--from", f"{NOON:%Y-%m-%dT%H:00}", "--to", f"{NOON + HOUR:%Y-%m-%dT%H:00}")


class Page(HTMLParser):
    """What the report says, taken apart: the text of each section's title and of its table's cells."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.titles: dict[str, str] = {}
        self.cells: dict[str, list[list[str]]] = {}
        self.headings: dict[str, str] = {}
        self.figures: dict[str, str] = {}
        self._open: list[str] = []
        self._at = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self._open.append(tag)
        if tag == "h3":
            self._at = dict(attributes)["id"] or ""
            self.titles[self._at], self.headings[self._at], self.cells[self._at] = "", "", []
        elif tag == "tr":
            self.cells[self._at].append([])

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "td" in self._open:
            self.cells[self._at][-1].append(data)
        elif "h3" in self._open and "span" in self._open:
            self.headings[self._at] += data
        elif "h3" in self._open:
            self.titles[self._at] += data
        elif "dt" in self._open:
            self._figure = data
        elif "dd" in self._open:
            self.figures.setdefault(self._figure, data)


class Report:
    def __init__(self, clicklake: Commands, out: Path) -> None:
        self.clicklake, self.out = clicklake, out

    def __call__(self, *arguments: str) -> str:
        self.clicklake("report", "--out", str(self.out), *arguments)
        return self.out.read_text()

    def refused(self, *arguments: str) -> str:
        return self.clicklake("report", "--out", str(self.out), *arguments, code=2).output


@pytest.fixture
def report(clicklake: Commands, tmp_path: Path) -> Report:
    return Report(clicklake, tmp_path / "report.html")


@pytest.fixture(scope="module")
def day(emulator: Emulator) -> Day:
    return lay_day(new_lake(emulator), sessions=120)


@pytest.fixture(scope="module")
def file(day: Day, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The day's report."""
    out = tmp_path_factory.mktemp("report") / "day.html"
    about = ReportSpan(SPAN, UTC, compared_span(SPAN, UTC, "previous"), "previous")
    write_report(duckdb_engine.run_queries, Lake(day.lake.bucket, {}, day.lake.s3), about, out)
    return out


def written(cell: Any) -> str:
    return "–" if cell is None else f"{cell:,}" if isinstance(cell, int) else str(cell)


# --- Its figures --------------------------------------------------------------------------------------------


def all_panels(lake: Lake) -> list[Panel]:
    return [panel for panels in panel_sections(line_table(lake).attributes).values() for panel in panels]


def test_every_table_holds_what_plain_python_finds(file: Path, day: Day) -> None:
    page, expected = Page(file.read_text()), answers(day.lines)
    for panel in all_panels(Lake(day.lake.bucket, {}, day.lake.s3)):
        query = parse_query(panel.sql) if panel.sql else saved_query(panel.query)
        rows = [dict(zip(query.named_selects, row, strict=True)) for row in expected[panel.query]]
        shown = [[written(cell_of(panel, row, name)) for name in panel.columns] for row in rows]
        assert page.cells[panel.query][1:] == shown, panel.query
    assert page.cells["clicks"][1:] == [[written(cell) for cell in row[:3]] for row in expected["hours"]]
    assert page.cells["visitors"][1:] == [
        [written(cell) for cell in (row[0], *row[3:])] for row in expected["hours"]
    ]


def test_every_large_number_is_what_plain_python_finds(file: Path, day: Day) -> None:
    page, expected = Page(file.read_text()), answers(day.lines)
    clicks, views, _, visitors, sessions, session_clicks, bots, optouts = expected["totals"][0]
    names = ("clicks", "page views", "visitors", "sessions")
    shown = {name: page.figures[name] for name in names}
    assert shown == dict(zip(names, map(written, (clicks, views, visitors, sessions)), strict=True))
    most = max(expected["hours"], key=lambda row: row[1])
    when = f"{most[0][11:]}:00 on 19 November ({most[1]:,})"
    assert page.titles["clicks"].endswith(f"{clicks:,} clicks, most of them at {when}")
    per_session = f"{sessions:,} sessions, with {session_clicks / sessions:.1f} clicks per session"
    assert page.titles["visitors"].endswith(per_session)
    top = expected["species"][0]
    assert f"{100 * top[1] / top[2]:.0f} % of {top[2]:,} clicks" in page.titles["attribute_species"]
    twice = sum(events for copies, events in expected["duplicates"] if copies > 1)
    assert f" {twice:,} of " in page.titles["duplicates"]
    limits = " ".join(file.read_text().split())
    late = sum(events for bound, events in expected["late"] if bound is None or bound > 3600)
    for text in (
        f"<dt>Opted out</dt><dd>{optouts:,} events",
        f"<dt>Bots</dt><dd>{bots:,} events",
        "<dt>Failed</dt><dd>4 records of these days are in failed/",
    ):
        assert text in limits
    assert (f"<dt>Late</dt><dd>{late:,} event" in limits) == (late > 0)


@pytest.mark.parametrize(
    ("comparison", "shift"),
    [("week", timedelta(days=7)), ("year", timedelta(weeks=52)), ("previous", HOUR), ("none", None)],
)
def test_the_chosen_span_is_compared(
    report: Report, lake: TestLake, comparison: str, shift: timedelta | None
) -> None:
    lake.put("clicks", [line(new_id(), visitorId=f"v{n}") for n in range(3)])
    for number, earlier in enumerate((HOUR, timedelta(days=7), timedelta(weeks=52)), 1):
        count = 2 if earlier == shift else 10 * number
        then = NOON - earlier
        lake.put("clicks", [line(new_id(), then, visitorId=f"v{n}") for n in range(count)], then)
    html = report(*HOUR_OF_NOON, "--compare", comparison)
    assert html.count("+50 % from 2") == (2 if shift else 0)  # clicks, visitors
    assert ("Compared with" in html) == (shift is not None)


def test_a_drop_has_a_minus_sign_and_nothing_to_compare_with_is_named(report: Report, lake: TestLake) -> None:
    lake.put("clicks", [line(new_id(), visitorId="v")])
    assert "Nothing landed in the time to compare with" in report(*HOUR_OF_NOON)
    then = NOON - timedelta(days=7)
    lake.put("clicks", [line(new_id(), then, visitorId=f"v{n}") for n in range(4)], then)
    assert "\N{MINUS SIGN}75 % from 4" in report(*HOUR_OF_NOON)


@pytest.mark.parametrize(
    ("days", "unit", "columns"),
    [(1, "hour", 24), (3, "hour", 72), (4, "day", 4), (100, "day", 100), (101, "month", 4)],
)
def test_a_span_is_drawn_in_hours_days_or_months(days: int, unit: str, columns: int) -> None:
    span = Span(SPAN.until - days * 24 * HOUR, SPAN.until)
    timeline = build_timeline(span, UTC, [], [], None)
    assert (timeline.unit.column, len(timeline.moments)) in {(unit, columns), (unit, columns + 1)}


# --- In a time zone -----------------------------------------------------------------------------------------

ZONES = ("Asia/Kolkata", "America/St_Johns", "Europe/Berlin")  # half hours; the clocks change in the spans
CHANGES = {  # days on which the clocks of the zone change, and an ordinary one
    "Asia/Kolkata": ["2026-11-24"],
    "America/St_Johns": ["2026-03-08", "2026-11-01"],
    "Europe/Berlin": ["2026-03-29", "2026-10-25"],
}
HOURS_OF_DAY = {"2026-03-08": 23, "2026-03-29": 23, "2026-11-01": 25, "2026-10-25": 25, "2026-11-24": 24}


@pytest.mark.parametrize(("zone", "day"), [(zone, day) for zone in ZONES for day in CHANGES[zone]])
def test_the_hours_of_a_zone_are_those_that_plain_python_finds(
    report: Report, lake: TestLake, zone: str, day: str
) -> None:
    local = ZoneInfo(zone)
    start = datetime.fromisoformat(day).replace(tzinfo=local).astimezone(UTC)
    length = HOURS_OF_DAY[day] * HOUR
    moments = [start + minutes * timedelta(minutes=1) for minutes in range(-120, 1680, 17)]
    by_hour: dict[datetime, list[datetime]] = {}
    for moment in moments:
        by_hour.setdefault(moment.replace(minute=0, second=0), []).append(moment)
    for hour, within in by_hour.items():
        lake.put("clicks", [line(new_id(), moment, visitorId="v") for moment in within], hour)
    page = Page(report("--from", day, "--to", day, "--timezone", zone))
    expected = Counter(
        f"{moment.astimezone(local):%Y-%m-%dT%H}" for moment in moments if start <= moment < start + length
    )
    assert {row[0]: int(row[1]) for row in page.cells["clicks"][1:]} == expected


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("comparison", ["week", "year", "previous"])
def test_a_compared_day_is_a_whole_day_of_the_zone(
    zone: str, comparison: Literal["week", "year", "previous"]
) -> None:
    local: tzinfo = ZoneInfo(zone)
    for day in ("2026-11-01", "2026-10-25", "2026-11-02", "2026-11-08", "2026-11-24"):
        since = datetime.fromisoformat(day).replace(tzinfo=local)
        until = since + timedelta(days=1)  # by the calendar
        span = Span(since.astimezone(UTC), until.astimezone(UTC))
        compared = compared_span(span, local, comparison)
        assert compared is not None
        ends = [moment.astimezone(local) for moment in (compared.since, compared.until)]
        assert [(end.hour, end.minute) for end in ends] == [(0, 0), (0, 0)]
        assert ends[1].date() - ends[0].date() == timedelta(days=1)
        if comparison != "previous":
            assert ends[0].weekday() == since.weekday()


# --- Little and broken data ---------------------------------------------------------------------------------


def test_one_click_makes_a_report_that_says_what_was_never_seen(report: Report, lake: TestLake) -> None:
    lake.put("clicks", [line(new_id())])
    page = Page(report(*HOUR_OF_NOON))
    assert page.figures["clicks"] == "1"
    assert page.headings["items"] == "Items"
    assert " ".join(page.titles["items"].split()) == "100 % of 1 click on items went to 4e53920c"
    assert page.titles["clicks"].split() == ["1", "click"]
    assert not page.cells["countries"]
    assert "only CloudFront before the API adds it" in report.out.read_text()


def test_where_only_bots_came_the_report_says_so(report: Report, lake: TestLake) -> None:
    lake.put("clicks", [line(new_id(), bot="tool")])
    page = Page(report(*HOUR_OF_NOON))
    assert page.figures["clicks"] == "0"
    assert page.headings["clicks"] == "Clicks and page views by hour"
    assert "100 % of 1 event from bots matched the rule tool" in page.titles["bots"]
    assert "No event of a visitor. Bots" in report.out.read_text()


def test_where_all_records_failed_the_report_says_so(report: Report, lake: TestLake) -> None:
    lake.put("failed", [document(b"{}", "Lambda.FunctionError")])
    assert "1 record of these days is in failed/" in report(*HOUR_OF_NOON)


def test_page_views_alone_have_no_hour_of_most_clicks(report: Report, lake: TestLake) -> None:
    lake.put("clicks", [line(new_id(), type="pageview")])
    page = Page(report(*HOUR_OF_NOON))
    assert page.titles["clicks"].split() == ["0", "clicks"]


def test_an_empty_lake_is_said_to_be_empty(report: Report, lake: TestLake) -> None:
    assert f"the lake is empty: no click has landed in {lake.bucket}" in report.refused()
    assert not report.out.exists()


def test_days_without_clicks_name_those_that_have_some(report: Report, lake: TestLake) -> None:
    lake.put("clicks", [line(new_id())])
    said = " ".join(report.refused("--from", "2026-01-01", "--to", "2026-01-02").split())
    assert "no click landed from 2026-01-01 00:00 to 2026-01-03 00:00 UTC" in said
    assert f"has days from {NOON:%Y-%m-%d} to {NOON:%Y-%m-%d}" in said


def test_objects_that_cannot_be_read_are_named_counted_and_left_out(report: Report, lake: TestLake) -> None:
    lake.put("clicks", [line(new_id()) for _ in range(3)])
    whole = gzip.compress(b"".join(line(new_id()) for _ in range(1000)))
    spread = gzip.compress(b'{\n"eventId": "over several lines"\n}\n')
    for name, body in (("cut-short", whole[:-20]), ("damaged", b"\x1f\x8bnonsense"), ("spread", spread)):
        lake.s3.put_object(Bucket=lake.bucket, Key=f"clicks/{partition_of(NOON)}{name}.gz", Body=body)
    lake.put("clicks", [b"no JSON\n", b"[1]\n", line(new_id()), b'{"type": "click"}\n'])
    html = report(*HOUR_OF_NOON)
    assert Page(html).figures["clicks"] == "4"
    assert "3 of 5 objects cannot be read and are left out" in html
    for name in ("cut-short", "damaged", "spread"):
        assert f"clicks/{partition_of(NOON)}{name}.gz" in html
    assert "3 lines are not clicks" in html


def test_a_lake_that_cannot_be_reached_is_told_in_one_sentence(
    report: Report, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    report.clicklake.bucket = "no-such-bucket"
    assert "there is no bucket no-such-bucket" in report.refused()
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    assert "no AWS credentials" in report.refused()


# --- What strangers write -----------------------------------------------------------------------------------


def hostile_line(**kept: Any) -> bytes:
    return line(new_id(), **(dict.fromkeys(SHOWN.split(), HOSTILE) | {"element": {HOSTILE: HOSTILE}} | kept))


def test_nothing_that_a_click_says_is_markup_or_moves_text(report: Report, lake: TestLake) -> None:
    lake.put(
        "clicks",
        [
            hostile_line(type="click"),
            hostile_line(type="pageview"),
            hostile_line(bot=HOSTILE),
            hostile_line(),
        ],
    )
    lake.put("failed", [document(b"{}", HOSTILE)])
    html = report(*HOUR_OF_NOON)
    assert "<script" not in html
    assert not {"\x1b", "\u202e"} & set(html)
    assert "{{7*7}}" in html
    assert html.count("&lt;/script&gt;&lt;script&gt;alert(1)") > 20
    assert "\\x1b[31m\\x0a\\u202e=cmd()&amp;" in html


# --- In a browser -------------------------------------------------------------------------------------------


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_axe_finds_no_fault_and_nothing_scrolls_sideways(
    browser: Browser, file: Path, width: int, scheme: Literal["light", "dark"]
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.goto(file.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    found = Axe().run(page)
    assert not found.response["violations"], found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator(".chart svg:visible, .bars:visible").count() == 2 + sum(
        map(len, panel_sections(ALIGNED).values())
    )
    page.close()


@pytest.mark.browser
def test_the_page_asks_for_nothing_runs_nothing_and_breaks_no_rule_of_its_own(
    browser: Browser, report: Report, lake: TestLake
) -> None:
    lake.put("clicks", [hostile_line(type="click"), hostile_line()])
    report(*HOUR_OF_NOON)
    asked: list[str] = []
    said: list[str] = []
    page = browser.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.goto(report.out.as_uri())
    assert [url for url in asked if not url.startswith("data:")] == [report.out.as_uri()]
    assert not said
    assert page.evaluate("getComputedStyle(document.body).maxWidth") != "none"  # the policy lets our style in
    page.close()


@pytest.mark.browser
def test_it_prints_every_panels_table_on_four_pages_of_a4_at_most(browser: Browser, file: Path) -> None:
    page = browser.new_page()
    page.goto(file.as_uri())
    page.emulate_media(media="print")
    assert page.locator("table:visible").count() == page.locator(".card:not(.whole) table").count() > 0
    pages = page.pdf(format="A4").count(b"/Type /Page\n")
    assert 1 <= pages <= 4
    page.close()


def test_a_report_of_three_full_days_is_small(report: Report, lake: TestLake) -> None:
    for hour in range(72):
        at = NOON - hour * HOUR
        fields = {
            name: f"{name} number {hour}, with a rather long text behind it to fill the table"
            for name in SHOWN.split()
        }
        lake.put("clicks", [line(new_id(), at, **(fields | {"type": "click"}))] * 2, at)
    report("--from", f"{NOON - 71 * HOUR:%Y-%m-%dT%H:00}", "--to", f"{NOON + HOUR:%Y-%m-%dT%H:00}")
    assert report.out.stat().st_size < MAX_REPORT_BYTES


# --- As JSON, and the file ----------------------------------------------------------------------------------


def test_the_figures_come_as_json(report: Report, lake: TestLake) -> None:
    lake.put("clicks", [line(new_id(), visitorId="v")])
    figures = json.loads(report.clicklake("report", *HOUR_OF_NOON, "--json").stdout)
    assert figures["panels"]["totals"][0]["clicks"] == 1
    assert figures["timezone"] == "UTC"
    assert datetime.fromisoformat(figures["comparedFrom"]) == NOON.replace(minute=0) - timedelta(days=7)
    assert not report.out.exists()


@pytest.mark.parametrize("zone", ["Mars/Base", "", "../etc/passwd", "UTC+1"])
def test_a_zone_that_does_not_exist_is_refused(report: Report, lake: TestLake, zone: str) -> None:
    assert f"'{zone}' is not a time zone" in " ".join(report.refused("--timezone", zone).split())


def test_a_file_that_cannot_be_written_is_named_before_anything_is_read(
    clicklake: Commands, lake: TestLake, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    refused = clicklake("report", "--out", str(tmp_path), *HOUR_OF_NOON, code=2).output
    assert "is a folder; name a file in it" in " ".join(refused.split())
    below = clicklake("report", "--out", str(tmp_path / "file" / "r.html"), *HOUR_OF_NOON, code=2).output
    assert "File exists" in below or "Not a directory" in below
