"""The keeper's hourly job: what `clicklake compact` does, a part at a time.

    {"job": "compact"}                                    find the hours that are due, and have each compacted
    {"job": "compact", "hour": "2026-11-28T05:00:00Z"}    compact that hour

One invocation compacts one hour, so an hour that takes too long or too much memory fails alone. If several
are due, the function calls itself once for each and waits: an hour decides what counts in the hours after
it, so the oldest comes first. Running any event again is safe: an hour that is up to date is left alone.
"""

import json
import logging
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any

from clicklake.compact.compactor import Compactor
from clicklake.compact.plan import first_kept_hour, read_state
from clicklake.keeper.invocation import (
    MIN_HOUR_SECONDS,
    Event,
    Invocation,
    KeeperError,
    SelfCallError,
    format_hour,
    parse_hour,
)
from clicklake.lake.bucket import Lake
from clicklake.lake.columns import CHECKED_HOURS, FOLDER
from clicklake.lake.partitions import HOUR, Span, hour_of

MAX_HOURS = 500  # at a time; they rarely fit into an invocation's fifteen minutes anyway
BACKFILL = timedelta(days=7)  # looked at together, so that the listings stay small
MAX_BACKFILLS = 8  # of these at a time: days that fail again and again must not hold up those after them

log = logging.getLogger("clicklake.keeper")


class UnreadableHourError(Exception):
    """Some of the hour's objects cannot be read, so the hour was not written. The message names them."""


def run_compact(invocation: Invocation, event: Event) -> dict[str, Any]:
    """Return what was done. Raises KeeperError naming each hour that failed and why."""
    lake = invocation.lake
    if "hour" in event:
        return _compact_one(lake, parse_hour(event["hour"]))
    hours = due_hours(lake, invocation.now)
    log.info("hours to compact: %d", len(hours))
    return _compact_one(lake, hours[0]) if len(hours) == 1 else _compact_each(hours, invocation)


def due_hours(lake: Lake, now: datetime) -> list[datetime]:
    """Return the hours that need an object: of the last 26, then of days without any object, oldest first.

    Older hours change only when a command changes them, which says that `clicklake compact` has to follow.
    """
    recent = Span(hour_of(now) - CHECKED_HOURS * HOUR, now)
    found = _due(lake, recent, now)
    for span in islice(_never_compacted(lake, recent.since), MAX_BACKFILLS):
        if len(found) >= MAX_HOURS:
            break
        found += [hour for hour in _due(lake, span, now) if hour not in found]
    return found[:MAX_HOURS]


def _due(lake: Lake, span: Span, now: datetime) -> list[datetime]:
    state = read_state(lake, span, first_kept_hour(lake, now))
    return [hour for hour in state.to_compact(span, now) if state.reason(hour)]


def _never_compacted(lake: Lake, until: datetime) -> Iterator[Span]:
    """Yield spans of the days of clicks/ without columns, each from the day before: it may be half done."""
    missing = sorted(day for day in lake.days("clicks/") - lake.days(FOLDER) if day <= until.date())
    covered = date.min
    for day in missing:
        if day >= covered:
            since = datetime.combine(day, time(), UTC) - timedelta(days=1)
            covered = (since + BACKFILL).date()
            yield Span(since, min(since + BACKFILL, until))


def compact_hour(lake: Lake, hour: datetime) -> dict[str, Any]:
    """Bring the hour up to date and return what was done. Raises UnreadableHourError."""
    state = read_state(lake, Span(hour, hour + HOUR), first_kept_hour(lake, datetime.now(UTC)))
    compactor = Compactor(lake, state)
    compactor.compact(hour)
    if keys := compactor.summary.unreadable:
        raise UnreadableHourError(f"cannot be read: {', '.join(keys)}")
    written = compactor.summary.written.get(hour)
    return {"hour": format_hour(hour), "written": written._asdict() if written else None}


def _compact_one(lake: Lake, hour: datetime) -> dict[str, Any]:
    try:
        done = compact_hour(lake, hour)
    except UnreadableHourError as error:
        raise KeeperError(f"{hour:%Y-%m-%dT%H}: {error}") from error
    log.info("%s", json.dumps(done))
    return done


def _compact_each(hours: list[datetime], invocation: Invocation) -> dict[str, Any]:
    """Call the function once for each hour while time is left; the next event finds the others.

    Wait for no hour longer than half of what is left, so that a huge one does not hold up all others. It
    goes on meanwhile.
    """
    done, failures = 0, []
    for hour in hours:
        seconds = invocation.seconds_left()
        if seconds < MIN_HOUR_SECONDS:
            break
        wait = seconds if hour == hours[-1] else seconds / 2
        try:
            invocation.call_itself({"job": "compact", "hour": format_hour(hour)}, wait)
        except SelfCallError as error:
            log.error("%s: %s", f"{hour:%Y-%m-%dT%H}", error)
            failures.append(f"{hour:%Y-%m-%dT%H}: {error}")
        done += 1
    if failures:
        raise KeeperError("; ".join(failures))
    return {"hours": done, "left": len(hours) - done}
