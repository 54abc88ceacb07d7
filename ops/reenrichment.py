"""A folder's lines, set against what today's code makes of their clicks, and replaced where that differs."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from ops.changes import Changes
from ops.enriching import Enricher
from ops.envelopes import Kind, pieces
from ops.hours import HOUR, Span, folder_of, to_rfc3339
from ops.lake import BROKEN, Lake
from ops.new_lines import NewLines
from ops.replacing import Replacement
from ops.table import with_item_lookup
from processor.envelope import ReceivedEnvelope

CLICKS_AT_ONCE = 2000  # the catalogue is asked once for all of their items


@dataclass
class Summary:
    changes: Changes = field(default_factory=Changes)
    without_raw: int = 0  # lines that stay: nothing is left that could be enriched
    without_catalogue: int = 0  # lines that stay: they would lose what the catalogue said once
    duplicates: int = 0  # lines that go: the same id is in the same folder
    objects: int = 0  # that were replaced
    unreadable: list[str] = field(default_factory=list)  # objects


class Reenrichment:
    """Goes from folder to folder, in order, and has the new lines of three hours of raw/ at hand."""

    def __init__(self, lake: Lake, span: Span, enricher: Enricher, dry_run: bool) -> None:
        self.summary = Summary()
        self._lake = lake
        self._since, self._until = to_rfc3339(span.since), to_rfc3339(span.until)
        self._enricher = enricher
        self._dry_run = dry_run
        self._new = NewLines()
        self._loaded: set[datetime] = set()

    def close(self) -> None:
        self._new.close()

    def of_folder(self, hour: datetime) -> None:
        objects = self._lake.objects_of_hour("clicks", hour)
        if not objects:
            return
        for each in (hour - HOUR, hour, hour + HOUR):
            self._load(each)
        self._new.forget_before(hour - HOUR)
        folder = f"clicks/{folder_of(hour)}"
        replacement = Replacement(self._lake, folder)
        try:
            for stored in objects:
                changed = self._changed_lines(stored.key, folder, replacement)
                if changed and not self._dry_run:
                    replacement.replace(stored.key)
                else:
                    replacement.leave()
                self.summary.objects += bool(changed)
            replacement.finish()
        finally:
            replacement.close()

    def _changed_lines(self, key: str, folder: str, replacement: Replacement) -> int:
        """How many of the object's lines are others now; none of one that cannot be read: it stays."""
        if not self._lake.is_whole(key):
            self.summary.unreadable.append(key)
            return 0
        return sum(self._of_line(line, folder, replacement) for line in self._lake.lines(key))

    def _of_line(self, line: bytes, folder: str, replacement: Replacement) -> bool:
        """Write what stands for the line from now on, if anything; whether that is something else."""
        old = _read(line)
        if old is None or not self._is_in_span(old.get("receivedAt")):
            replacement.add(line)
            return False
        self.summary.changes.lines += 1
        new = self._new_line(line, old, folder)
        if new is None and self._new.knows(old["eventId"]):
            self.summary.duplicates += 1  # the folder had the id already: one line is enough
            return True
        if new is None:
            self.summary.without_raw += 1
            replacement.add(line)
            return False
        return self._compare(line, old, new, replacement)

    def _compare(self, line: bytes, old: dict[str, Any], new: bytes, replacement: Replacement) -> bool:
        enriched, old = msgspec.json.decode(new), with_item_lookup(old)
        if enriched["itemLookup"] == "unavailable" != old.get("itemLookup"):
            self.summary.without_catalogue += 1
            replacement.add(line)
            return False
        replacement.add(new)
        return self.summary.changes.compare(old, enriched)

    def _new_line(self, line: bytes, old: dict[str, Any], folder: str) -> bytes | None:
        if "v" in old or self._new.knows(old["eventId"]):
            return self._new.take(old["eventId"], folder)
        envelope = self._enricher.read_bare_line(line)
        return next(self._enricher.enrich([envelope])).line if envelope else None

    def _load(self, hour: datetime) -> None:
        if hour in self._loaded:
            return
        self._loaded.add(hour)
        for stored in self._lake.objects_of_hour("raw", hour):
            try:
                for envelopes in _batches(self._envelopes(stored.key)):
                    self._new.add(hour, self._enricher.enrich(envelopes))
            except BROKEN:
                self.summary.unreadable.append(stored.key)

    def _envelopes(self, key: str) -> Iterator[ReceivedEnvelope]:
        for line in self._lake.lines(key):
            for piece in pieces(line):
                envelope = self._enricher.read(piece.data) if piece.kind is Kind.ENVELOPE else None
                if envelope and self._is_in_span(envelope.received_at):
                    yield envelope

    def _is_in_span(self, received_at: Any) -> bool:
        return isinstance(received_at, str) and self._since <= received_at < self._until


def _batches(envelopes: Iterable[ReceivedEnvelope]) -> Iterator[list[ReceivedEnvelope]]:
    batch: list[ReceivedEnvelope] = []
    clicks = 0
    for envelope in envelopes:
        batch.append(envelope)
        clicks += len(envelope.clicks)
        if clicks >= CLICKS_AT_ONCE:
            yield batch
            batch, clicks = [], 0
    if batch:
        yield batch


def _read(line: bytes) -> dict[str, Any] | None:
    """None for what is no line of a click."""
    try:
        value = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return value if isinstance(value, dict) and isinstance(value.get("eventId"), str) else None
