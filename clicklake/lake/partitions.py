"""Hours, the unit of the lake's folders, and the ranges of time that commands are given. All in UTC."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

import click

HOUR = timedelta(hours=1)

# Firehose retries a delivery to S3 for 24 hours, and buffers a record before that:
# docs.aws.amazon.com/firehose/latest/dev/basic-deliver.html
DELIVERY_WINDOW = timedelta(hours=25)

_FOLDER = re.compile(r"/dt=(\d{4}-\d{2}-\d{2})/hr=(\d{2})/")


@dataclass(frozen=True)
class Span:
    """From `since` up to, not including, `until`; UTC."""

    since: datetime
    until: datetime


def hour_of(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def hours(since: datetime, until: datetime) -> Iterator[datetime]:
    """The beginning of each hour that has a part in [since, until)."""
    hour = hour_of(since)
    while hour < until:
        yield hour
        hour += HOUR


def folder_of(hour: datetime) -> str:
    """The two partitions that the delivery stream's prefixes in cloudformation/lake.yaml write."""
    return f"dt={hour:%Y-%m-%d}/hr={hour:%H}/"


def hour_of_folder(key: str) -> datetime:
    """Of an object under such a folder. Raises ValueError for any other."""
    named = _FOLDER.search(key)
    if named is None:
        raise ValueError(f"{key} lies in no hour's folder")
    return datetime.strptime("".join(named.groups()), "%Y-%m-%d%H").replace(tzinfo=UTC)


def to_rfc3339(moment: datetime) -> str:
    """As envelopes and lines write times, so that they compare as text."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Moment(click.ParamType[datetime]):
    """A date, a time or a time with offset, in ISO 8601. As an end, a date means through its last hour."""

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
            self.fail(f"{value!r} is no date and no time: write 2026-11-24 or 2026-11-24T05:00", param, ctx)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        is_date = len(value) <= len("2026-11-24") and moment.time() == time()
        return moment + timedelta(days=1) if is_date and self._is_end else moment
