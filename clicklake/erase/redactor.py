"""One person's clicks, taken out of what the lake holds; every other byte stays as it is."""

import json
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pybase64
from msgspec import Raw, Struct

from clicklake.lake.error_documents import read_document
from clicklake.lake.records import Kind, Piece, pieces, with_clicks


class WhoClicked(Struct, rename="camel", gc=False):
    """Of a line, a bare click, or a click in an envelope. What is no string is nobody's id."""

    event_id: Any = None
    user_id: Any = None
    visitor_id: Any = None
    session_id: Any = None


class Sender(Struct, rename="camel", gc=False):
    """Of an envelope."""

    clicks: list[WhoClicked]
    visitor_id: Any = None


_WHO = msgspec.json.Decoder(WhoClicked)
_SENDER = msgspec.json.Decoder(Sender)
_NOT_DECODED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


@dataclass
class Erased:
    """What was found of a person."""

    event_ids: set[str] = field(default_factory=set)
    clicks: int = 0  # lines of clicks/, and clicks in records
    unreadable: int = 0  # stretches that are no JSON and hold one of the ids

    def add(self, who: WhoClicked) -> None:
        self.clicks += 1
        self.event_ids.add(str(who.event_id))


@dataclass(frozen=True)
class Person:
    """Whoever has one of these ids."""

    user_ids: frozenset[str] = frozenset()
    visitor_ids: frozenset[str] = frozenset()
    session_ids: frozenset[str] = frozenset()

    @property
    def ids(self) -> frozenset[str]:
        return self.user_ids | self.visitor_ids | self.session_ids

    def did(self, who: WhoClicked) -> bool:
        pairs = (
            (who.user_id, self.user_ids),
            (who.visitor_id, self.visitor_ids),
            (who.session_id, self.session_ids),
        )
        return any(isinstance(value, str) and value in ids for value, ids in pairs)


class Eraser:
    """Each method answers what is left of its line: the same bytes, unless the person is in it."""

    def __init__(self, person: Person) -> None:
        self.erased = Erased()
        self._person = person
        # As JSON writes them, with and without escapes: for what cannot be decoded.
        self._quoted = {json.dumps(each).encode() for each in person.ids}
        self._quoted |= {json.dumps(each, ensure_ascii=False).encode() for each in person.ids}

    def from_line(self, line: bytes) -> bytes:
        """Of clicks/."""
        try:
            who = _WHO.decode(line)
        except _NOT_DECODED:
            return self._from_unreadable(line)
        return self._without(who, line)

    def from_record(self, record: bytes) -> bytes:
        """A line of raw/, or a whole record."""
        return b"".join(self._from_record_line(line) for line in split_lines(record))

    def from_document(self, line: bytes) -> bytes:
        """Of failed/, replayed/, parked/."""
        document = read_document(line)
        record = document.record if document else None
        if record is None:
            return self._from_unreadable(line)
        left = self.from_record(record)
        if left == record:
            return line
        if not left.strip():
            return b""
        head: dict[str, Any] = msgspec.json.decode(line, type=dict[str, Raw])
        head["rawData"] = pybase64.b64encode_as_string(left)
        return msgspec.json.encode(head) + b"\n"

    def _from_record_line(self, line: bytes) -> bytes:
        content, newline, _ = line.partition(b"\n")
        left = b"".join(map(self._from_piece, pieces(content)))
        return line if left == content else left and left + newline

    def _from_piece(self, piece: Piece) -> bytes:
        if piece.kind is Kind.ENVELOPE:
            return self._from_envelope(piece.data)
        if piece.kind is Kind.BARE_CLICK:
            return self._without(_WHO.decode(piece.data), piece.data)
        return self._from_unreadable(piece.data)

    def _from_envelope(self, data: bytes) -> bytes:
        sender = _SENDER.decode(data)
        if self._person.did(WhoClicked(visitor_id=sender.visitor_id)):
            gone = sender.clicks
        else:
            gone = [who for who in sender.clicks if self._person.did(who)]
        for who in gone:
            self.erased.add(who)
        if len(gone) in (0, len(sender.clicks)):
            return b"" if gone else data
        return with_clicks(data, lambda position: not self._person.did(sender.clicks[position]))

    def _without(self, who: WhoClicked, data: bytes) -> bytes:
        if not self._person.did(who):
            return data
        self.erased.add(who)
        return b""

    def _from_unreadable(self, data: bytes) -> bytes:
        """Nobody can tell whose it is, but that it holds one of the ids."""
        if not any(quoted in data for quoted in self._quoted):
            return data
        self.erased.unreadable += 1
        return b""


def split_lines(data: bytes) -> list[bytes]:
    """Each with its newline; other ends of lines than JSON's own do not count."""
    *lines, last = data.split(b"\n")
    return [line + b"\n" for line in lines] + ([last] if last else [])
