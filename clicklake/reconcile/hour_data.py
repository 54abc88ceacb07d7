"""The contents of one hour's objects, reduced to event ids and counts."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import Literal, TypeVar

import msgspec
from msgspec import Struct

from clicklake.lake.bucket import Lake, S3Object
from clicklake.lake.error_documents import NOT_A_DOCUMENT, parse_document
from clicklake.lake.event_ids import DiskIdSet, to_ids
from clicklake.lake.json_lines import decode_block
from clicklake.lake.object_stream import UnreadableObjectError
from clicklake.lake.records import RECORDS, StoredEnvelope, envelopes_in

T = TypeVar("T")
FailureState = Literal["failed", "parked", "replayed"]


class DeliveredLine(Struct, rename="camel", gc=False):
    """The fields of a line in clicks/ that are needed to count it. A legacy click's line has no version."""

    event_id: str
    v: int | None = None


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
    raw: RawIndex
    delivered: DeliveredIndex
    failed: dict[FailureState, FailedIndex]

    def close(self) -> None:
        self.raw.close()
        self.delivered.close()
        for index in self.failed.values():
            index.close()


class HourReader:
    """Reads several objects at once. Names the objects that cannot be read, and skips them."""

    def __init__(self, lake: Lake, threads: ThreadPoolExecutor) -> None:
        self._lake = lake
        self._threads = threads
        self.unreadable: list[str] = []

    def raw(self, objects: list[S3Object]) -> RawIndex:
        return self._read(objects, RawIndex(), _add_raw)

    def delivered(self, objects: list[S3Object]) -> DeliveredIndex:
        return self._read(objects, DeliveredIndex(), _add_lines)

    def failed(self, objects: list[S3Object]) -> FailedIndex:
        return self._read(objects, FailedIndex(), _add_documents)

    def _read(self, objects: list[S3Object], index: T, add: Callable[[T, bytes, Lock], None]) -> T:
        lock = Lock()
        list(self._threads.map(partial(self._read_object, index=index, add=add, lock=lock), objects))
        return index

    def _read_object(
        self, found: S3Object, index: T, add: Callable[[T, bytes, Lock], None], lock: Lock
    ) -> None:
        try:
            for block in self._lake.blocks(found.key):
                add(index, block, lock)
        except UnreadableObjectError:
            self.unreadable.append(found.key)


_LINES = msgspec.json.Decoder(DeliveredLine)


def _add_lines(index: DeliveredIndex, block: bytes, lock: Lock) -> None:
    lines, rejected = decode_block(_LINES, block)
    ids = to_ids([line.event_id for line in lines])
    legacy = sum(line.v is None for line in lines)
    with lock:
        index.ids.add(ids)
        index.legacy += legacy
        index.unreadable += len(rejected)


def _add_raw(index: RawIndex, block: bytes, lock: Lock) -> None:
    envelopes, others = RECORDS.read_block(block)
    envelopes += [segment.envelope for segment in others if segment.envelope]
    legacy = sum(segment.click is not None for segment in others)
    unreadable = sum(segment.is_unreadable for segment in others)
    first = _ids(envelope for envelope in envelopes if not envelope.replays)
    again = _ids(envelope for envelope in envelopes if envelope.replays)
    with lock:
        index.first.add(first)
        index.again.add(again)
        index.envelopes += len(envelopes)
        index.legacy += legacy
        index.unreadable += unreadable


def _add_documents(index: FailedIndex, block: bytes, lock: Lock) -> None:
    for line in filter(None, block.split(b"\n")):
        document = parse_document(line)
        code = document.error_code if document else NOT_A_DOCUMENT
        record = document and document.record
        ids = _ids(envelopes_in(record or b""))
        with lock:
            index.ids[code].add(ids)
            index.without_id[code] += not ids


def _ids(envelopes: Iterable[StoredEnvelope]) -> list[bytes]:
    return to_ids([click.event_id for envelope in envelopes for click in envelope.clicks])
