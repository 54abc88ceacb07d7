"""Which hours the keeper compacts, and how: what `clicklake compact` does, a part at a time."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

from clicklake.compact.compactor import Compactor
from clicklake.compact.plan import first_kept_hour, read_state
from clicklake.lake.bucket import Lake
from clicklake.lake.columns import CHECKED_HOURS, FOLDER
from clicklake.lake.partitions import HOUR, Span, hour_of

MAX_HOURS = 500  # at a time; they rarely fit into an invocation's fifteen minutes anyway
BACKFILL = timedelta(days=7)  # looked at together, so that the listings stay small


class UnreadableHourError(Exception):
    """Some of the hour's objects cannot be read, so the hour was not written. The message names them."""


def due_hours(lake: Lake, now: datetime) -> list[datetime]:
    """Return the hours that need an object, oldest first: of the last 26, and of days without any object.

    Older hours change only when a command changes them, which says that `clicklake compact` has to follow.
    """
    recent = Span(hour_of(now) - CHECKED_HOURS * HOUR, now)
    found = _due(lake, recent, now)
    if backfill := _never_compacted(lake, recent.since):
        found = [*(hour for hour in _due(lake, backfill, now) if hour not in found), *found]
    return sorted(found)[:MAX_HOURS]


def _due(lake: Lake, span: Span, now: datetime) -> list[datetime]:
    state = read_state(lake, span, first_kept_hour(lake, now))
    return [hour for hour in state.to_compact(span, now) if state.reason(hour)]


def _never_compacted(lake: Lake, until: datetime) -> Span | None:
    """Return the first days of clicks/ without columns, from the day before them: it may be half done."""
    last = until.date()
    missing = sorted(day for day in lake.days("clicks/") - lake.days(FOLDER) if day <= last)
    if not missing:
        return None
    since = datetime.combine(missing[0], time(), UTC) - timedelta(days=1)
    return Span(since, min(since + BACKFILL, until))


def compact_hour(lake: Lake, hour: datetime) -> dict[str, Any]:
    """Bring the hour up to date and return what was done. Raises UnreadableHourError."""
    state = read_state(lake, Span(hour, hour + HOUR), first_kept_hour(lake, datetime.now(UTC)))
    compactor = Compactor(lake, state)
    compactor.compact(hour)
    if keys := compactor.summary.unreadable:
        raise UnreadableHourError(f"cannot be read: {', '.join(keys)}")
    written = compactor.summary.written.get(hour)
    return {"hour": f"{hour:%Y-%m-%dT%H:%M:%SZ}", "written": written._asdict() if written else None}
