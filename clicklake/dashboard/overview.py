"""What stands at the top: the figures with their change, the chart over time, the names of the filters."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlglot import exp

from clicklake.dashboard.answers.contract import Answers, Question
from clicklake.dashboard.view import View
from clicklake.lake.partitions import HOUR, Span
from clicklake.query.filters import Condition, select_events, where
from clicklake.query.queries import saved_query
from clicklake.report.panels import Row, plain
from clicklake.report.timeline import DAYS, Timeline, Unit, build_timeline, unit_of
from clicklake.report.words import meaning_of

FIGURES = {"clicks": "Clicks", "pageviews": "Page views", "visitors": "Visitors", "sessions": "Sessions"}


class Figure(NamedTuple):
    """A headline number, and how it compares; `change` is empty without anything to compare with."""

    column: str
    name: str
    number: int
    before: int | None
    change: str
    direction: str
    """`up`, `down`, `same`, or empty."""


def question(name: str, view: View) -> exp.Query:
    return select_events(saved_query(name), where(view.conditions), by_session=False)


def figures(view: View, answers: Answers) -> tuple[list[Figure], Row]:
    """Return the headline figures, and all totals of the time that is looked at."""
    now = answers.now()
    compared = view.compared(now)
    spans = [view.span(now), *([compared] if compared else [])]
    asked = question("totals", view)
    totals, *earlier_totals = (
        next(iter(result)) for result in answers.ask_all([Question(each, view.zone, asked) for each in spans])
    )
    before = earlier_totals[0] if earlier_totals else {}
    is_one_day = view.span(now).until - view.span(now).since <= timedelta(hours=25)
    names = FIGURES if is_one_day else FIGURES | {"visitors": "Daily visitors"}
    found = []
    for column, name in names.items():
        number, earlier = int(totals[column]), before.get(column)
        change, direction = _change(number, earlier)
        found.append(Figure(column, name, number, earlier, change, direction))
    return found, totals


def _change(number: int, before: int | None) -> tuple[str, str]:
    if not before:
        return "", ""
    change = round(100 * (number - before) / before)
    text = f"{change:+,d} %".replace("-", "−") if change else "0 %"
    return text, "up" if change > 0 else "down" if change < 0 else "same"


def timeline(view: View, answers: Answers) -> tuple[Unit, Timeline, list[Row]]:
    """Return the unit of the chart, its moments, and the rows that it is made of."""
    now = answers.now()
    span, compared = view.span(now), view.compared(now)
    whole = _whole(view, span)
    unit = unit_of(whole)
    asked = question(unit.query, view)
    spans = [span, *([compared] if compared else [])]
    rows, *earlier_rows = (
        [*result] for result in answers.ask_all([Question(each, view.zone, asked) for each in spans])
    )
    rows_then = earlier_rows[0] if earlier_rows else []
    # A day that goes on is drawn to its end, so that columns do not move as the day goes by.
    moved = Span(compared.since, compared.since + (whole.until - whole.since)) if compared else None
    return unit, build_timeline(whole, view.zone, rows, rows_then, moved), rows


def _whole(view: View, span: Span) -> Span:
    """Return the span up to the end of its last day in the zone."""
    last = (span.until - HOUR).astimezone(view.zone)
    end = datetime.combine(last.date() + timedelta(days=1), datetime.min.time(), view.zone)
    return Span(span.since, max(span.until, end.astimezone(span.until.tzinfo)))


def link_of_moment(view: View, unit: Unit, at: datetime) -> str:
    """Return the view of a column's day; none for hours, which no view has."""
    return view.of_day(at.date()).url() if unit is DAYS else ""


def named_conditions(conditions: Iterable[Condition], items: Iterable[Row] = ()) -> Mapping[Condition, str]:
    """Name each condition's value as the panels do: an item by its name, a country in English.

    `items` are the rows of `items_named`. Without them an item is shown by its id.
    """
    names: dict[str, Any] = {row["itemid"]: row["name"] for row in items if row["name"]}
    return {
        condition: plain(
            names.get(condition.value, condition.value)
            if condition.dimension == "item"
            else meaning_of(condition.column, condition.value)
        )
        for condition in conditions
    }
