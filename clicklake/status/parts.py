"""The parts of a stage's status as data, and what of them needs attention.

Nothing here asks anybody. Times are UTC. A part is None where there is nothing to ask: of a lake that is only
known by its bucket, the metrics, alarms and functions are not known.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple

LATE = timedelta(hours=1)
"""As the alarm DeliveryIsLate. Both buffers together wait for half an hour at most."""
RESULT_IS_LATE = timedelta(hours=49)
"""Since the last reconciliation finished: the daily run may be late by an hour, once."""
RUNBOOK = "docs/operations.md"


class Attention(NamedTuple):
    """Something that a person should look at, and what to do."""

    part: str
    what: str
    todo: str


@dataclass(frozen=True)
class Refusal:
    """A part that these credentials may not read."""

    action: str
    """As IAM names it, such as cloudwatch:DescribeAlarms."""


class NewestObject(NamedTuple):
    key: str
    modified: datetime


@dataclass(frozen=True)
class Delivery:
    """The newest objects that the stream wrote; None for a folder without any."""

    clicks: NewestObject | None
    raw: NewestObject | None
    waiting_since: datetime | None
    """When the first raw copy was written whose clicks are newer than every line; None if there is none."""


@dataclass(frozen=True)
class Freshness:
    """Firehose's own measure: how long the oldest record that is not in S3 has waited."""

    seconds: float
    at: datetime


@dataclass(frozen=True)
class RecentClicks:
    """What became of the clicks of the last two hours. `accepted` is the sum of the others."""

    since: datetime
    accepted: int
    delivered: int
    failed: int
    in_flight: int
    missing: int


@dataclass(frozen=True)
class TooManyToCount:
    """The last two hours hold more bytes than a status may read."""

    since: datetime
    size: int


@dataclass(frozen=True)
class WaitingFailures:
    """Records in failed/: neither replayed nor parked."""

    objects: int
    records: int
    by_error_code: Mapping[str, int]
    is_complete: bool
    """False if there are more objects than a status may read: then the records are at least these."""


class ReconciledDay(NamedTuple):
    """The keeper's result of a day."""

    key: str
    day: date
    finished_at: datetime
    missing: int
    in_flight: int = 0
    """Clicks that may still land, of a day that is not final."""


@dataclass(frozen=True)
class KeeperRuns:
    reconcile: ReconciledDay | None
    """Of the newest final day: nothing of it can land any more."""
    so_far: ReconciledDay | None
    """Of a newer day that is not final yet."""
    compact: NewestObject | None
    """The object of the newest hour in columns/."""
    compacted_until: datetime | None
    """The end of that hour."""
    not_compacted: tuple[datetime, ...]
    """Hours since yesterday that closed at least three hours ago, and have lines but no columns."""
    has_traffic_since: date | None
    """The first day in raw/."""
    is_expected: bool
    """Whether the stage has a keeper."""


class RaisedAlarm(NamedTuple):
    name: str
    since: datetime
    todo: str
    """The alarm's own description."""


@dataclass(frozen=True)
class Alarms:
    number: int
    raised: tuple[RaisedAlarm, ...]


@dataclass(frozen=True)
class MonthSoFar:
    """This month's counts, and what they cost by list prices."""

    since: datetime
    clicks: int
    requests: int
    usd: float
    source: str
    """`CloudWatch`, or `keeper` where there are no metrics."""


class DeployedVersion(NamedTuple):
    """A function that is deployed."""

    version: str | None
    """None if it does not say."""
    deployed_at: datetime | None


@dataclass(frozen=True)
class Versions:
    checkout: str
    deployed: Mapping[str, DeployedVersion | None]
    """By part of the stage; None for a part that is not deployed."""


@dataclass(frozen=True)
class LakeStatus:
    """What the bucket alone says."""

    delivery: Delivery | Refusal
    recent: RecentClicks | TooManyToCount | Refusal | None
    failures: WaitingFailures | Refusal
    keeper: KeeperRuns | Refusal


@dataclass(frozen=True)
class StageStatus:
    """What AWS says of the stage besides."""

    freshness: Freshness | Refusal | None
    alarms: Alarms | Refusal | None
    month: MonthSoFar | Refusal | None
    versions: Versions | Refusal | None


@dataclass(frozen=True)
class Status:
    bucket: str
    stage: str | None
    checked_at: datetime
    lake: LakeStatus
    aws: StageStatus = field(default_factory=lambda: StageStatus(None, None, None, None))

    @property
    def refusals(self) -> dict[str, str]:
        """Return the refused action of each part that could not be read."""
        parts = vars(self.lake) | vars(self.aws)
        return {name: part.action for name, part in parts.items() if isinstance(part, Refusal)}

    @property
    def attention(self) -> list[Attention]:
        return [*_attention(self)]


def _attention(status: Status) -> Iterator[Attention]:
    where = f"--stage {status.stage}" if status.stage else f"--bucket {status.bucket}"
    lake, aws = status.lake, status.aws
    yield from _late_delivery(status)
    if isinstance(lake.failures, WaitingFailures) and lake.failures.objects:
        yield Attention(
            "failures",
            f"{_records(lake.failures)} in failed/",
            f"look up the reason in {RUNBOOK} (What failed), fix the cause, then: clicklake replay {where}",
        )
    if isinstance(lake.keeper, KeeperRuns):
        yield from _keeper(lake.keeper, status.checked_at, where)
    if isinstance(aws.alarms, Alarms):
        for alarm in aws.alarms.raised:
            yield Attention("alarms", f"{alarm.name} since {alarm.since:%Y-%m-%d %H:%M} UTC", alarm.todo)
    if isinstance(aws.versions, Versions):
        yield from _other_versions(aws.versions, where)


def _records(failures: WaitingFailures) -> str:
    if not failures.is_complete:
        return f"at least {failures.records:,} records wait"
    return "one record waits" if failures.records == 1 else f"{failures.records:,} records wait"


def _late_delivery(status: Status) -> Iterator[Attention]:
    delivery, freshness = status.lake.delivery, status.aws.freshness
    log = f"/aws/kinesisfirehose/clicklake-{status.stage}" if status.stage else "the stream's log group"
    todo = f"read {log}; {RUNBOOK} (DeliveryIsLate) names the usual causes"
    since = delivery.waiting_since if isinstance(delivery, Delivery) else None
    if isinstance(freshness, Freshness) and freshness.seconds > LATE.total_seconds():
        waited = f"{freshness.seconds / 60:,.0f} minutes"
        yield Attention("freshness", f"delivery is late: the oldest click has waited for {waited}", todo)
    elif since and status.checked_at - since > LATE:
        what = f"no line has landed of the clicks that were accepted since {since:%Y-%m-%d %H:%M} UTC"
        yield Attention("delivery", what, todo)


def _keeper(runs: KeeperRuns, now: datetime, where: str) -> Iterator[Attention]:
    last = runs.reconcile
    for result in (last, runs.so_far):
        if result and result.missing:
            day = f"--from {result.day} --to {result.day}"
            yield Attention(
                "keeper",
                f"{result.missing:,} clicks of {result.day} are missing; {result.key} names them",
                f"clicklake reconcile {where} {day} --recover, then: clicklake replay {where}",
            )
    began = runs.has_traffic_since
    is_old_enough = began is not None and now.date() - began > timedelta(days=3)
    if (runs.is_expected or last) and is_old_enough:
        if last is None:
            what = f"no {'final ' if runs.so_far else ''}day has been reconciled"
            yield Attention("keeper", what, f"clicklake reconcile {where}")
        elif now - last.finished_at > RESULT_IS_LATE:
            yield Attention(
                "keeper",
                f"the last reconciliation finished at {last.finished_at:%Y-%m-%d %H:%M} UTC",
                f"clicklake reconcile {where}; {RUNBOOK} (KeeperFails) says where the keeper's log is",
            )
    if runs.not_compacted:
        number, first = len(runs.not_compacted), min(runs.not_compacted)
        hours = "one hour is" if number == 1 else f"{number:,} hours are"
        yield Attention(
            "keeper",
            f"{hours} not compacted, from {first:%Y-%m-%d %H}:00 UTC",
            f"clicklake compact {where}",
        )


def _other_versions(versions: Versions, where: str) -> Iterator[Attention]:
    for name, deployed in versions.deployed.items():
        if deployed and deployed.version != versions.checkout:
            shown = deployed.version or "of an unknown version"
            yield Attention(
                "versions",
                f"{name} is {shown}, this checkout is {versions.checkout}",
                f"clicklake deploy {where}, or update the checkout",
            )
