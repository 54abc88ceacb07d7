"""The one reader of records: in raw/ and in error documents, as envelopes, legacy clicks, or neither.

A record in raw/ has no certain end: Firehose writes one after the other, and only records of the ingest app
end with a newline.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Generic, Protocol, TypeVar

import msgspec
from msgspec import Raw, Struct

from clicklake.lake.bucket import Lake
from clicklake.lake.json_lines import NotJsonError, decode_block, decode_json
from clicklake.lake.object_stream import OBJECT_BOUNDARY

_SCANNER = json.JSONDecoder()
_OBJECT_START = re.compile(r'(?<=\})\{"|\{\s*"v"\s*:')
MAX_GARBAGE_PARTS = 64  # in one line: each is scanned to its end, which could take quadratic time
_ENVELOPE_START = re.compile(rb'\{\s*"v"\s*:')


class EventId(Struct, rename="camel", gc=False):
    """A click of an envelope, reduced to its id."""

    event_id: str


class StoredEnvelope(Struct, rename="camel", gc=False):
    """The fields of an envelope that every version has and most commands need."""

    v: int
    clicks: list[EventId]
    received_at: str | None = None
    replays: int = 0


class LegacyClick(Struct, gc=False):
    """Any JSON object that names no version: the workshop's own integration puts clicks like this."""


class _HasClicks(Protocol):
    clicks: list[Any]


E = TypeVar("E", bound=_HasClicks)
C = TypeVar("C", bound=Struct)

_VALUES = msgspec.json.Decoder()


class Segment(Struct, Generic[E, C], gc=False):
    """A part of a line: an envelope, a legacy click or, if it has neither, unreadable bytes.

    The segments of a line, joined, are the line again.
    """

    data: bytes
    envelope: E | None = None
    click: C | None = None

    @property
    def is_unreadable(self) -> bool:
        return self.envelope is None and self.click is None


class RecordReader(Generic[E, C]):
    """Decodes each record once, into the two types that it is given."""

    def __init__(self, envelope: type[E], click: type[C]) -> None:
        self._envelopes: msgspec.json.Decoder[E] = msgspec.json.Decoder(envelope)
        self._click_type = click

    def read(self, record: bytes) -> Iterator[Segment[E, C]]:
        """Yield the segments of every line of a record."""
        for line in filter(None, record.split(b"\n")):
            yield from self.read_line(line)

    def read_line(self, line: bytes) -> Iterator[Segment[E, C]]:
        """Yield the segments of one line. An envelope that follows garbage is found."""
        if OBJECT_BOUNDARY not in line or (whole := self._read_whole(line)) is None:
            for part in _split_values(line):
                yield from self._read_part(part)
        else:  # the boundary is the end of a string
            yield whole

    def read_block(self, block: bytes) -> tuple[list[E], list[Segment[E, C]]]:
        """Return the envelopes of a block of lines, and the segments of all its other lines."""
        envelopes, others = decode_block(self._envelopes, block)
        return envelopes, [segment for line in others for segment in self.read_line(line)]

    def _read_part(self, part: bytes) -> Iterator[Segment[E, C]]:
        if whole := self._read_whole(part):
            yield whole
            return
        for start in _ENVELOPE_START.finditer(part):
            if envelope := self._envelope(part[start.start() :]):
                yield Segment(part[: start.start()])
                yield Segment(part[start.start() :], envelope)
                return
        yield Segment(part)

    def _read_whole(self, data: bytes) -> Segment[E, C] | None:
        envelope = self._envelope(data)
        click = None if envelope else self._click(data)
        return Segment(data, envelope, click) if envelope or click else None

    def _envelope(self, data: bytes) -> E | None:
        try:
            envelope = decode_json(self._envelopes, data)
        except NotJsonError:
            return None
        return envelope if envelope.clicks else None

    def _click(self, data: bytes) -> C | None:
        try:
            value = decode_json(_VALUES, data)
        except NotJsonError:
            return None
        is_click = isinstance(value, dict) and "v" not in value
        return msgspec.convert(value, self._click_type) if is_click else None


def _end_of_object(text: str, start: int) -> int:
    """Raises ValueError for other values: a lone quotation mark would make a string of half an envelope."""
    if text[start] != "{":
        raise ValueError("not a JSON object")
    _, end = _SCANNER.raw_decode(text, start)
    return end


def _split_values(line: bytes) -> Iterator[bytes]:
    """Split a line after each JSON object; garbage goes up to where an object seems to begin."""
    if OBJECT_BOUNDARY not in line:
        yield line
        return
    text = line.decode(errors="surrogateescape")
    start = failures = 0
    while start < len(text):
        try:
            end = _end_of_object(text, start)
        except (ValueError, RecursionError):
            failures += 1
            begun = _OBJECT_START.search(text, start + 1) if failures < MAX_GARBAGE_PARTS else None
            end = begun.start() if begun else len(text)
        yield text[start:end].encode(errors="surrogateescape")
        start = end


RECORDS = RecordReader(StoredEnvelope, LegacyClick)


def envelopes_in(record: bytes) -> Iterator[StoredEnvelope]:
    """Yield the envelopes of a record, and nothing of what else it holds."""
    return (segment.envelope for segment in RECORDS.read(record) if segment.envelope)


def raw_envelopes(lake: Lake, key: str) -> Iterator[StoredEnvelope]:
    """Yield the envelopes of one raw/ object."""
    for line in lake.lines(key):
        yield from envelopes_in(line)


def keep_clicks(envelope: bytes, is_kept: Callable[[int], bool]) -> bytes:
    """Return the envelope with only the clicks at these positions; every other byte stays as it was."""
    head: dict[str, Any] = msgspec.json.decode(envelope, type=dict[str, Raw])
    clicks = msgspec.json.decode(head["clicks"], type=list[Raw])
    head["clicks"] = [click for position, click in enumerate(clicks) if is_kept(position)]
    return msgspec.json.encode(head)
