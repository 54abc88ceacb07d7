"""Remove one person's clicks from what the lake stores; every other byte stays as it is."""

import json
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pybase64
from msgspec import Raw, Struct

from clicklake.lake.error_documents import parse_document
from clicklake.lake.json_lines import NotJsonError, decode_json
from clicklake.lake.records import RecordReader, Segment, keep_clicks


class Identity(Struct, rename="camel", kw_only=True, gc=False):
    """The identity fields of a click, wherever it is stored. Non-string ids never match."""

    event_id: Any = None
    user_id: Any = None
    visitor_id: Any = None
    session_id: Any = None


class EnvelopeIdentity(Identity, rename="camel", kw_only=True, gc=False):
    """The identity fields of a click in an envelope, which always has an id."""

    event_id: str


class IdentifiedEnvelope(Struct, rename="camel", gc=False):
    v: int
    clicks: list[EnvelopeIdentity]
    visitor_id: Any = None


_LINES = msgspec.json.Decoder(Identity)
_RECORDS = RecordReader(IdentifiedEnvelope, Identity)


@dataclass
class RedactionStats:
    """What was found of a person."""

    event_ids: set[str] = field(default_factory=set)
    clicks: int = 0  # lines of clicks/, and clicks in records
    unreadable: int = 0  # passages that are not JSON and contain one of the ids

    def add(self, identity: Identity) -> None:
        self.clicks += 1
        self.event_ids.add(str(identity.event_id))


@dataclass(frozen=True)
class DataSubject:
    """The person who has any of these ids."""

    user_ids: frozenset[str] = frozenset()
    visitor_ids: frozenset[str] = frozenset()
    session_ids: frozenset[str] = frozenset()

    @property
    def ids(self) -> frozenset[str]:
        return self.user_ids | self.visitor_ids | self.session_ids

    def matches(self, identity: Identity) -> bool:
        pairs = (
            (identity.user_id, self.user_ids),
            (identity.visitor_id, self.visitor_ids),
            (identity.session_id, self.session_ids),
        )
        return any(isinstance(value, str) and value in ids for value, ids in pairs)


class Redactor:
    """Each method returns its input without the person: the same bytes, unless the person is in it."""

    def __init__(self, subject: DataSubject) -> None:
        self.stats = RedactionStats()
        self._subject = subject
        # As JSON writes them, with and without escapes: for bytes that cannot be decoded.
        self._quoted = {json.dumps(each).encode() for each in subject.ids}
        self._quoted |= {json.dumps(each, ensure_ascii=False).encode() for each in subject.ids}

    def redact_line(self, line: bytes) -> bytes:
        """Redact a line of clicks/."""
        try:
            identity = decode_json(_LINES, line)
        except NotJsonError:
            return self._redact_unreadable(line)
        return self._redact_click(identity, line)

    def redact_record(self, record: bytes) -> bytes:
        """Redact a line of raw/, or a whole record."""
        return b"".join(self._redact_record_line(line) for line in split_lines(record))

    def redact_document(self, line: bytes) -> bytes:
        """Redact an error document, from failed/, replayed/ or parked/."""
        document = parse_document(line)
        record = document.record if document else None
        if record is None:
            return self._redact_unreadable(line)
        redacted = self.redact_record(record)
        if redacted == record:
            return line
        if not redacted.strip():
            return b""
        head: dict[str, Any] = msgspec.json.decode(line, type=dict[str, Raw])
        head["rawData"] = pybase64.b64encode_as_string(redacted)
        return msgspec.json.encode(head) + b"\n"

    def _redact_record_line(self, line: bytes) -> bytes:
        content, newline, _ = line.partition(b"\n")
        redacted = b"".join(map(self._redact_segment, _RECORDS.read_line(content)))
        return line if redacted == content else redacted and redacted + newline

    def _redact_segment(self, segment: Segment[IdentifiedEnvelope, Identity]) -> bytes:
        if segment.envelope:
            return self._redact_envelope(segment.envelope, segment.data)
        if segment.click:
            return self._redact_click(segment.click, segment.data)
        return self._redact_unreadable(segment.data)

    def _redact_envelope(self, envelope: IdentifiedEnvelope, data: bytes) -> bytes:
        if self._subject.matches(Identity(visitor_id=envelope.visitor_id)):
            removed = [True] * len(envelope.clicks)
        else:
            removed = [self._subject.matches(identity) for identity in envelope.clicks]
        for identity, is_removed in zip(envelope.clicks, removed, strict=True):
            if is_removed:
                self.stats.add(identity)
        if all(removed):
            return b""
        return keep_clicks(data, lambda position: not removed[position]) if any(removed) else data

    def _redact_click(self, identity: Identity, data: bytes) -> bytes:
        if not self._subject.matches(identity):
            return data
        self.stats.add(identity)
        return b""

    def _redact_unreadable(self, data: bytes) -> bytes:
        """The bytes cannot be parsed; remove them if they contain one of the ids verbatim."""
        if not any(quoted in data for quoted in self._quoted):
            return data
        self.stats.unreadable += 1
        return b""


def split_lines(data: bytes) -> list[bytes]:
    r"""Split at \n alone, as JSON lines are; each line keeps its newline."""
    *lines, last = data.split(b"\n")
    return [line + b"\n" for line in lines] + ([last] if last else [])
