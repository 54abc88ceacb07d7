"""The contents of one hour's objects, reduced to event ids and counts."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeVar, get_args

from clicklake.lake.bucket import Lake, S3Object
from clicklake.lake.error_documents import NOT_A_DOCUMENT, parse_document
from clicklake.lake.event_ids import DiskIdSet, to_ids
from clicklake.lake.object_stream import UnreadableObjectError
from clicklake.lake.records import RECORDS, StoredEnvelope, envelopes_in
from clicklake.reconcile.delivered_lines import UTF8_BOM, delivered_ids

P = TypeVar("P")
FailureState = Literal["failed", "parked", "replayed"]

OBJECTS_AT_ONCE = 16


@dataclass
class RawIndex:
    """What the stream accepted, from raw/."""

    first: DiskIdSet = field(default_factory=DiskIdSet)  # put by the ingest app
    again: DiskIdSet = field(default_factory=DiskIdSet)  # put by a replay
    envelopes: int = 0
    legacy: int = 0
    unreadable: int = 0

    def close(self) -> None:
        self.first.close()
        self.again.close()


@dataclass
class DeliveredIndex:
    """What landed, from clicks/."""

    ids: DiskIdSet = field(default_factory=DiskIdSet)
    legacy: int = 0
    unreadable: int = 0

    def close(self) -> None:
        self.ids.close()


@dataclass
class FailedIndex:
    """What failed, from failed/, replayed/ or parked/: by error code, ids and records without any."""

    ids: defaultdict[str, DiskIdSet] = field(default_factory=lambda: defaultdict(DiskIdSet))
    without_id: Counter[str] = field(default_factory=Counter)

    def close(self) -> None:
        for ids in self.ids.values():
            ids.close()


@dataclass(frozen=True)
class HourData:
    raw: RawIndex = field(default_factory=RawIndex)
    delivered: DeliveredIndex = field(default_factory=DeliveredIndex)
    failed: dict[FailureState, FailedIndex] = field(
        default_factory=lambda: {state: FailedIndex() for state in get_args(FailureState)}
    )

    def close(self) -> None:
        self.raw.close()
        self.delivered.close()
        for index in self.failed.values():
            index.close()


class HourReader:
    """Reads several objects at once. Names the objects that cannot be read, and counts nothing of them."""

    def __init__(self, lake: Lake, threads: ThreadPoolExecutor) -> None:
        self._lake = lake
        self._threads = threads
        self.unreadable: list[str] = []

    def add_raw(self, index: RawIndex, objects: list[S3Object]) -> None:
        for part in self._read(objects, _raw_part):
            index.first.add_packed(part.first)
            index.again.add_packed(part.again)
            index.envelopes += part.envelopes
            index.legacy += part.legacy
            index.unreadable += part.unreadable

    def add_delivered(self, index: DeliveredIndex, objects: list[S3Object]) -> None:
        for part in self._read(objects, _delivered_part):
            index.ids.add_packed(part.ids)
            index.legacy += part.legacy
            index.unreadable += part.unreadable

    def add_failed(self, index: FailedIndex, objects: list[S3Object]) -> None:
        for part in self._read(objects, _failed_part):
            for code, ids in part.ids.items():
                index.ids[code].add_packed(ids)
            index.without_id.update(part.without_id)

    def _read(self, objects: list[S3Object], read_blocks: Callable[[Iterator[bytes]], P]) -> Iterator[P]:
        """Yield what each readable object holds, once it was read to its end."""

        def read_object(found: S3Object) -> P | None:
            try:
                return read_blocks(self._lake.blocks(found.key))
            except UnreadableObjectError:
                self.unreadable.append(found.key)
                return None

        # Few at once: a part is kept in memory until its turn comes.
        for batch in _batches(objects, OBJECTS_AT_ONCE):
            yield from (part for part in self._threads.map(read_object, batch) if part is not None)


class _RawPart(NamedTuple):
    first: bytes
    again: bytes
    envelopes: int
    legacy: int
    unreadable: int


class _DeliveredPart(NamedTuple):
    ids: bytes
    legacy: int
    unreadable: int


class _FailedPart(NamedTuple):
    ids: dict[str, bytes]
    without_id: Counter[str]


def _delivered_part(blocks: Iterator[bytes]) -> _DeliveredPart:
    ids, legacy, unreadable = bytearray(), 0, 0
    for number, block in enumerate(blocks):
        lines = delivered_ids(block.removeprefix(UTF8_BOM) if number == 0 else block)
        ids += b"".join(to_ids(lines.event_ids))
        legacy += lines.legacy
        unreadable += lines.malformed
    return _DeliveredPart(bytes(ids), legacy, unreadable)


def _raw_part(blocks: Iterator[bytes]) -> _RawPart:
    first, again = bytearray(), bytearray()
    count, legacy, unreadable = 0, 0, 0
    for block in blocks:
        envelopes, others = RECORDS.read_block(block)
        envelopes += [segment.envelope for segment in others if segment.envelope]
        count += len(envelopes)
        legacy += sum(segment.click is not None for segment in others)
        unreadable += sum(segment.is_unreadable for segment in others)
        first += _ids(envelope for envelope in envelopes if not envelope.replays)
        again += _ids(envelope for envelope in envelopes if envelope.replays)
    return _RawPart(bytes(first), bytes(again), count, legacy, unreadable)


def _failed_part(blocks: Iterator[bytes]) -> _FailedPart:
    ids, without_id = dict[str, bytes](), Counter[str]()
    for block in blocks:
        for line in filter(None, block.split(b"\n")):
            document = parse_document(line)
            code = document.error_code if document else NOT_A_DOCUMENT
            record = document and document.record
            found = _ids(envelopes_in(record or b""))
            ids[code] = ids.get(code, b"") + found
            without_id[code] += not found
    return _FailedPart(ids, without_id)


def _ids(envelopes: Iterable[StoredEnvelope]) -> bytes:
    return b"".join(to_ids([click.event_id for envelope in envelopes for click in envelope.clicks]))


def _batches(objects: list[S3Object], size: int) -> Iterator[list[S3Object]]:
    return (objects[start : start + size] for start in range(0, len(objects), size))
