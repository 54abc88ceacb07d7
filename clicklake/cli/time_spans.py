"""Spans of time in a zone: what --from, --to, --timezone and --compare mean."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from clicklake.lake.partitions import Span

FIRST_YEAR, LAST_YEAR = 2006, 3000  # S3 is of 2006
WEEK = timedelta(days=7)
Comparison = Literal["previous", "week", "year", "none"]
COMPARISONS: tuple[Comparison, ...] = get_args(Comparison)


@dataclass(frozen=True)
class LocalTime:
    """A date or a time as it was typed: without an offset it is a time of the zone that --timezone names."""

    moment: datetime
    is_date: bool

    def at(self, zone: tzinfo, *, is_end: bool) -> datetime:
        """Return the time in UTC. A date as an end includes its last hour."""
        moment = self.moment + timedelta(days=1) if self.is_date and is_end else self.moment
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def parse_time(text: str) -> LocalTime:
    """Return a date or a time in ISO 8601. Raises ValueError with the rule."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a date or time: write 2026-11-24 or 2026-11-24T05:00") from None
    if not FIRST_YEAR <= moment.year < LAST_YEAR:
        raise ValueError(f"{text!r} is not between the years {FIRST_YEAR} and {LAST_YEAR}")
    return LocalTime(moment, len(text) <= len("2026-11-24") and moment.time() == time())


class TimeParam(click.ParamType[LocalTime]):
    """A date or a time in ISO 8601."""

    name = "time"

    def convert(
        self, value: str | LocalTime, param: click.Parameter | None, ctx: click.Context | None
    ) -> LocalTime:
        if isinstance(value, LocalTime):
            return value
        try:
            return parse_time(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class UtcTimeParam(click.ParamType[datetime]):
    """The same for commands without --timezone; as an end, a date includes its last hour."""

    name = "time"

    def __init__(self, *, is_end: bool = False) -> None:
        self._is_end = is_end

    def convert(
        self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        if isinstance(value, datetime):
            return value
        return TimeParam().convert(value, param, ctx).at(UTC, is_end=self._is_end)


class ZoneParam(click.ParamType[tzinfo]):
    """A time zone by its IANA name."""

    name = "zone"

    def convert(
        self, value: str | tzinfo, param: click.Parameter | None, ctx: click.Context | None
    ) -> tzinfo:
        if isinstance(value, tzinfo):
            return value
        try:
            return ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            self.fail(f"{value!r} is not a time zone: write UTC, Europe/Berlin or Asia/Kolkata", param, ctx)


def start_of_day(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def compared_span(span: Span, zone: tzinfo, comparison: Comparison) -> Span | None:
    """Return the span to compare with, or None.

    previous: the span of equal length right before. week: the same weekdays, as few whole weeks earlier as
    do not overlap. year: the same weekdays 52 weeks earlier, or as many years as do not overlap. Days are
    moved by the zone's calendar, so a day of 23 or 25 hours is compared with a whole day.
    """
    since, until = (moment.astimezone(zone).replace(tzinfo=None) for moment in (span.since, span.until))
    length = until - since
    match comparison:
        case "none":
            return None
        case "previous":
            shift = length
        case "week":
            shift = WEEK * max(1, -(-length // WEEK))
        case "year":
            shift = 52 * WEEK * max(1, -(-length // (52 * WEEK)))
    moved = ((moment - shift).replace(tzinfo=zone).astimezone(UTC) for moment in (since, until))
    return Span(*moved)
