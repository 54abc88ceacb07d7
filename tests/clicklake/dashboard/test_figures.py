"""Every figure equals plain Python's over the same lines, under filters and in three time zones."""

import csv
import io
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient

from clicklake.dashboard.panels import cards_of
from clicklake.dashboard.view import parse_view
from clicklake.lake.bucket import Lake
from clicklake.query.queries import saved_query
from clicklake.query.span_database import SpanDatabase
from tests.clicklake.dashboard.conftest import ATTRIBUTES, NOW
from tests.support.day import SPAN, Day, Line
from tests.support.plain_answers import answers

pytestmark = pytest.mark.emulator

PANELS = [panel for card in cards_of(ATTRIBUTES) for panel in card.panels]
DAYS = "from=2026-11-19&to=2026-11-19&compare=none"
ZONES = ["UTC", "Europe/Berlin", "Asia/Kolkata"]


def is_(field: str, *values: str) -> Callable[[Line], bool]:
    return lambda line: line.get(field) in values


def both(*tests: Callable[[Line], bool]) -> Callable[[Line], bool]:
    return lambda line: all(test(line) for test in tests)


def not_(test: Callable[[Line], bool]) -> Callable[[Line], bool]:
    return lambda line: not test(line)


# A filter in the URL, and the same in plain Python.
FILTERS: dict[str, Callable[[Line], bool]] = {
    "": lambda _: True,
    "is=country:DE": is_("country", "DE"),
    "is=country:DE&is=country:FR&is=device:mobile": both(is_("country", "DE", "FR"), is_("device", "mobile")),
    "not=country:US&not=type:pageview": both(not_(is_("country", "US")), not_(is_("type", "pageview"))),
    "is=page:/adopt&not=campaign:autumn": both(is_("path", "/adopt"), not_(is_("utmCampaign", "autumn"))),
    "is=channel:search&is=browser:Chrome": both(is_("referrerKind", "search"), is_("browser", "Chrome")),
    "is=country:nowhere": is_("country", "nowhere"),
    "is=page:' or 1=1 --": is_("path", "' or 1=1 --"),
}


def rows(client: FlaskClient, panel: str, query: str) -> list[list[str]]:
    answer = client.get(f"/panel/{panel}.csv?{query}")
    assert answer.status_code == 200, answer.text
    return list(csv.reader(io.StringIO(answer.text)))[1:]


def as_text(found: list[tuple[Any, ...]]) -> list[list[str]]:
    return [["" if cell is None else str(cell) for cell in row] for row in found]


def lines_of(day: Day, query: str) -> list[Line]:
    """Return the lines that landed in the view's days, with the one of the hour before (see lay_day)."""
    span = parse_view(parse_qsl(query)).span(NOW)
    arrived = ((datetime.fromisoformat(line["receivedAt"]), line) for line in day.lines)
    lines = [line for at, line in arrived if span.since <= at < span.until]
    before = day.lines[0] | {"eventId": "of another day"}
    return [*lines, before] if span.since < SPAN.since else lines


@pytest.mark.parametrize("filters", FILTERS)
@pytest.mark.parametrize("zone", ZONES)
def test_every_panel_is_what_plain_python_finds(
    zone: str, filters: str, client: FlaskClient, day: Day
) -> None:
    query = f"{DAYS}&zone={zone}&{filters}"
    all_lines = lines_of(day, query)
    lines = [line for line in all_lines if FILTERS[filters](line)]
    expected, unfiltered = answers(lines, ZoneInfo(zone)), answers(all_lines, ZoneInfo(zone))
    sessions = {line["sessionId"] for line in lines if "sessionId" in line and "bot" not in line}
    by_session = answers([line for line in all_lines if line.get("sessionId") in sessions], ZoneInfo(zone))
    for panel in PANELS:
        if panel.query == "failures":
            continue
        chosen = unfiltered if panel.quality else by_session if panel.by_session else expected
        assert rows(client, panel.query, query) == as_text(chosen[panel.query]), panel.query
    assert rows(client, "figures", query) == as_text(expected["totals"])
    assert rows(client, "timeline", query) == as_text(expected["hours"])


def test_what_is_drawn_are_the_rows_of_the_whole_question(client: FlaskClient, day: Day) -> None:
    database = SpanDatabase(Lake(day.lake.bucket, {}, day.lake.s3), SPAN, with_failed=True)
    view = parse_view(parse_qsl(f"{DAYS}&is=device:mobile"))
    with database:
        for panel in PANELS:
            whole, drawn = ([*database.run(ask(view))] for ask in (panel.question, panel.drawn_question))
            names = drawn[0].keys() if drawn else whole[:0]
            assert [{name: row[name] for name in names} for row in whole] == drawn
            assert panel.query in ("elements", "properties") or panel.count in names


def test_failures_are_those_of_the_days(client: FlaskClient) -> None:
    expected = as_text(answers([])["failures"])
    assert rows(client, "failures", DAYS) == expected


@pytest.mark.parametrize(
    "steps",
    [
        ["page:/", "type:click", "type:adopted"],
        ["type:adopted"],
        ["type:pageview", "type:pageview"],
        ["type:click", "page:/adopt"],
        ["type:nothing", "type:click"],
    ],
)
@pytest.mark.parametrize("filters", ["", "is=device:mobile"])
def test_a_funnel_is_what_plain_python_finds(
    filters: str, steps: list[str], client: FlaskClient, day: Day
) -> None:
    query = "&".join([DAYS, filters, *(f"step={step}" for step in steps)])
    ((sessions, *reached),) = rows(client, "funnel", query)
    assert [int(sessions), *map(int, reached)] == plain_funnel(
        day, query, FILTERS.get(filters, is_("device", "mobile")), steps
    )


def plain_funnel(day: Day, query: str, test: Callable[[Line], bool], steps: list[str]) -> list[int]:
    fields = {"page": "path", "type": "type"}
    human = [line for line in lines_of(day, query) if "bot" not in line and "sessionId" in line]
    chosen = {line["sessionId"] for line in human if test(line)}
    counts = [len(chosen)]
    reached = dict.fromkeys(chosen, "")
    for step in steps:
        kind, _, value = step.partition(":")
        now: dict[str, str] = {}
        for line in human:
            session, at = line["sessionId"], happened(line)
            if session in reached and line.get(fields[kind]) == value and at >= reached[session]:
                now[session] = min(at, now.get(session, at))
        reached = now
        counts.append(len(reached))
    return counts


def happened(line: Line) -> str:
    delay = (
        datetime.fromisoformat(line["receivedAt"][:19]) - datetime.fromisoformat(line["occurredAt"][:19])
    ).total_seconds()
    text: str = line["occurredAt"] if 0 <= delay <= 86400 else line["receivedAt"]
    return text


def test_every_saved_question_that_ranks_is_on_the_dashboard_by_its_own_name() -> None:
    for panel in PANELS:
        if not panel.sql:
            assert panel.count in saved_query(panel.query).named_selects
            assert set(panel.label) <= {*saved_query(panel.query).named_selects}
