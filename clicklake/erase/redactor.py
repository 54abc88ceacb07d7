"""Remove one person's clicks from what the lake stores; every other byte stays as it is."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pybase64
from msgspec import Raw, Struct

from clicklake.erase.needles import Needles
from clicklake.lake.error_documents import parse_document
from clicklake.lake.json_lines import NotJsonError, decode_json
from clicklake.lake.records import RecordReader, Segment, keep_clicks

MAX_OTHER_CASES = 20  # named in the report


class Identity(Struct, rename="camel", kw_only=True, gc=False):
    """The identity fields of a click, wherever it is stored. Non-string ids never match."""

    event_id: Any = None
    user_id: Any = None
    visitor_id: Any = None
    session_id: Any = None

    def ids(self) -> Iterator[str]:
        for value in (self.user_id, self.visitor_id, self.session_id):
            if isinstance(value, str):
                yield value


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
    mentions: int = 0  # lines and records that stay although they name an id, in a title for instance
    other_cases: set[str] = field(default_factory=set)  # ids that differ from the person's only in case

    def add(self, identity: Identity) -> None:
        self.clicks += 1
        self.event_ids.add(str(identity.event_id))


@dataclass(frozen=True)
class DataSubject:
    """The person who has any of these ids, or whose clicks contain any of these texts."""

    user_ids: frozenset[str] = frozenset()
    visitor_ids: frozenset[str] = frozenset()
    session_ids: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()

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
        self._folded = {text.casefold() for text in subject.ids}
        self._texts = Needles(subject.texts)
        self._mentions = Needles(subject.ids | subject.texts)
        # As JSON writes them, with and without escapes: for bytes that cannot be decoded.
        self._quoted = {json.dumps(text).encode() for text in subject.ids}
        self._quoted |= {json.dumps(text, ensure_ascii=False).encode() for text in subject.ids}

    def cannot_be_in(self, block: bytes) -> bool:
        """Return whether no line of the block can hold or mention the person: most blocks end here."""
        return not self._mentions.found_in(block)

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

    def redact_anything(self, line: bytes) -> bytes:
        """Redact a line of a folder that is not ours: somebody's copy of lines, records or documents."""
        if parse_document(line):
            return self.redact_document(line)
        return self.redact_record(line)

    def _redact_record_line(self, line: bytes) -> bytes:
        content, newline, _ = line.partition(b"\n")
        redacted = b"".join(map(self._redact_segment, _RECORDS.read_line(content)))
        return line if redacted == content else redacted and redacted + newline

    def _redact_segment(self, segment: Segment[IdentifiedEnvelope, Identity]) -> bytes:
        if segment.envelope:
            return self._redact_envelope(segment.envelope, segment.data)
        if segment.click:
            return self._redact_click(segment.click, segment.data)
        if b'"eventId"' in segment.data:  # a line of clicks/, copied elsewhere
            return self.redact_line(segment.data)
        return self._redact_unreadable(segment.data)

    def _redact_envelope(self, envelope: IdentifiedEnvelope, data: bytes) -> bytes:
        if self._subject.matches(Identity(visitor_id=envelope.visitor_id)):
            removed = [True] * len(envelope.clicks)
        else:
            removed = [
                self._subject.matches(identity) or self._texts.found_in(click)
                for identity, click in zip(envelope.clicks, self._clicks_of(data, envelope), strict=True)
            ]
        for identity, is_removed in zip(envelope.clicks, removed, strict=True):
            if is_removed:
                self.stats.add(identity)
            else:
                self._note_other_cases(identity)
        if all(removed):
            return b""
        kept = keep_clicks(data, lambda position: not removed[position]) if any(removed) else data
        self.stats.mentions += self._mentions.found_in(kept)
        return kept

    def _clicks_of(self, data: bytes, envelope: IdentifiedEnvelope) -> list[bytes]:
        """Return each click's bytes; nothing of them if no text is looked for."""
        if not self._subject.texts:
            return [b""] * len(envelope.clicks)
        head: dict[str, Any] = msgspec.json.decode(data, type=dict[str, Raw])
        return [bytes(click) for click in msgspec.json.decode(head["clicks"], type=list[Raw])]

    def _redact_click(self, identity: Identity, data: bytes) -> bytes:
        if self._subject.matches(identity) or self._texts.found_in(data):
            self.stats.add(identity)
            return b""
        self._note_other_cases(identity)
        self.stats.mentions += self._mentions.found_in(data)
        return data

    def _note_other_cases(self, identity: Identity) -> None:
        for value in identity.ids():
            if value.casefold() in self._folded and len(self.stats.other_cases) < MAX_OTHER_CASES:
                self.stats.other_cases.add(value)

    def _redact_unreadable(self, data: bytes) -> bytes:
        """The bytes cannot be parsed; remove them if they contain one of the ids verbatim."""
        if any(quoted in data for quoted in self._quoted) or self._texts.found_in(data):
            self.stats.unreadable += 1
            return b""
        self.stats.mentions += self._mentions.found_in(data)
        return data


def split_lines(data: bytes) -> list[bytes]:
    r"""Split at \n alone, as JSON lines are; each line keeps its newline."""
    *lines, last = data.split(b"\n")
    return [line + b"\n" for line in lines] + ([last] if last else [])
