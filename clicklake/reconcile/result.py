"""The result of a reconciliation: counts of clicks by what became of them, and the missing ones by name."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, get_args

from clicklake.reconcile.hour_data import FailureState


class MissingClick(NamedTuple):
    event_id: str
    received_at: str | None
    key: str  # of the raw/ object that holds it; empty if that object was deleted meanwhile


class ColumnsFault(NamedTuple):
    hour: datetime
    event_id: str
    reason: str


@dataclass
class ColumnsResult:
    """Hours of columns/ against their lines."""

    compared: int = 0
    not_compacted: list[datetime] = field(default_factory=list)  # hours without a current object: no fault
    faults: list[ColumnsFault] = field(default_factory=list)


@dataclass
class OutcomeCounts:
    """What became of a number of ids. Each id has one outcome, so the outcomes add up to `ids`."""

    ids: int = 0
    delivered: int = 0
    failed: dict[FailureState, Counter[str]] = field(
        default_factory=lambda: {state: Counter() for state in get_args(FailureState)}
    )
    in_flight: int = 0
    missing: int = 0


@dataclass
class ReconciliationResult:
    accepted: OutcomeCounts = field(default_factory=OutcomeCounts)
    replayed: OutcomeCounts = field(default_factory=OutcomeCounts)  # put back; accepted once before
    missing: list[MissingClick] = field(default_factory=list)
    records: int = 0  # envelopes in raw/
    client_retries: int = 0  # the same ids in a second record, from clients that got no answer
    duplicates: int = 0  # lines beyond an id's first
    without_id: Counter[str] = field(default_factory=Counter)
    unreadable: list[str] = field(default_factory=list)  # objects
    columns: ColumnsResult = field(default_factory=ColumnsResult)
