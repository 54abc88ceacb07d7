"""Which hours the keeper compacts, and how: what `clicklake compact` does, a part at a time."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any

from clicklake.compact.compactor import Compactor
from clicklake.compact.plan import first_kept_hour, read_state
from clicklake.lake.bucket import Lake
from clicklake.lake.columns import CHECKED_HOURS, FOLDER
from clicklake.lake.partitions import HOUR, Span, hour_of

MAX_HOURS = 500  # at a time; they rarely fit into an invocation's fifteen minutes anyway
BACKFILL = timedelta(days=7)  # looked at together, so that the listings stay small
MAX_BACKFILLS = 8  # of these at a time: days that fail again and again must not hold up those after them


class UnreadableHourError(Exception):
    """Some of the hour's objects cannot be read, so the hour was not written. The message names them."""


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
    return {"hour": f"{hour:%Y-%m-%dT%H:%M:%SZ}", "written": written._asdict() if written else None}
