"""Options that several commands share: which lake, which span of time, JSON output."""

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from functools import wraps
from typing import Any, TypeVar

import click

from clicklake.cli.time_spans import LocalTime, TimeParam, ZoneParam, start_of_day
from clicklake.errors import CommandError
from clicklake.lake.bucket import find_lake
from clicklake.lake.partitions import HOUR, Span, hour_of

F = TypeVar("F", bound=Callable[..., Any])


class FiniteRange(click.FloatRange):
    """A number between two bounds. Click's own range lets NaN through."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value} is not a number", param, ctx)
        return number


class StageParam(click.ParamType[str]):
    """The name of a stage, as the templates allow it."""

    name = "stage"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not re.fullmatch(r"[a-z][a-z0-9]{0,15}", value):
            self.fail(
                f"{value!r}: a stage has 1 to 16 lower-case letters and digits, and begins with a letter",
                param,
                ctx,
            )
        if value == "pipeline":
            self.fail("pipeline is reserved for the stack clicklake-pipeline", param, ctx)
        return value


def lake_options(command: F) -> F:
    """Add --stage and --bucket; the command receives `lake`, which exists and may be listed."""
    return _lake_options(command, is_checked=True)


def unchecked_lake_options(command: F) -> F:
    """The same for a command that can do a part of its work without the right to list the bucket."""
    return _lake_options(command, is_checked=False)


def _lake_options(command: F, *, is_checked: bool) -> F:
    @click.option(
        "--stage",
        type=StageParam(),
        default="dev",
        show_default=True,
        help="The lake of this stage's stack, clicklake-lake-<stage>.",
    )
    @click.option("--bucket", help="The lake in this bucket, without its stack.")
    @wraps(command)
    def with_lake(*args: Any, stage: str, bucket: str | None, **kwargs: Any) -> Any:
        if bucket is not None and not bucket.strip():
            raise CommandError("--bucket is empty; name one, or leave the option out")
        return command(*args, lake=find_lake(stage, bucket, is_checked=is_checked), **kwargs)

    return with_lake  # type: ignore[return-value]


def span_options(command: F) -> F:
    """Add --from and --to, in UTC and by default yesterday and today; the command receives `span`."""

    @click.option(
        "--from",
        "since",
        type=TimeParam(),
        help="First day or time, UTC (2026-11-24, 2026-11-24T05:00).  [default: yesterday]",
    )
    @click.option(
        "--to", "until", type=TimeParam(), help="Last day, or the time to stop before.  [default: now]"
    )
    @wraps(command)
    def with_span(*args: Any, since: LocalTime | None, until: LocalTime | None, **kwargs: Any) -> Any:
        return command(*args, span=span_of(since, until, UTC, datetime.now(UTC)), **kwargs)

    return with_span  # type: ignore[return-value]


def zoned_span_options(command: F) -> F:
    """Add --from, --to and --timezone; the command receives `since`, `until` and `zone`, for `span_of`."""

    @click.option(
        "--from",
        "since",
        type=TimeParam(),
        help="First day or time (2026-11-24, 2026-11-24T05:00).  [default: yesterday]",
    )
    @click.option(
        "--to",
        "until",
        type=TimeParam(),
        help="Last day, or the time to stop before.  [default: now or, for a report, yesterday]",
    )
    @click.option(
        "--timezone",
        "zone",
        type=ZoneParam(),
        default="UTC",
        show_default=True,
        help="The zone of --from, --to, days and hours, such as Europe/Berlin.",
    )
    @wraps(command)
    def with_span(*args: Any, **kwargs: Any) -> Any:
        return command(*args, **kwargs)

    return with_span  # type: ignore[return-value]


def json_option(command: F) -> F:
    """Add --json; the command receives `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document, for scripts.")(
        command
    )


def span_of(
    since: LocalTime | None, until: LocalTime | None, zone: tzinfo, now: datetime, *, whole_days: bool = False
) -> Span:
    """Return the span; by default from yesterday's start to now or, for whole days, to yesterday's end.

    Raises CommandError if it is empty. An end far in the future is brought back to tomorrow.
    """
    today = now.astimezone(zone).date()
    next_hour = hour_of(now) + HOUR  # partitions are whole hours, and nothing lands in the future
    default_end = start_of_day(today, zone) if whole_days and since is None else next_hour
    begin = since.at(zone, is_end=False) if since else start_of_day(today - timedelta(days=1), zone)
    end = until.at(zone, is_end=True) if until else default_end
    latest = now + timedelta(days=1)  # nothing has arrived after it: a later end would cost time for nothing
    span = Span(begin, latest if begin < latest < end else end)
    if span.since >= span.until:
        raise CommandError(
            f"--from {span.since:%Y-%m-%dT%H:%M} is not before --to {span.until:%Y-%m-%dT%H:%M} (UTC)"
        )
    return span
