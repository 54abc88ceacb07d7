"""`compact`: write closed hours as Parquet, in which each event is there once."""

from datetime import UTC, datetime, time
from typing import Any

import click
from rich.table import Table

from clicklake.cli.console import OUT, print_json, progress
from clicklake.cli.options import json_option, lake_options
from clicklake.cli.sanitize import for_terminal
from clicklake.cli.time_spans import UtcTimeParam
from clicklake.compact.compactor import CompactionSummary, Compactor
from clicklake.compact.plan import LakeState, Reason, first_kept_hour, read_state
from clicklake.errors import CommandError
from clicklake.lake.bucket import Lake
from clicklake.lake.partitions import Span

REASONS: dict[Reason, str] = {
    "new": "not compacted before",
    "schema": "of an earlier version",
    "source": "their lines have changed",
    "before": "lines of the 25 hours before have changed",
}


@click.command()
@click.option(
    "--from", "since", type=UtcTimeParam(), help="First day or hour, UTC.  [default: the lake's first day]"
)
@click.option(
    "--to",
    "until",
    type=UtcTimeParam(is_end=True),
    help="Last day, or the hour to stop before.  [default: now]",
)
@click.option("--dry-run", is_flag=True, help="Print which hours would be written; write nothing.")
@lake_options
@json_option
def command(lake: Lake, since: datetime | None, until: datetime | None, dry_run: bool, as_json: bool) -> None:
    """Write closed hours as Parquet, each event once.

    Each hour becomes one object in columns/, which makes reports, queries and erasures cost a fraction.
    clicks/ stays as it is. An hour is closed 20 minutes after its end. An hour that is up to date is not
    read. An interrupted run is completed by running it again.

    Exits with 1 if an object cannot be read: its hour is not written.
    """
    now = datetime.now(UTC)
    span = _span(lake, since, until, now)
    state = read_state(lake, span, first_kept_hour(lake, now))
    if dry_run:
        hours = state.to_compact(span, now)
        planned = {hour: reason for hour in hours if (reason := state.reason(hour))}
        _report_plan(lake, span, state, planned, as_json)
        return
    compactor = Compactor(lake, state)
    with progress() as bar:
        for hour in bar.track(compactor.hours(span, now), description="hours"):
            compactor.compact(hour)
    summary = compactor.summary
    if as_json:
        print_json(to_json(lake, span, summary))
    else:
        _show(summary)
    if summary.unreadable:
        raise SystemExit(1)


def _span(lake: Lake, since: datetime | None, until: datetime | None, now: datetime) -> Span:
    until = min(until or now, now)
    if since is None:
        first = min(lake.days("clicks/"), default=until.date())
        since = datetime.combine(first, time(), UTC)
    if since >= until:
        raise CommandError(
            f"--from {since:%Y-%m-%dT%H:%M} is not before --to {until:%Y-%m-%dT%H:%M} (UTC, at most now)"
        )
    return Span(since, until)


def to_json(lake: Lake, span: Span, summary: CompactionSummary) -> dict[str, Any]:
    return _head_to_json(lake, span) | {
        "dryRun": False,
        "written": [
            {"hour": hour.isoformat(), **written._asdict()} for hour, written in summary.written.items()
        ],
        "current": summary.current,
        "frozen": summary.frozen,
        "unreadable": summary.unreadable,
    }


def _head_to_json(lake: Lake, span: Span) -> dict[str, Any]:
    return {"bucket": lake.bucket, "from": span.since.isoformat(), "to": span.until.isoformat()}


def _report_plan(
    lake: Lake, span: Span, state: LakeState, planned: dict[datetime, Reason], as_json: bool
) -> None:
    if as_json:
        hours = [{"hour": hour.isoformat(), "reason": reason} for hour, reason in planned.items()]
        print_json(_head_to_json(lake, span) | {"dryRun": True, "hours": hours, "frozen": len(state.frozen)})
        return
    _show_reasons([*planned.values()])
    OUT.print(f"{len(planned):,} hours would be written; nothing was")


def _show_reasons(reasons: list[Reason]) -> None:
    table = Table("hours", "why", box=None)
    for reason, words in REASONS.items():
        if number := reasons.count(reason):
            table.add_row(f"{number:,}", words)
    if table.rows:
        OUT.print(table)


def _show(summary: CompactionSummary) -> None:
    written = summary.written.values()
    _show_reasons([hour.reason for hour in written])
    lines, events = sum(hour.lines for hour in written), sum(hour.events for hour in written)
    size = sum(hour.size for hour in written)
    OUT.print(
        f"{len(written):,} hours written: {lines:,} lines became {events:,} rows in {size / 1e6:,.1f} MB;"
        f" {summary.current:,} hours were up to date"
    )
    if summary.frozen:
        OUT.print(f"{summary.frozen:,} hours stay as they are: their lines have expired")
    for key in summary.unreadable:
        OUT.print(f"unreadable, so its hour is not written: {for_terminal(key)}", soft_wrap=True)
