"""Everything that was accepted, set against everything that landed or failed: an hour at a time.

An id of raw/ is delivered if clicks/ has it in the folder of the same hour or of one beside it: a folder is
named by its objects' oldest record, and raw/, clicks/ and failed/ are buffered apart, for 15 minutes at most.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, NamedTuple
from uuid import UUID

from clicklake.lake.bucket import Lake, Stored
from clicklake.lake.error_documents import FAILED, PARKED, REPLAYED, hour_of_object, objects_of_day
from clicklake.lake.event_ids import SLICES, to_id
from clicklake.lake.partitions import HOUR, Span, hours, to_rfc3339
from clicklake.lake.records import raw_envelopes
from clicklake.reconcile.hour_data import Clicks, Failed, Raw, Reader

READING_THREADS = 4

State = Literal["failed", "parked", "replayed"]
ROOTS: dict[State, str] = {
    "failed": FAILED,
    "parked": PARKED,
    "replayed": REPLAYED,
}  # in the order of judging


class Missing(NamedTuple):
    event_id: str
    received_at: str | None
    key: str  # of the object in raw/ that holds it


@dataclass
class Outcomes:
    """What became of a number of ids. Each has one outcome, so that they add up."""

    ids: int = 0
    delivered: int = 0
    undelivered: dict[State, Counter[str]] = field(
        default_factory=lambda: {each: Counter() for each in ROOTS}
    )
    waiting: int = 0
    missing: int = 0


@dataclass
class Balance:
    accepted: Outcomes = field(default_factory=Outcomes)
    put_back: Outcomes = field(default_factory=Outcomes)  # by a replay; its clicks were accepted before
    missing: list[Missing] = field(default_factory=list)
    records: int = 0  # envelopes in raw/
    sent_again: int = 0  # by clients that had no answer: the same ids in a second record
    duplicates: int = 0  # lines beyond an id's first
    without_id: Counter[str] = field(default_factory=Counter)
    unreadable: list[str] = field(default_factory=list)  # objects


@dataclass(frozen=True)
class Contents:
    """Of one hour."""

    raw: Raw
    clicks: Clicks
    undelivered: dict[State, Failed]

    def close(self) -> None:
        self.raw.close()
        self.clicks.close()
        for failed in self.undelivered.values():
            failed.close()


def balance(lake: Lake, span: Span, waiting_since: datetime, hour_done: Callable[[], None]) -> Balance:
    """What came after `waiting_since` and is not there yet is waiting, what came before is missing."""
    with ThreadPoolExecutor(READING_THREADS) as threads:
        sweep = _Sweep(lake, Reader(lake, threads), waiting_since)
        with closing(sweep):
            for hour in hours(span.since, span.until):
                sweep.judge(hour)
                hour_done()
    return sweep.balance


class _Sweep:
    """Goes from hour to hour, and holds three of them."""

    def __init__(self, lake: Lake, reader: Reader, waiting_since: datetime) -> None:
        self.balance = Balance(unreadable=reader.unreadable)
        self._lake = lake
        self._reader = reader
        self._waiting_since = waiting_since
        self._contents: dict[datetime, Contents] = {}
        self._undelivered: dict[date, dict[State, dict[datetime, list[Stored]]]] = {}

    def judge(self, hour: datetime) -> None:
        before, at, after = (self._of(each) for each in (hour - HOUR, hour, hour + HOUR))
        left: dict[bytes, Outcomes] = {}
        for number in range(SLICES):
            left |= self._judge_slice(number, before, at, after)
        self._count(at)
        if left:
            self._name(hour, left)
        self._contents.pop(hour - HOUR).close()

    def close(self) -> None:
        for contents in self._contents.values():
            contents.close()

    def _judge_slice(
        self, number: int, before: Contents, at: Contents, after: Contents
    ) -> dict[bytes, Outcomes]:
        """Ids that neither landed nor failed."""
        put = at.raw.first.slice(number)
        first = set(put).difference(before.raw.first.slice(number))
        again = set(at.raw.again.slice(number)) - first
        here, landed_before = at.clicks.ids.slice(number), before.clicks.ids.slice(number)
        self.balance.sent_again += len(put) - len(first)
        self.balance.duplicates += len(here) - len(set(here).difference(landed_before))
        landed = (here, landed_before, after.clicks.ids.slice(number))
        left: dict[bytes, Outcomes] = {}
        for ids, outcomes in ((first, self.balance.accepted), (again, self.balance.put_back)):
            undelivered = ids.difference(*landed)
            outcomes.ids += len(ids)
            outcomes.delivered += len(ids) - len(undelivered)
            left |= dict.fromkeys(_take_failed(undelivered, number, (at, before, after), outcomes), outcomes)
        return left

    def _count(self, at: Contents) -> None:
        self.balance.records += at.raw.records
        counts = self.balance.without_id
        counts["raw"] += at.raw.bare
        counts["raw, no JSON"] += at.raw.unreadable
        counts["clicks"] += at.clicks.bare
        counts["clicks, no JSON"] += at.clicks.unreadable
        for state, failed in at.undelivered.items():
            counts[state] += failed.without_id.total()

    def _name(self, hour: datetime, left: dict[bytes, Outcomes]) -> None:
        """Tell what is missing from what may still land; read the hour again for what it was."""
        if hour > self._waiting_since:
            for outcomes in left.values():
                outcomes.waiting += 1
            return
        for event_id, missing in self._find(hour, set(left)):
            outcomes = left[event_id]
            is_first = outcomes is self.balance.accepted
            arrived = missing.received_at if is_first else to_rfc3339(hour + HOUR)
            if arrived and arrived > to_rfc3339(self._waiting_since):
                outcomes.waiting += 1
            else:
                outcomes.missing += 1
                self.balance.missing.append(missing)

    def _find(self, hour: datetime, wanted: set[bytes]) -> Iterator[tuple[bytes, Missing]]:
        for stored in self._lake.objects_of_hour("raw", hour):
            for envelope in raw_envelopes(self._lake, stored.key):
                for click in envelope.clicks:
                    event_id = to_id(click.event_id)
                    if event_id in wanted:
                        wanted.discard(event_id)
                        yield event_id, Missing(click.event_id, envelope.received_at, stored.key)
        for event_id in wanted:  # its object went meanwhile
            yield event_id, Missing(str(UUID(bytes=event_id)), None, "")

    def _of(self, hour: datetime) -> Contents:
        if hour not in self._contents:
            undelivered = self._undelivered_of_day(hour.date())
            self._contents[hour] = Contents(
                self._reader.raw(self._lake.objects_of_hour("raw", hour)),
                self._reader.clicks(self._lake.objects_of_hour("clicks", hour)),
                {state: self._reader.failed(of_hour.get(hour, [])) for state, of_hour in undelivered.items()},
            )
        return self._contents[hour]

    def _undelivered_of_day(self, day: date) -> dict[State, dict[datetime, list[Stored]]]:
        """The day's objects by the hour of their oldest record: their folders are by the day."""
        if day not in self._undelivered:
            self._undelivered = {kept: of_day for kept, of_day in self._undelivered.items() if kept >= day}
            self._undelivered[day] = {state: self._by_hour(root, day) for state, root in ROOTS.items()}
        return self._undelivered[day]

    def _by_hour(self, root: str, day: date) -> dict[datetime, list[Stored]]:
        by_hour: dict[datetime, list[Stored]] = {}
        for stored in objects_of_day(self._lake, root, day):
            by_hour.setdefault(hour_of_object(self._lake, stored), []).append(stored)
        return by_hour


def _take_failed(
    ids: set[bytes], number: int, around: tuple[Contents, ...], outcomes: Outcomes
) -> set[bytes]:
    """Count those that failed, by state and code; answer the others."""
    for state in ROOTS:
        for contents in around:
            for code, failed in contents.undelivered[state].ids.items():
                if not ids:
                    return ids
                found = ids.intersection(failed.slice(number))
                if found:
                    outcomes.undelivered[state][code] += len(found)
                ids -= found
    return ids
