"""Move failed records back onto the stream, one object at a time.

An object's records are put; then its documents are kept under replayed/ or parked/; then they leave failed/.
So a run that stops anywhere leaves each document somewhere, and the next run puts at most one object's
records twice.
"""

import re
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from clicklake.lake.appendable_object import AppendableObject
from clicklake.lake.bucket import Lake
from clicklake.lake.error_documents import (
    NOT_A_DOCUMENT,
    PARKED,
    REPLAYED,
    ErrorDocument,
    note_replay,
    parse_document,
)
from clicklake.replay.batch_writer import FirehoseBatchWriter
from clicklake.replay.triage import ReplayDecision

_TYPE_AND_DAY = re.compile(r"failed/([^/]+)/dt=(\d{4}-\d{2}-\d{2})/")


@dataclass(frozen=True)
class ReplayFilter:
    """Which documents a run replays; None means all."""

    error_type: str | None
    since: datetime | None
    until: datetime | None

    def may_match_key(self, key: str) -> bool:
        """Return whether the object may hold a matching document.

        An object's partition is the day of its oldest record, so its other records may be of the next day.
        """
        named = _TYPE_AND_DAY.search(key)
        if named is None:
            return True
        try:
            day = datetime.fromisoformat(named[2]).replace(tzinfo=UTC)
        except ValueError:
            return True
        too_old = self.since is not None and day + timedelta(days=2) <= self.since
        too_young = self.until is not None and day >= self.until
        return not (too_old or too_young)

    def matches(self, key: str, document: ErrorDocument | None) -> bool:
        named = _TYPE_AND_DAY.search(key)
        types = {named and named[1], document and document.error_code}
        if self.error_type is not None and self.error_type not in types:
            return False
        arrived = document.arrived if document else None
        if arrived is None:
            return True
        return (self.since is None or arrived >= self.since) and (self.until is None or arrived < self.until)


@dataclass
class ReplayCounts:
    """Documents that were replayed or parked, and the records that went onto the stream."""

    replayed: int = 0
    records: int = 0
    parked: int = 0


class Replayer:
    """Replays the objects under `source`. Without a writer it only counts."""

    def __init__(
        self,
        lake: Lake,
        source: str,
        triage: Callable[[bytes | None], ReplayDecision],
        wanted: ReplayFilter,
        writer: FirehoseBatchWriter | None,
    ) -> None:
        self.source = source
        self.counts: defaultdict[str, ReplayCounts] = defaultdict(ReplayCounts)
        self.unreadable: list[str] = []
        self._lake, self._triage, self._wanted, self._writer = lake, triage, wanted, writer

    def replay_object(self, key: str) -> None:
        if not self._lake.is_readable(key):  # its readable part would be put again by each run
            self.unreadable.append(key)
            return
        name = key.removeprefix(self.source)
        with ExitStack() as stack:
            replayed = stack.enter_context(closing(AppendableObject.open(self._lake, REPLAYED + name)))
            parked = stack.enter_context(closing(AppendableObject.open(self._lake, PARKED + name)))
            rest = stack.enter_context(closing(AppendableObject(self._lake, key)))
            moved = 0
            for line in self._lake.lines(key):
                document = parse_document(line)
                if self._wanted.matches(key, document) and self._settle(line, document, replayed, parked):
                    moved += 1
                else:
                    rest.append(line)
            if moved and self._writer:
                self._writer.flush()
                self._commit(replayed, parked, rest)

    def _commit(self, replayed: AppendableObject, parked: AppendableObject, rest: AppendableObject) -> None:
        if replayed.appended:
            note_replay(replayed.metadata, datetime.now(UTC))
            replayed.commit()
        if parked.appended:
            parked.commit()
        rest.commit()

    def _settle(
        self,
        line: bytes,
        document: ErrorDocument | None,
        replayed: AppendableObject,
        parked: AppendableObject,
    ) -> bool:
        """Put the document's records, and keep the document where it belongs now. False if it stays."""
        decision = self._triage(document.record if document else None)
        counts = self.counts[document.error_code if document else NOT_A_DOCUMENT]
        if decision.records and replayed.append(line):
            counts.replayed += 1
            counts.records += len(decision.records)
            self._put(decision.records)
        if decision.parks and parked.append(line):
            counts.parked += 1
        return bool(decision.records) or decision.parks

    def _put(self, records: list[bytes]) -> None:
        if self._writer:
            for record in records:
                self._writer.add(record)
