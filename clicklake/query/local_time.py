"""Times in a zone, in SQL that every engine understands: with the offsets that the zone has in the span."""

from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise

from sqlglot import exp, parse_one

from clicklake.lake.partitions import HOUR, Span, hours_between

MINUTE = timedelta(minutes=1)
EARLIER = timedelta(days=2)  # an event may have happened a day before it arrived


def in_zone(column: str, zone: tzinfo, span: Span) -> exp.Expression:
    """Return the column, an RFC 3339 text in UTC, as text of the zone: 2026-11-24T05:00:00."""
    if zone is UTC or str(zone) == "UTC":
        return exp.column(column)
    offsets = _offsets(zone, Span(span.since - EARLIER, span.until))
    branches = [
        f"when {column} < '{until:%Y-%m-%dT%H:%M:%S}' then {_shifted(column, minutes)}"
        for until, minutes in offsets[:-1]
    ]
    last = _shifted(column, offsets[-1][1])
    sql = f"case {' '.join(branches)} else {last} end" if branches else last
    shifted: exp.Expression = parse_one(sql, dialect="athena")  # type: ignore[assignment]
    return shifted


def _offsets(zone: tzinfo, span: Span) -> list[tuple[datetime, int]]:
    """Return each offset from UTC in minutes, with the time until which it holds."""
    hours = [*hours_between(span.since, span.until), span.until + HOUR]
    known = [(hour, _offset(hour, zone)) for hour in hours]
    changes = [
        (_end_of_offset(before, after, old, zone), old)
        for (before, old), (after, new) in pairwise(known)
        if old != new
    ]
    return [*changes, known[-1]]


def _offset(moment: datetime, zone: tzinfo) -> int:
    return round((moment.astimezone(zone).utcoffset() or timedelta()).total_seconds() / 60)


def _end_of_offset(before: datetime, after: datetime, minutes: int, zone: tzinfo) -> datetime:
    """Return when the offset ends. In zones with half hours that is within an hour of UTC."""
    moment = before
    while moment < after and _offset(moment, zone) == minutes:
        moment += MINUTE
    return moment


def _shifted(column: str, minutes: int) -> str:
    moment = f"try_cast(replace(substr({column}, 1, 19), 'T', ' ') as timestamp)"
    sign = "-" if minutes < 0 else "+"
    shifted = f"cast({moment} {sign} interval '{abs(minutes)}' minute as varchar)"
    return f"concat(substr({shifted}, 1, 10), 'T', substr({shifted}, 12, 8))"
