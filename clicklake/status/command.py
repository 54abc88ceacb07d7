"""`status`: is a stage well, on one screen?"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import click
from rich.table import Table

from clicklake.cli.console import OUT, print_json
from clicklake.cli.options import json_option, unchecked_lake_options
from clicklake.cli.sanitize import for_terminal
from clicklake.lake.bucket import Lake
from clicklake.status.document import to_json
from clicklake.status.parts import (
    Alarms,
    Delivery,
    Freshness,
    KeeperRuns,
    MonthSoFar,
    RecentClicks,
    Refusal,
    Status,
    TooManyToCount,
    Versions,
    WaitingFailures,
)
from clicklake.status.read import read_status


@click.command()
@unchecked_lake_options
@json_option
def command(lake: Lake, as_json: bool) -> None:
    """Show whether a stage is well.

    One screen: what has landed and how late, what failed, the last reconciliation and compaction, alarms,
    this month's cost, and the versions that are deployed. Exits with 1 if something needs attention, and says
    what to do. A part that your credentials may not read is named with the action that was refused; it does
    not change the exit code.
    """
    status = read_status(lake, datetime.now(UTC))
    if as_json:
        print_json(to_json(status))
    else:
        _show(status)
    if status.attention:
        raise SystemExit(1)


def _show(status: Status) -> None:
    stage = f"stage {status.stage}, " if status.stage else ""
    OUT.print(f"{stage}s3://{status.bucket}, {status.checked_at:%Y-%m-%d %H:%M} UTC\n")
    table = Table.grid(padding=(0, 2))
    parts = vars(status.lake) | vars(status.aws)
    for name, label in LABELS.items():
        part = parts[name]
        if isinstance(part, Refusal):
            table.add_row(label, f"not shown: these credentials lack {part.action}")
        else:
            table.add_row(label, for_terminal(WORDS[name](part, status)))
    OUT.print(table)
    if not status.attention:
        OUT.print("\nNothing needs attention.")
    for each in status.attention:
        OUT.print(f"\n! {for_terminal(each.what)}\n  {for_terminal(each.todo)}", soft_wrap=True)


LABELS = {
    "delivery": "newest objects",
    "freshness": "Firehose",
    "recent": "last two hours",
    "failures": "failed records",
    "keeper": "keeper",
    "alarms": "alarms",
    "month": "this month",
    "versions": "versions",
}


def _delivery(part: Delivery, status: Status) -> str:
    found = {"clicks/": part.clicks, "raw/": part.raw}
    return ", ".join(
        f"{folder} {ago(newest.modified, status.checked_at) if newest else 'none yet'}"
        for folder, newest in found.items()
    )


def _freshness(part: Freshness | None, status: Status) -> str:
    if part is None:
        return _no_stage(status) or "no metric: nothing was delivered in the last 15 minutes"
    return f"the oldest record has waited for {part.seconds:,.0f} s"


def _recent(part: RecentClicks | TooManyToCount | None, status: Status) -> str:
    if isinstance(part, TooManyToCount):
        return (
            f"{part.size / 1e6:,.0f} MB are too much to count here:"
            f" clicklake reconcile --from {part.since:%Y-%m-%dT%H:%M}"
        )
    if part is None:
        return "not counted"
    return (
        f"{part.accepted:,} accepted: {part.delivered:,} delivered, {part.failed:,} failed,"
        f" {part.in_flight:,} in flight"
    )


def _failures(part: WaitingFailures, status: Status) -> str:
    if not part.objects:
        return "none"
    codes = ", ".join(f"{code} {number:,}" for code, number in part.by_error_code.items())
    least = "" if part.is_complete else "at least "
    return f"{least}{part.records:,} in failed/: {codes}"


def _keeper(part: KeeperRuns, status: Status) -> str:
    return "; ".join(_keeper_words(part, status))


def _keeper_words(part: KeeperRuns, status: Status) -> Iterator[str]:
    if last := part.reconcile:
        yield f"reconciled {last.day}, {last.missing:,} missing, {ago(last.finished_at, status.checked_at)}"
    else:
        yield "no day reconciled yet"
    if part.compacted_until:
        yield f"compacted until {part.compacted_until:%Y-%m-%d %H}:00"
    else:
        yield "nothing compacted yet"


def _alarms(part: Alarms | None, status: Status) -> str:
    if part is None or not part.number:
        return _no_stage(status) or "none are deployed"
    if not part.raised:
        return f"none of {part.number} is raised"
    return f"{len(part.raised)} of {part.number} raised: {', '.join(alarm.name for alarm in part.raised)}"


def _month(part: MonthSoFar | None, status: Status) -> str:
    if part is None:
        return _no_stage(status) or "not counted yet"
    return (
        f"{part.clicks:,} clicks in {part.requests:,} requests, about {part.usd:,.2f} USD (by {part.source})"
    )


def _versions(part: Versions | None, status: Status) -> str:
    if part is None:
        return _no_stage(status)
    deployed = (
        f"{name} {version.version or 'unknown' if version else 'not deployed'}"
        for name, version in part.deployed.items()
    )
    return f"{', '.join(deployed)}; this checkout {part.checkout}"


def _no_stage(status: Status) -> str:
    return "" if status.stage else "only known with --stage"


WORDS: dict[str, Callable[[Any, Status], str]] = {
    "delivery": _delivery,
    "freshness": _freshness,
    "recent": _recent,
    "failures": _failures,
    "keeper": _keeper,
    "alarms": _alarms,
    "month": _month,
    "versions": _versions,
}


def ago(moment: datetime, now: datetime) -> str:
    """Return how long ago it was, in its two largest units."""
    passed = max(now - moment, timedelta())
    days, seconds = passed.days, passed.seconds
    if days:
        return f"{days} d {seconds // 3600} h ago"
    if seconds >= 3600:
        return f"{seconds // 3600} h {seconds % 3600 // 60} min ago"
    return f"{seconds // 60} min ago" if seconds >= 60 else f"{seconds} s ago"
