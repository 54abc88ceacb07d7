"""Turn query results into the report's HTML page."""

import base64
import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from clicklake.cli.sanitize import for_terminal
from clicklake.cli.time_spans import Comparison
from clicklake.lake.partitions import HOUR, Span
from clicklake.query.queries import QueryResults
from clicklake.report.panels import (
    Row,
    cell_of,
    chart_of,
    more_of,
    number_of,
    panel_sections,
    plain,
    title_of,
)
from clicklake.report.timeline import DAY, build_timeline, unit_of
from clicklake.report.words import sentence

FOLDER = Path(__file__).parent
LATE_SECONDS = 3600


@dataclass(frozen=True)
class ReportSpan:
    """What the report is about, and what it is compared with."""

    span: Span
    zone: tzinfo
    compared: Span | None
    comparison: Comparison

    @property
    def is_one_day(self) -> bool:
        return self.span.until - self.span.since <= DAY + HOUR

    def local(self, moment: datetime) -> datetime:
        return moment.astimezone(self.zone)


def render(
    now: QueryResults,
    then: QueryResults,
    about: ReportSpan,
    attributes: Collection[str],
    bucket: str,
    made_at: datetime,
    notes: Sequence[str],
) -> str:
    """Return the page. `now` has the results for the span; `then` has those of the compared span."""
    style = "".join((FOLDER / name).read_text() for name in ("charts.css", "report.css"))
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {"plain": plain, "thousands": "{:,}".format, "change": _change}
    templates.globals |= {
        "number_of": number_of,
        "title_of": title_of,
        "more_of": more_of,
        "chart_of": chart_of,
        "cell_of": cell_of,
    }
    return templates.get_template("report.html").render(
        style=Markup(style),  # noqa: S704 (ours)
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        range=_range(about, about.span),
        zone=str(about.zone),
        compared=_compared(about),
        notes=[for_terminal(note) for note in notes],
        figures=_figures(about),
        totals=_totals(now),
        totals_then=_totals(then) if about.compared else {},
        charts=[*_charts(now, then, about)],
        sections={
            title: [(panel, [*now.by_name[panel.query]]) for panel in panels]
            for title, panels in panel_sections(attributes).items()
        },
        limits=[*_limits(now, about)],
        bucket=bucket,
        made_at=f"{about.local(made_at):%Y-%m-%d %H:%M} {about.zone}",
    )


def _figures(about: ReportSpan) -> dict[str, str]:
    visitors = "visitors" if about.is_one_day else "daily visitors"
    return {"clicks": "clicks", "pageviews": "page views", "visitors": visitors, "sessions": "sessions"}


def _range(about: ReportSpan, span: Span) -> str:
    since, until = about.local(span.since), about.local(span.until)
    if since.hour or since.minute or until.hour or until.minute:
        end = f"{until:%H:%M}" if until.date() == since.date() else f"{_day(until)}, {until:%H:%M}"
        return f"{_day(since)}, {since:%H:%M} to {end}"
    first, last = _day(since), _day(about.local(span.until - HOUR))
    return first if first == last else f"{first} to {last}"


def _day(at: datetime) -> str:
    return f"{at:%A}, {at.day} {at:%B %Y}"


def _compared(about: ReportSpan) -> str:
    return _range(about, about.compared) if about.compared else ""


def _totals(results: QueryResults) -> Row:
    return next(iter(results.by_name["totals"]))


def _change(now: int, then: int) -> str:
    return f"{100 * (now - then) / then:+,.0f} %".replace("-", "−")


def _charts(now: QueryResults, then: QueryResults, about: ReportSpan) -> Iterator[Mapping[str, Any]]:
    unit, counts, names = unit_of(about.span), _totals(now), _figures(about)
    rows = [*now.by_name[unit.query]]
    rows_then = [*then.by_name[unit.query]] if about.compared else []
    timeline = build_timeline(about.span, about.zone, rows, rows_then, about.compared)
    at, most = timeline.most("clicks")
    peak = f", most of them {at} ({most:,})" if most and counts["clicks"] > 1 else ""
    clicks = "click" if counts["clicks"] == 1 else "clicks"
    for front, back, title in (
        ("clicks", "pageviews", f"{clicks}{peak}"),
        ("visitors", "sessions", _visits(counts, names["visitors"])),
    ):
        yield {
            "id": front,
            "heading": f"{names[front].capitalize()} and {names[back]} by {unit.column}",
            "number": counts[front],
            "title": title,
            "front": names[front],
            "back": names[back],
            "drawn": timeline.draw(front, back, (names[front], names[back])),
            "columns": {unit.column: unit.column, front: names[front], back: names[back]},
            "rows": rows,
        }


def _visits(counts: Row, visitors: str) -> str:
    word = visitors.removesuffix("s") if counts["visitors"] == 1 else visitors
    if not counts["sessions"]:
        return word
    text = sentence("{word} in {sessions:session/sessions}", word=word, sessions=counts["sessions"])
    clicks = counts["session_clicks"] / counts["sessions"]
    return f"{text}, with {clicks:.1f} clicks per session" if clicks else text


def _limits(results: QueryResults, about: ReportSpan) -> Iterator[tuple[str, str]]:
    """Yield what the figures cannot show, each with its heading; nothing about what did not occur."""
    totals = _totals(results)
    late = sum(
        row["events"]
        for row in results.by_name["late"]
        if row["seconds"] is None or row["seconds"] > LATE_SECONDS
    )
    failed = sum(row["records"] for row in results.by_name["failures"])
    if late:
        yield "Late", sentence("{n:event/events} arrived more than an hour after they happened.", n=late)
    if failed:
        yield (
            "Failed",
            sentence("{n:record of these days is/records of these days are}", n=failed)
            + " in failed/. Their clicks are in no other figure until `clicklake replay` puts them back.",
        )
    if totals["optouts"]:
        yield (
            "Opted out",
            sentence("{n:event/events}", n=totals["optouts"])
            + " came with an opt-out signal (GPC, DNT). They count as events, without visitor and session."
            " Visitors who block the tracker are not counted at all.",
        )
    if totals["bots"]:
        yield (
            "Bots",
            sentence("{n:event/events}", n=totals["bots"])
            + " came from bots, as their user agents say. A bot that poses as a browser counts as a visitor.",
        )
    yield (
        "Visitors",
        "A visitor is one browser at one address on one day."
        + (" A returning visitor is counted again each day." if not about.is_one_day else "")
        + " Two people with the same browser behind one address count once.",
    )
    yield (
        "Clocks",
        "An event counts at the browser's time, unless that is after its arrival or more than a day before"
        " it. Events that still wait in a browser are not here.",
    )
