"""Compare a partition's lines with what today's code makes of their clicks, and replace those that differ."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from clicklake.lake.bucket import Lake
from clicklake.lake.json_lines import NotJsonError, decode_json
from clicklake.lake.object_stream import UnreadableObjectError
from clicklake.lake.old_lines import with_item_lookup
from clicklake.lake.partitions import HOUR, Span, partition_of, to_rfc3339
from clicklake.lake.records import RECORDS
from clicklake.reenrich.enricher import Enricher
from clicklake.reenrich.field_diff import FieldDiff
from clicklake.reenrich.line_store import LineStore
from clicklake.reenrich.object_swap import ObjectSwap
from processor.envelope import ReceivedEnvelope

CLICKS_AT_ONCE = 2000  # one catalogue lookup for all of their items

WITHOUT_ANSWER = ("unavailable", "not_asked")  # values of itemLookup: the catalogue has not answered yet

_VALUES = msgspec.json.Decoder()


@dataclass
class RewriteSummary:
    diff: FieldDiff = field(default_factory=FieldDiff)
    without_raw: int = 0  # lines that stay: their envelope is no longer there to be enriched
    without_catalogue: int = 0  # lines that stay: they would lose what the catalogue answered once
    duplicates: int = 0  # lines that are removed: the same id is in the same partition
    objects: int = 0  # replaced
    unreadable: list[str] = field(default_factory=list)  # objects


class Rewriter:
    """Goes from partition to partition, in order, and keeps the new lines of three hours of raw/ at hand."""

    def __init__(self, lake: Lake, span: Span, enricher: Enricher, dry_run: bool) -> None:
        self.summary = RewriteSummary()
        self._lake = lake
        self._since, self._until = to_rfc3339(span.since), to_rfc3339(span.until)
        self._enricher = enricher
        self._dry_run = dry_run
        self._new = LineStore()
        self._loaded: set[datetime] = set()

    def close(self) -> None:
        self._new.close()

    def rewrite_partition(self, hour: datetime) -> None:
        objects = self._lake.objects_of_hour("clicks", hour)
        if not objects:
            return
        for raw_hour in (hour - HOUR, hour, hour + HOUR):
            self._load(raw_hour)
        self._new.forget_before(hour - HOUR)
        partition = f"clicks/{partition_of(hour)}"
        swap = ObjectSwap(self._lake, partition)
        try:
            for found in objects:
                changed = self._rewrite_object(found.key, partition, swap)
                if changed and not self._dry_run:
                    swap.replace(found.key)
                else:
                    swap.discard()
                self.summary.objects += bool(changed)
            swap.finish()
        finally:
            swap.close()

    def _rewrite_object(self, key: str, partition: str, swap: ObjectSwap) -> int:
        """Return how many of the object's lines differ now. An object that cannot be read stays."""
        if not self._lake.is_readable(key):
            self.summary.unreadable.append(key)
            return 0
        return sum(self._rewrite_line(line, partition, swap) for line in self._lake.lines(key))

    def _rewrite_line(self, line: bytes, partition: str, swap: ObjectSwap) -> bool:
        """Add what replaces the line, if anything. Return whether that is something else."""
        old = _parse_line(line)
        if old is None or not self._is_in_span(old.get("receivedAt")):
            swap.add(line)
            return False
        self.summary.diff.lines += 1
        new = self._new_line(line, old, partition)
        if new is None and self._new.contains(old["eventId"]):
            self.summary.duplicates += 1  # this partition has a line of that id already
            return True
        if new is None:
            self.summary.without_raw += 1
            swap.add(line)
            return False
        return self._compare(line, old, new, swap)

    def _compare(self, line: bytes, old: dict[str, Any], new: bytes, swap: ObjectSwap) -> bool:
        enriched, old = msgspec.json.decode(new), with_item_lookup(old)
        if enriched["itemLookup"] == "unavailable" and old.get("itemLookup") not in WITHOUT_ANSWER:
            self.summary.without_catalogue += 1
            swap.add(line)
            return False
        swap.add(new)
        return self.summary.diff.compare(old, enriched)

    def _new_line(self, line: bytes, old: dict[str, Any], partition: str) -> bytes | None:
        if "v" in old or self._new.contains(old["eventId"]):
            return self._new.claim(old["eventId"], partition)
        envelope = self._enricher.read_legacy_line(line)
        return next(self._enricher.enrich([envelope])).line if envelope else None

    def _load(self, hour: datetime) -> None:
        if hour in self._loaded:
            return
        self._loaded.add(hour)
        for found in self._lake.objects_of_hour("raw", hour):
            try:
                for envelopes in _batches(self._envelopes(found.key)):
                    self._new.add(hour, self._enricher.enrich(envelopes))
            except UnreadableObjectError:
                self.summary.unreadable.append(found.key)

    def _envelopes(self, key: str) -> Iterator[ReceivedEnvelope]:
        for line in self._lake.lines(key):
            for segment in RECORDS.read_line(line):
                envelope = self._enricher.read(segment.data) if segment.envelope else None
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


def _parse_line(line: bytes) -> dict[str, Any] | None:
    """Return None for a line that is not a click."""
    try:
        value = decode_json(_VALUES, line)
    except NotJsonError:
        return None
    return value if isinstance(value, dict) and isinstance(value.get("eventId"), str) else None
