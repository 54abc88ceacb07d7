"""`reenrich`: past days through today's code and catalogue."""

import os
from contextlib import closing
from datetime import UTC, datetime, time, timedelta
from typing import Any

import click
from rich.table import Table

from clicklake.cli.console import OUT, print_json, progress
from clicklake.cli.options import json_option, lake_options
from clicklake.cli.sanitize import for_terminal
from clicklake.errors import CommandError
from clicklake.lake.bucket import Lake
from clicklake.lake.error_documents import replayed_hours
from clicklake.lake.partitions import DELIVERY_WINDOW, HOUR, Moment, Span, hour_of, hours
from clicklake.reenrich.enricher import Enricher, settings_of
from clicklake.reenrich.object_swap import settle_all
from clicklake.reenrich.rewrite import Reenrichment, Summary


@click.command()
@click.option(
    "--from",
    "since",
    type=Moment(),
    help="First day or moment of receivedAt, UTC.  [default: the day before --to]",
)
@click.option(
    "--to",
    "until",
    type=Moment(is_end=True),
    help="Last day, or moment to stop before.  [default: 25 hours ago]",
)
@click.option("--dry-run", is_flag=True, help="Tell what would change, and change nothing.")
@lake_options
@json_option
def command(lake: Lake, since: datetime | None, until: datetime | None, dry_run: bool, as_json: bool) -> None:
    """Enrich past clicks again, from the envelopes in raw/, with today's code and catalogue.

    Lines that change are written anew, in the folder that they are in, before the objects that hold the old
    ones are deleted: at every instant every click is in the lake, and a query counts it once (of two lines
    with one eventId the greatest processedAt counts). A run that was interrupted finishes when it is run
    again. Lines whose envelope is no longer in raw/ stay as they are.
    """
    span = _span(since, until, datetime.now(UTC) - DELIVERY_WINDOW)
    enricher = Enricher(settings_of(lake, os.environ))
    settled = 0 if dry_run else settle_all(lake)
    with closing(Reenrichment(lake, span, enricher, dry_run)) as run, progress() as bar:
        for hour in bar.track(folders(lake, span), description="hours"):
            run.of_folder(hour)
    if as_json:
        print_json(to_json(lake, span, run.summary, dry_run))
    else:
        _show(run.summary, dry_run, settled)
    if run.summary.without_catalogue or run.summary.unreadable:
        raise SystemExit(1)


def _span(since: datetime | None, until: datetime | None, newest: datetime) -> Span:
    until = until or hour_of(newest)
    span = Span(since or datetime.combine(until - timedelta(days=1), time(), UTC), until)
    if span.until > newest:
        raise CommandError(
            f"--to is after {newest:%Y-%m-%dT%H:%M}: what is younger than 25 hours may still land"
        )
    if span.since >= span.until:
        raise CommandError("--from is not before --to")
    return span


def folders(lake: Lake, span: Span) -> list[datetime]:
    """The hours whose folders may hold lines received in the span: those beside too, and those of replays."""
    found = set(hours(span.since - HOUR, span.until + HOUR))
    day = span.since.date() - timedelta(days=1)
    while day <= span.until.date():
        for hour in replayed_hours(lake, day):
            found |= {hour, hour + HOUR}
        day += timedelta(days=1)
    return sorted(found)


def to_json(lake: Lake, span: Span, summary: Summary, dry_run: bool) -> dict[str, Any]:
    changes = summary.changes
    return {
        "bucket": lake.bucket,
        "from": span.since.isoformat(),
        "to": span.until.isoformat(),
        "dryRun": dry_run,
        "lines": changes.lines,
        "changed": changes.changed,
        "fields": {
            name: {
                "gained": changes.gained[name],
                "lost": changes.lost[name],
                "altered": changes.altered[name],
            }
            for name in changes.fields()
        },
        "withoutRaw": summary.without_raw,
        "withoutCatalogue": summary.without_catalogue,
        "duplicatesLeftOut": summary.duplicates,
        "objectsReplaced": summary.objects,
        "unreadable": summary.unreadable,
    }


def _show(summary: Summary, dry_run: bool, settled: int) -> None:
    changes = summary.changes
    if settled:
        OUT.print(f"{settled} replacements of an earlier run were finished")
    if changes.changed:
        table = Table("field", "gained", "lost", "altered", box=None)
        for name in changes.fields():
            counts = (changes.gained[name], changes.lost[name], changes.altered[name])
            table.add_row(for_terminal(name), *(f"{number:,}" for number in counts))
        OUT.print(table)
    done = "would be replaced" if dry_run else "replaced"
    OUT.print(f"{changes.changed:,} of {changes.lines:,} lines changed; objects {done}: {summary.objects:,}")
    if summary.duplicates:
        OUT.print(f"{summary.duplicates:,} duplicates left out")
    for key in summary.unreadable:
        OUT.print(f"unreadable, left as it is: {for_terminal(key)}")
    if summary.without_raw:
        OUT.print(f"{summary.without_raw:,} lines stay as they are: their envelope is no longer in raw/")
    if summary.without_catalogue:
        OUT.print(
            f"{summary.without_catalogue:,} lines stay as they are: the catalogue has no answer for their "
            "item now. Run this again when it does."
        )
