"""`reenrich`: enrich past clicks again, with today's code and catalogue."""

import os
from contextlib import closing
from datetime import UTC, datetime, time, timedelta
from typing import Any

import click
from rich.table import Table

from clicklake.cli.console import OUT, print_json, progress
from clicklake.cli.options import json_option, lake_options
from clicklake.cli.sanitize import for_terminal
from clicklake.cli.time_spans import UtcTimeParam
from clicklake.errors import CommandError
from clicklake.lake.bucket import Lake
from clicklake.lake.error_documents import replay_hours
from clicklake.lake.partitions import DELIVERY_WINDOW, HOUR, Span, hour_of, hours_between
from clicklake.reenrich.enricher import Enricher, settings_of
from clicklake.reenrich.object_swap import complete_all
from clicklake.reenrich.rewrite import Rewriter, RewriteSummary


@click.command()
@click.option(
    "--from",
    "since",
    type=UtcTimeParam(),
    help="First day or time of receivedAt, UTC.  [default: the day before --to]",
)
@click.option(
    "--to",
    "until",
    type=UtcTimeParam(is_end=True),
    help="Last day, or the time to stop before.  [default: 25 hours ago]",
)
@click.option("--dry-run", is_flag=True, help="Print what would change; change nothing.")
@lake_options
@json_option
def command(lake: Lake, since: datetime | None, until: datetime | None, dry_run: bool, as_json: bool) -> None:
    """Enrich past clicks again from the raw envelopes.

    Uses today's code and catalogue. Changed lines are written to the same partition before the objects with
    the old lines are deleted: at every moment every click is in the lake, and queries count it once (of two
    lines with one eventId, the one with the greatest processedAt). An interrupted run is completed by running
    it again. Lines whose envelope is no longer in raw/ stay as they are.
    """
    span = _span(since, until, datetime.now(UTC) - DELIVERY_WINDOW)
    enricher = Enricher(settings_of(lake, os.environ))
    completed = 0 if dry_run else complete_all(lake)
    with closing(Rewriter(lake, span, enricher, dry_run)) as run, progress() as bar:
        for hour in bar.track(partitions(lake, span), description="hours"):
            run.rewrite_partition(hour)
    if as_json:
        print_json(to_json(lake, span, run.summary, dry_run))
    else:
        _show(run.summary, dry_run, completed)
    if run.summary.without_catalogue or run.summary.unreadable:
        raise SystemExit(1)


def _span(since: datetime | None, until: datetime | None, newest: datetime) -> Span:
    until = until or hour_of(newest)
    span = Span(since or datetime.combine(until - timedelta(days=1), time(), UTC), until)
    if span.until > newest:
        raise CommandError(
            f"--to is after {newest:%Y-%m-%dT%H:%M}: clicks younger than 25 hours may still land"
        )
    if span.since >= span.until:
        raise CommandError("--from is not before --to")
    return span


def partitions(lake: Lake, span: Span) -> list[datetime]:
    """Return every hour whose partition may hold lines of the span: adjacent and replayed hours too."""
    found = set(hours_between(span.since - HOUR, span.until + HOUR))
    day = span.since.date() - timedelta(days=1)
    while day <= span.until.date():
        for hour in replay_hours(lake, day):
            found |= {hour, hour + HOUR}
        day += timedelta(days=1)
    return sorted(found)


def to_json(lake: Lake, span: Span, summary: RewriteSummary, dry_run: bool) -> dict[str, Any]:
    diff = summary.diff
    return {
        "bucket": lake.bucket,
        "from": span.since.isoformat(),
        "to": span.until.isoformat(),
        "dryRun": dry_run,
        "lines": diff.lines,
        "changed": diff.changed,
        "fields": {
            name: {
                "gained": diff.added[name],
                "lost": diff.removed[name],
                "altered": diff.altered[name],
            }
            for name in diff.fields()
        },
        "withoutRaw": summary.without_raw,
        "withoutCatalogue": summary.without_catalogue,
        "duplicatesLeftOut": summary.duplicates,
        "objectsReplaced": summary.objects,
        "unreadable": summary.unreadable,
    }


def _show(summary: RewriteSummary, dry_run: bool, completed: int) -> None:
    diff = summary.diff
    if completed:
        OUT.print(f"{completed} replacements of an interrupted run were completed")
    if diff.changed:
        table = Table("field", "gained", "lost", "altered", box=None)
        for name in diff.fields():
            counts = (diff.added[name], diff.removed[name], diff.altered[name])
            table.add_row(for_terminal(name), *(f"{number:,}" for number in counts))
        OUT.print(table)
    done = "would be replaced" if dry_run else "replaced"
    OUT.print(f"{diff.changed:,} of {diff.lines:,} lines changed; objects {done}: {summary.objects:,}")
    if summary.duplicates:
        OUT.print(f"{summary.duplicates:,} duplicates left out")
    for key in summary.unreadable:
        OUT.print(f"unreadable, left as it is: {for_terminal(key)}")
    if summary.without_raw:
        OUT.print(
            f"{summary.without_raw:,} lines stay as they are because their envelope is no longer in raw/"
        )
    if summary.without_catalogue:
        OUT.print(
            f"{summary.without_catalogue:,} lines stay as they are because the catalogue has no answer for "
            "their item now. Run this again when it does."
        )
