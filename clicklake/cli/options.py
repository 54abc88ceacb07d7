"""The options that several commands share, and what they come to: a lake, a range of time."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from functools import wraps
from typing import Any, TypeVar

import click

from clicklake.errors import CommandError
from clicklake.lake.bucket import find_lake
from clicklake.lake.partitions import Moment, Span

F = TypeVar("F", bound=Callable[..., Any])


def lake_options(command: F) -> F:
    """--stage and --bucket; the command is handed `lake`."""

    @click.option(
        "--stage",
        default="dev",
        show_default=True,
        help="The lake of this stage's stack, clicklake-lake-<stage>.",
    )
    @click.option("--bucket", help="The lake in this bucket, whatever the stack.")
    @wraps(command)
    def with_lake(*args: Any, stage: str, bucket: str | None, **kwargs: Any) -> Any:
        return command(*args, lake=find_lake(stage, bucket), **kwargs)

    return with_lake  # type: ignore[return-value]


def span_options(command: F) -> F:
    """--from and --to, yesterday and today by default; the command is handed `span`."""

    @click.option(
        "--from",
        "since",
        type=Moment(),
        help="First day or moment, UTC (2026-11-24, 2026-11-24T05:00).  [default: yesterday]",
    )
    @click.option(
        "--to",
        "until",
        type=Moment(is_end=True),
        help="Last day, or the moment to stop before.  [default: now]",
    )
    @wraps(command)
    def with_span(*args: Any, since: datetime | None, until: datetime | None, **kwargs: Any) -> Any:
        return command(*args, span=_span(since, until, datetime.now(UTC)), **kwargs)

    return with_span  # type: ignore[return-value]


def json_option(command: F) -> F:
    """--json; the command is handed `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout, for scripts.")(
        command
    )


def _span(since: datetime | None, until: datetime | None, now: datetime) -> Span:
    yesterday = datetime.combine(now.date() - timedelta(days=1), time(), UTC)
    span = Span(since or yesterday, until or now)
    if span.since >= span.until:
        raise CommandError(
            f"--from {span.since:%Y-%m-%dT%H:%M} is not before --to {span.until:%Y-%m-%dT%H:%M}"
        )
    return span
