"""A status in words: a label and a sentence for each part."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

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
        yield "no final day reconciled yet" if part.so_far else "no day reconciled yet"
    if so_far := part.so_far:
        counts = f"{so_far.missing:,} missing, {so_far.in_flight:,} in flight"
        yield f"{so_far.day} so far: {counts}, {ago(so_far.finished_at, status.checked_at)}"
    if part.compact and part.compacted_until:
        done = ago(part.compact.modified, status.checked_at)
        yield f"compacted until {part.compacted_until:%Y-%m-%d %H}:00, {done}"
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


def words_of(status: Status) -> dict[str, str]:
    """Return the words of each part by its label. They may hold a stranger's text, such as an error code."""
    parts = vars(status.lake) | vars(status.aws)
    return {label: _words(parts[name], name, status) for name, label in LABELS.items()}


def _words(part: Any, name: str, status: Status) -> str:
    if isinstance(part, Refusal):
        return f"not shown: these credentials lack {part.action}"
    return WORDS[name](part, status)


def ago(moment: datetime, now: datetime) -> str:
    """Return how long ago it was, in its two largest units."""
    passed = max(now - moment, timedelta())
    days, seconds = passed.days, passed.seconds
    if days:
        return f"{days} d {seconds // 3600} h ago"
    if seconds >= 3600:
        return f"{seconds // 3600} h {seconds % 3600 // 60} min ago"
    return f"{seconds // 60} min ago" if seconds >= 60 else f"{seconds} s ago"
