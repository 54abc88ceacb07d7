"""`report`: write charts and tables as one HTML file that opens anywhere and can be mailed."""

import webbrowser
from collections.abc import Collection
from datetime import UTC, datetime, tzinfo
from pathlib import Path

import click

from clicklake.cli.console import OUT, print_json
from clicklake.cli.options import json_option, lake_options, span_of, zoned_span_options
from clicklake.cli.time_spans import COMPARISONS, Comparison, LocalTime, compared_span
from clicklake.errors import CommandError
from clicklake.lake.bucket import Lake
from clicklake.query.engines import QueryEngine, engine_option
from clicklake.query.queries import Queries, QueryResults, parse_query, saved_query
from clicklake.report.page import ReportSpan, render
from clicklake.report.panels import panel_sections
from clicklake.report.timeline import unit_of
from clicklake.tables.schema import line_table


@click.command()
@zoned_span_options
@lake_options
@engine_option
@click.option(
    "--compare",
    type=click.Choice(COMPARISONS),
    default="week",
    show_default=True,
    help="What to compare with: the same weekdays a week or a year before, or the time right before.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default="build/report.html",
    show_default=True,
    help="The file to write.",
)
@click.option("--open", "is_opened", is_flag=True, help="Open it in the browser.")
@json_option
def command(
    lake: Lake,
    since: LocalTime | None,
    until: LocalTime | None,
    zone: tzinfo,
    engine: QueryEngine,
    compare: Comparison,
    out: Path,
    is_opened: bool,
    as_json: bool,
) -> None:
    """Write a report as one HTML file.

    Without --from and --to it is about yesterday, compared with the same weekday a week before. Days are
    those of --timezone. The file needs no network and runs no script. --json prints the figures instead.
    """
    span = span_of(since, until, zone, datetime.now(UTC), whole_days=True)
    about = ReportSpan(span, zone, compared_span(span, zone, compare), compare)
    if as_json:
        print_json(report_to_json(engine, lake, about))
        return
    check_writable(out)
    write_report(engine, lake, about, out)
    OUT.print(f"{out}: {out.stat().st_size / 1000:,.0f} KB", soft_wrap=True)
    if is_opened:
        webbrowser.open(out.resolve().as_uri())


def check_writable(out: Path) -> None:
    """Raise CommandError if the file cannot be written, before anything is read for it."""
    try:
        if out.is_dir() or not out.name:
            raise CommandError(f"--out {out or '.'} is a folder; name a file in it")
        out.parent.mkdir(parents=True, exist_ok=True)
        existed = out.exists()
        with out.open("ab"):
            pass
        if not existed:
            out.unlink()
    except OSError as error:
        raise CommandError(f"--out {out}: {error.strerror}") from error


def write_report(engine: QueryEngine, lake: Lake, about: ReportSpan, out: Path, *notes: str) -> None:
    """Write the report, with the notes above the figures. Raises CommandError if nothing landed."""
    attributes = line_table(lake).attributes
    now, then = _results(engine, lake, about, attributes)
    notes = (*notes, *dict.fromkeys((*now.notes, *then.notes)))
    html = render(now, then, about, attributes, lake.bucket, datetime.now(UTC), notes)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(html, encoding="utf-8")


def report_to_json(engine: QueryEngine, lake: Lake, about: ReportSpan) -> dict[str, object]:
    now, then = _results(engine, lake, about, line_table(lake).attributes)
    compared = about.compared
    return {
        "bucket": lake.bucket,
        "from": about.span.since.isoformat(),
        "to": about.span.until.isoformat(),
        "timezone": str(about.zone),
        "comparedFrom": compared.since.isoformat() if compared else None,
        "comparedTo": compared.until.isoformat() if compared else None,
        "panels": {name: [*result] for name, result in now.by_name.items()},
        "compared": {name: [*result] for name, result in then.by_name.items()},
        "notes": [*now.notes, *then.notes],
    }


def _results(
    engine: QueryEngine, lake: Lake, about: ReportSpan, attributes: Collection[str]
) -> tuple[QueryResults, QueryResults]:
    """Return the results for the span, and those of the compared span, if there is one."""
    compared = {name: saved_query(name) for name in ("totals", unit_of(about.span).query)}
    panels = [panel for panels in panel_sections(attributes).values() for panel in panels]
    queries: Queries = compared | {
        panel.query: parse_query(panel.sql) if panel.sql else saved_query(panel.query) for panel in panels
    }
    now = engine(lake, about.span, queries, about.zone)
    if not any(now.by_name["totals"].rows[0]) and not now.by_name["failures"].rows:
        raise CommandError("; ".join((_nothing(lake, about), *now.notes)))
    if about.compared is None:
        return now, QueryResults({})
    return now, engine(lake, about.compared, compared, about.zone)


def _nothing(lake: Lake, about: ReportSpan) -> str:
    days = sorted(lake.days("clicks/"))
    if not days:
        return f"the lake is empty: no click has landed in {lake.bucket}"
    since, until = (about.local(moment) for moment in (about.span.since, about.span.until))
    when = f"from {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} {about.zone}"
    return f"no click landed {when}; {lake.bucket} has days from {days[0]} to {days[-1]} (--from, --to)"
