"""`report`: write charts and tables as one HTML file that opens anywhere and can be mailed."""

import webbrowser
from datetime import UTC, datetime
from pathlib import Path

import click

from clicklake.cli.console import OUT
from clicklake.cli.options import lake_options, span_options
from clicklake.errors import CommandError
from clicklake.lake.bucket import Lake
from clicklake.lake.partitions import Span
from clicklake.query.engines import QueryEngine, engine_option
from clicklake.query.queries import QueryResults, saved_query
from clicklake.report.page import render
from clicklake.report.panels import read_sections
from clicklake.report.timeline import span_before, unit_of


@click.command()
@span_options
@lake_options
@engine_option
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default="build/report.html",
    show_default=True,
    help="The file to write.",
)
@click.option("--open", "is_opened", is_flag=True, help="Open it in the browser.")
def command(lake: Lake, span: Span, engine: QueryEngine, out: Path, is_opened: bool) -> None:
    """Write a report as one HTML file.

    It shows what landed from --from to --to, compared with the preceding span of equal length. Whole hours of
    arrival are read (UTC). The file needs no network and runs no script.
    """
    write_report(engine, lake, span, out)
    OUT.print(f"{out}: {out.stat().st_size / 1000:,.0f} KB", soft_wrap=True)
    if is_opened:
        webbrowser.open(out.resolve().as_uri())


def write_report(engine: QueryEngine, lake: Lake, span: Span, out: Path, *notes: str) -> None:
    """Write the report, with the notes above the figures. Raises CommandError if nothing landed."""
    now, then = _results(engine, lake, span)
    html = render(now, then, span, lake.bucket, datetime.now(UTC), [*notes, *now.notes, *then.notes])
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(html, encoding="utf-8")


def _results(engine: QueryEngine, lake: Lake, span: Span) -> tuple[QueryResults, QueryResults]:
    """Return the results for the span, and those of the preceding span that are compared with them."""
    compared = ("totals", unit_of(span).query)
    names = [*compared, "late", *(panel.query for panels in read_sections().values() for panel in panels)]
    now = engine(lake, span, {name: saved_query(name) for name in names})
    if not any(now.by_name["totals"].rows[0]) and not now.by_name["failures"].rows:
        raise CommandError("; ".join((_nothing(lake, span), *now.notes)))
    return now, engine(lake, span_before(span), {name: saved_query(name) for name in compared})


def _nothing(lake: Lake, span: Span) -> str:
    days = [folder.rstrip("/").rpartition("dt=")[2] for folder in lake.subfolders("clicks/")]
    if not days:
        return f"the lake is empty: no click has landed in {lake.bucket}"
    when = f"from {span.since:%Y-%m-%d %H:%M} to {span.until:%Y-%m-%d %H:%M} UTC"
    return f"no click landed {when}; {lake.bucket} has days from {days[0]} to {days[-1]} (--from, --to)"
