"""Turn query results into the report's HTML page."""

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from clicklake.cli.sanitize import for_terminal
from clicklake.lake.partitions import HOUR, Span
from clicklake.query.queries import QueryResults
from clicklake.report.panels import Row, chart_of, number_of, plain, read_sections, title_of
from clicklake.report.timeline import DAY, build_timeline, unit_of

FOLDER = Path(__file__).parent
LATE_SECONDS = 3600
FIGURES = {
    "clicks": "clicks",
    "pageviews": "page views",
    "visitors": "visitors",
    "sessions": "sessions",
    "bots": "events by robots",
}


def render(
    now: QueryResults, then: QueryResults, span: Span, bucket: str, made_at: datetime, notes: Sequence[str]
) -> str:
    """Return the page. `now` has the results for the span; `then` has those of the preceding span."""
    style = (FOLDER / "report.css").read_text()
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {"plain": plain, "thousands": "{:,}".format, "change": _change}
    templates.globals |= {"number_of": number_of, "title_of": title_of, "chart_of": chart_of}
    return templates.get_template("report.html").render(
        style=Markup(style),  # noqa: S704 (ours)
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        range=_range(span),
        length=_length(span),
        notes=[for_terminal(note) for note in notes],
        figures=FIGURES,
        totals=_totals(now),
        totals_then=_totals(then),
        charts=[*_charts(now, then, span)],
        sections={
            title: [(panel, [*now.by_name[panel.query]]) for panel in panels]
            for title, panels in read_sections().items()
        },
        late=_late(now),
        failed=sum(row["records"] for row in now.by_name["failures"]),
        bucket=bucket,
        made_at=f"{made_at:%Y-%m-%d %H:%M}",
    )


def _range(span: Span) -> str:
    if span.since.hour or span.until.hour or span.until.minute:
        return f"{_day(span.since)}, {span.since:%H:%M}, to {_day(span.until)}, {span.until:%H:%M}"
    first, last = _day(span.since), _day(span.until - HOUR)
    return first if first == last else f"{first} to {last}"


def _day(at: datetime) -> str:
    return f"{at.day} {at:%B %Y}"


def _length(span: Span) -> str:
    length = span.until - span.since
    days, rest = divmod(length, DAY)
    count, unit = (days, "day") if not rest else (round(length / HOUR), "hour")
    return f"{count} {unit}s" if count != 1 else unit


def _totals(results: QueryResults) -> Row:
    return next(iter(results.by_name["totals"]))


def _change(now: int, then: int) -> str:
    return f"{100 * (now - then) / then:+,.0f} %".replace("-", "−")


def _charts(now: QueryResults, then: QueryResults, span: Span) -> Iterator[Mapping[str, Any]]:
    unit, counts = unit_of(span), _totals(now)
    rows = [*now.by_name[unit.query]]
    timeline = build_timeline(span, rows, [*then.by_name[unit.query]])
    at, most = timeline.most("clicks")
    peak = f", most of them at {at} ({most:,})" if most else ""
    a_session = f": {counts['clicks'] / counts['sessions']:.1f} clicks in each" if counts["sessions"] else ""
    for front, back, title in (
        ("clicks", "pageviews", f"clicks{peak}"),
        ("visitors", "sessions", f"visitors in {counts['sessions']:,} sessions{a_session}"),
    ):
        yield {
            "id": front,
            "heading": f"{front.capitalize()} and {FIGURES[back]} by the {unit.column}",
            "number": counts[front],
            "title": title,
            "front": front,
            "back": FIGURES[back],
            "drawn": timeline.draw(front, back),
            "columns": {unit.column: unit.column, front: front, back: FIGURES[back]},
            "rows": rows,
        }


def _late(results: QueryResults) -> int:
    late = (row for row in results.by_name["late"] if row["seconds"] is None or row["seconds"] > LATE_SECONDS)
    return sum(row["events"] for row in late)
