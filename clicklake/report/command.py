"""`report`: one HTML file of charts and tables that opens anywhere, asks for nothing, and can be mailed."""

import webbrowser
from datetime import UTC, datetime
from pathlib import Path

import click

from clicklake.cli.console import OUT
from clicklake.cli.options import lake_options, span_options
from clicklake.errors import CommandError
from clicklake.lake.bucket import Lake
from clicklake.lake.partitions import Span
from clicklake.query.engines import Ask, engine_option
from clicklake.query.queries import Answers, saved_question
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
def command(lake: Lake, span: Span, ask: Ask, out: Path, is_opened: bool) -> None:
    """Draw what landed from --from to --to, beside what landed in as long a time before.

    Whole hours of arrival are read (UTC). The file holds everything that it shows, and runs no script.
    """
    write_report(ask, lake, span, out)
    OUT.print(f"{out}: {out.stat().st_size / 1000:,.0f} KB", soft_wrap=True)
    if is_opened:
        webbrowser.open(out.resolve().as_uri())


def write_report(ask: Ask, lake: Lake, span: Span, out: Path, *notes: str) -> None:
    """`notes` stand above the figures. Raises CommandError where nothing landed."""
    now, then = _answers(ask, lake, span)
    html = render(now, then, span, lake.bucket, datetime.now(UTC), [*notes, *now.notes, *then.notes])
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(html, encoding="utf-8")


def _answers(ask: Ask, lake: Lake, span: Span) -> tuple[Answers, Answers]:
    """Those for the span, and those that are compared for the span before."""
    compared = ("totals", unit_of(span).question)
    asked = [*compared, "late", *(panel.question for panels in read_sections().values() for panel in panels)]
    now = ask(lake, span, {name: saved_question(name) for name in asked})
    if not any(now.by_name["totals"].rows[0]) and not now.by_name["failures"].rows:
        raise CommandError("; ".join((_nothing(lake, span), *now.notes)))
    return now, ask(lake, span_before(span), {name: saved_question(name) for name in compared})


def _nothing(lake: Lake, span: Span) -> str:
    days = [folder.rstrip("/").rpartition("dt=")[2] for folder in lake.subfolders("clicks/")]
    if not days:
        return f"the lake is empty: no click has landed in {lake.bucket}"
    asked = f"from {span.since:%Y-%m-%d %H:%M} to {span.until:%Y-%m-%d %H:%M} UTC"
    return f"no click landed {asked}; {lake.bucket} has days from {days[0]} to {days[-1]} (--from, --to)"
