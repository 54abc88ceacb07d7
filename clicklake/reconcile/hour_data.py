"""What an hour's objects hold, reduced to event ids and counts."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from threading import Lock
from typing import TypeVar

import msgspec
from msgspec import Struct

from clicklake.lake.bucket import BROKEN, Lake, Stored
from clicklake.lake.error_documents import read_document
from clicklake.lake.event_ids import SpilledIds, to_ids
from clicklake.lake.records import ENVELOPES, Envelope, Kind, envelopes_of, pieces

T = TypeVar("T")


class LineHead(Struct, rename="camel", gc=False):
    """Of a line under clicks/, what is needed to count it. That of a bare click has no version."""

    event_id: str
    v: int | None = None


@dataclass
class Raw:
    """Of raw/: what the stream took."""

    first: SpilledIds = field(default_factory=SpilledIds)  # put by the ingest app
    again: SpilledIds = field(default_factory=SpilledIds)  # put by a replay
    records: int = 0  # envelopes
    bare: int = 0
    unreadable: int = 0

    def close(self) -> None:
        self.first.close()
        self.again.close()


@dataclass
class Clicks:
    """Of clicks/: what landed."""

    ids: SpilledIds = field(default_factory=SpilledIds)
    bare: int = 0
    unreadable: int = 0

    def close(self) -> None:
        self.ids.close()


@dataclass
class Failed:
    """Of failed/, replayed/ or parked/: error codes to ids, and to records that name none."""

    ids: defaultdict[str, SpilledIds] = field(default_factory=lambda: defaultdict(SpilledIds))
    without_id: Counter[str] = field(default_factory=Counter)

    def close(self) -> None:
        for ids in self.ids.values():
            ids.close()


class Reader:
    """Reads several objects at once. Objects that cannot be read are named, and skipped."""

    def __init__(self, lake: Lake, threads: ThreadPoolExecutor) -> None:
        self._lake = lake
        self._threads = threads
        self.unreadable: list[str] = []

    def raw(self, objects: list[Stored]) -> Raw:
        return self._read(objects, Raw(), _add_raw)

    def clicks(self, objects: list[Stored]) -> Clicks:
        return self._read(objects, Clicks(), _add_lines)

    def failed(self, objects: list[Stored]) -> Failed:
        return self._read(objects, Failed(), _add_documents)

    def _read(self, objects: list[Stored], into: T, add: Callable[[T, bytes, Lock], None]) -> T:
        lock = Lock()
        list(self._threads.map(partial(self._read_object, into=into, add=add, lock=lock), objects))
        return into

    def _read_object(
        self, stored: Stored, into: T, add: Callable[[T, bytes, Lock], None], lock: Lock
    ) -> None:
        try:
            for block in self._lake.blocks(stored.key):
                add(into, block, lock)
        except BROKEN:
            self.unreadable.append(stored.key)


def _add_lines(clicks: Clicks, block: bytes, lock: Lock) -> None:
    heads, unreadable = _decode_lines(_LINES, block)
    ids = to_ids([head.event_id for head in heads])
    bare = sum(head.v is None for head in heads)
    with lock:
        clicks.ids.add(ids)
        clicks.bare += bare
        clicks.unreadable += len(unreadable)


def _add_raw(raw: Raw, block: bytes, lock: Lock) -> None:
    envelopes, others = _decode_lines(ENVELOPES, block)
    bare = unreadable = 0
    for piece in chain.from_iterable(map(pieces, others)):
        if piece.kind is Kind.ENVELOPE:
            envelopes.append(ENVELOPES.decode(piece.data))
        elif piece.kind is Kind.BARE_CLICK:
            bare += 1
        else:
            unreadable += 1
    first = _ids(each for each in envelopes if not each.replays)
    again = _ids(each for each in envelopes if each.replays)
    with lock:
        raw.first.add(first)
        raw.again.add(again)
        raw.records += len(envelopes)
        raw.bare += bare
        raw.unreadable += unreadable


def _add_documents(failed: Failed, block: bytes, lock: Lock) -> None:
    for line in filter(None, block.split(b"\n")):
        document = read_document(line)
        code = document.error_code if document else "no error document"
        record = document and document.record
        ids = _ids(envelopes_of(record or b""))
        with lock:
            failed.ids[code].add(ids)
            failed.without_id[code] += not ids


def _ids(envelopes: Iterator[Envelope]) -> list[bytes]:
    return to_ids([click.event_id for envelope in envelopes for click in envelope.clicks])


_LINES = msgspec.json.Decoder(LineHead)


def _decode_lines(decoder: msgspec.json.Decoder[T], block: bytes) -> tuple[list[T], list[bytes]]:
    """All that can be decoded, and the lines that cannot."""
    try:
        return decoder.decode_lines(block), []
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        decoded, others = [], []
    for line in filter(None, block.split(b"\n")):
        try:
            decoded.append(decoder.decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            others.append(line)
    return decoded, others
