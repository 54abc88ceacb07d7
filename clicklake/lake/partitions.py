"""Hourly partitions, the unit of the lake, and spans of time. All times are UTC."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

HOUR = timedelta(hours=1)

# Firehose retries a delivery to S3 for 24 hours, and buffers a record before that:
# docs.aws.amazon.com/firehose/latest/dev/basic-deliver.html
DELIVERY_WINDOW = timedelta(hours=25)

_PARTITION = re.compile(r"/dt=(\d{4}-\d{2}-\d{2})/hr=(\d{2})/")


@dataclass(frozen=True)
class Span:
    """The time from `since` up to, but not including, `until`."""

    since: datetime
    until: datetime


def hour_of(moment: datetime) -> datetime:
    """Return the start of the hour."""
    return moment.replace(minute=0, second=0, microsecond=0)


def hours_between(since: datetime, until: datetime) -> Iterator[datetime]:
    """Yield the start of each hour that overlaps [since, until)."""
    hour = hour_of(since)
    while hour < until:
        yield hour
        hour += HOUR


def partition_of(hour: datetime) -> str:
    """Return `dt=YYYY-MM-DD/hr=HH/`, as the stream's prefixes in cloudformation/lake.yaml write it."""
    return f"dt={hour:%Y-%m-%d}/hr={hour:%H}/"


def hour_of_key(key: str) -> datetime:
    """Return the hour of the partition that holds the object. Raises ValueError for any other key."""
    named = _PARTITION.search(key)
    if named is None:
        raise ValueError(f"{key} is not in an hourly partition")
    day, hour = named.groups()
    return datetime.fromisoformat(f"{day}T{hour}:00+00:00")  # ten times faster than strptime


def to_rfc3339(moment: datetime) -> str:
    """Format a time as envelopes and lines do, so that times compare as text."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
