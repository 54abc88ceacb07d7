"""Options that several commands share: which lake, which span of time, JSON output."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from functools import wraps
from typing import Any, TypeVar

import click

from clicklake.errors import CommandError
from clicklake.lake.bucket import find_lake
from clicklake.lake.partitions import Span

F = TypeVar("F", bound=Callable[..., Any])

FIRST_YEAR, LAST_YEAR = 2006, 3000  # S3 is of 2006


class TimeParam(click.ParamType[datetime]):
    """A date or a time in ISO 8601, UTC unless it has an offset. As an end, a date includes its last hour."""

    name = "time"

    def __init__(self, *, is_end: bool = False) -> None:
        self._is_end = is_end

    def convert(
        self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a date or time: write 2026-11-24 or 2026-11-24T05:00", param, ctx)
        if not FIRST_YEAR <= moment.year < LAST_YEAR:
            self.fail(f"{value!r} is not between the years {FIRST_YEAR} and {LAST_YEAR}", param, ctx)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        is_date = len(value) <= len("2026-11-24") and moment.time() == time()
        return moment + timedelta(days=1) if is_date and self._is_end else moment


def lake_options(command: F) -> F:
    """Add --stage and --bucket; the command receives `lake`."""

    @click.option(
        "--stage",
        default="dev",
        show_default=True,
        help="The lake of this stage's stack, clicklake-lake-<stage>.",
    )
    @click.option("--bucket", help="The lake in this bucket, without its stack.")
    @wraps(command)
    def with_lake(*args: Any, stage: str, bucket: str | None, **kwargs: Any) -> Any:
        for option, value in (("--stage", stage), ("--bucket", bucket)):
            if value is not None and not value.strip():
                raise CommandError(f"{option} is empty; name one, or leave the option out")
        return command(*args, lake=find_lake(stage, bucket), **kwargs)

    return with_lake  # type: ignore[return-value]


def span_options(command: F) -> F:
    """Add --from and --to, by default yesterday and today; the command receives `span`."""

    @click.option(
        "--from",
        "since",
        type=TimeParam(),
        help="First day or time, UTC (2026-11-24, 2026-11-24T05:00).  [default: yesterday]",
    )
    @click.option(
        "--to",
        "until",
        type=TimeParam(is_end=True),
        help="Last day, or the time to stop before.  [default: now]",
    )
    @wraps(command)
    def with_span(*args: Any, since: datetime | None, until: datetime | None, **kwargs: Any) -> Any:
        return command(*args, span=_span(since, until, datetime.now(UTC)), **kwargs)

    return with_span  # type: ignore[return-value]


def json_option(command: F) -> F:
    """Add --json; the command receives `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document, for scripts.")(
        command
    )


def _span(since: datetime | None, until: datetime | None, now: datetime) -> Span:
    yesterday = datetime.combine(now.date() - timedelta(days=1), time(), UTC)
    latest = now + timedelta(days=1)  # nothing has arrived after it: a later end would cost time for nothing
    span = Span(since or yesterday, until or now)
    if span.since < latest < span.until:
        span = Span(span.since, latest)
    if span.since >= span.until:
        raise CommandError(
            f"--from {span.since:%Y-%m-%dT%H:%M} is not before --to {span.until:%Y-%m-%dT%H:%M}"
        )
    return span
