"""The report's page: answers in, HTML out."""

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from ops.escape import for_terminal
from ops.hours import HOUR, Span
from ops.panels import Panel, Row, chart_of, number_of, plain, read_sections, title_of
from ops.questions import Answer, Answers
from ops.timeline import DAY, build_timeline, unit_of

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
    now: Answers, then: Answers, span: Span, bucket: str, made_at: datetime, notes: Sequence[str]
) -> str:
    """`now` answers all questions of the report for the span, `then` what is compared for the one before."""
    style = (FOLDER / "report.css").read_text()
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["plain"] = plain
    return templates.get_template("report.html").render(
        style=Markup(style),  # noqa: S704 (ours)
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        range=_range(span),
        notes=[for_terminal(note) for note in notes],
        is_compared=any(then.by_name["totals"].rows[0]),
        length=_length(span),
        figures=[*_figures(now, then, span)],
        charts=[*_charts(now, then, span)],
        sections={
            title: [_panel(each, now.by_name[each.question]) for each in panels]
            for title, panels in read_sections().items()
        },
        late=_late(now),
        failed=sum(row["records"] for row in now.by_name["failures"]),
        opted_out=_totals(now)["optouts"],
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


def _totals(answers: Answers) -> Row:
    return next(iter(answers.by_name["totals"]))


def _figures(now: Answers, then: Answers, span: Span) -> Iterator[Mapping[str, str]]:
    counts, counts_then = _totals(now), _totals(then)
    for column, name in FIGURES.items():
        yield {
            "name": name,
            "number": f"{counts[column]:,}",
            "change": _change(counts[column], counts_then[column], _length(span)),
        }


def _change(now: int, then: int, length: str) -> str:
    if not then:
        return ""
    percent = 100 * (now - then) / then
    return f"{percent:+,.0f} % on the {length} before ({then:,})".replace("-", "−")


def _charts(now: Answers, then: Answers, span: Span) -> Iterator[Mapping[str, Any]]:
    unit = unit_of(span)
    counts = _totals(now)
    timeline = build_timeline(span, [*now.by_name[unit.question]], [*then.by_name[unit.question]])
    at, most = timeline.most("clicks")
    a_session = f": {counts['clicks'] / counts['sessions']:.1f} clicks in each" if counts["sessions"] else ""
    told = (
        ("clicks", "pageviews", "Clicks and page views", f"clicks, most of them at {at} ({most:,})"),
        (
            "visitors",
            "sessions",
            "Visitors and sessions",
            f"visitors in {counts['sessions']:,} sessions{a_session}",
        ),
    )
    for front, back, heading, title in told:
        wide, narrow = timeline.draw(front, back)
        yield {
            "id": front,
            "heading": f"{heading} by the {unit.column}",
            "number": f"{counts[front]:,}",
            "title": title,
            "key": {"front": front, "back": FIGURES[back]}
            | ({"before": f"{front}, the {_length(span)} before"} if _totals(then)[front] else {}),
            "wide": wide,
            "narrow": narrow,
            "columns": {unit.column: unit.column, front: front, back: FIGURES[back]},
            "rows": [*now.by_name[unit.question]],
        }


def _panel(panel: Panel, answer: Answer) -> Mapping[str, Any]:
    rows = [*answer]
    told = (
        {"number": number_of(panel, rows), "title": title_of(panel, rows), "chart": chart_of(panel, rows)}
        if rows
        else {}
    )
    return {
        "id": panel.question,
        "heading": panel.heading,
        "nothing": panel.nothing,
        "columns": panel.columns,
        "rows": rows,
    } | told


def _late(answers: Answers) -> int:
    late = (row for row in answers.by_name["late"] if row["seconds"] is None or row["seconds"] > LATE_SECONDS)
    return sum(row["events"] for row in late)
