"""What lies in raw/ and in error documents: envelopes, bare clicks, and what is neither.

A record of raw/ has no certain end: Firehose writes one behind the other, and only ours end with a newline.
"""

import re
from collections.abc import Callable, Iterator
from enum import Enum, auto
from typing import Any

import msgspec
from msgspec import Raw, Struct

from clicklake.lake.bucket import SEAM, Lake

_SEAM = re.compile(rb"(?<=%b)(?=%b)" % (re.escape(SEAM[:1]), re.escape(SEAM[1:])))
_ENVELOPE_START = re.compile(rb'\{\s*"v"\s*:')


class Kind(Enum):
    ENVELOPE = auto()
    BARE_CLICK = auto()  # or whatever else is a JSON object and says nothing of a version
    UNREADABLE = auto()


class ClickId(Struct, rename="camel", gc=False):
    event_id: str


class Envelope(Struct, rename="camel", gc=False):
    """What every version has, and the operator's commands need."""

    v: int
    clicks: list[ClickId]
    received_at: str | None = None
    replays: int = 0


class Piece(Struct, gc=False):
    """A part of a line; all of them joined are the line again."""

    kind: Kind
    data: bytes


ENVELOPES = msgspec.json.Decoder(Envelope)
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def read_envelope(data: bytes) -> Envelope | None:
    """None for what is no envelope as a whole."""
    try:
        envelope = ENVELOPES.decode(data)
    except _UNREADABLE:
        return None
    return envelope if envelope.clicks else None


def with_clicks(envelope: bytes, wanted: Callable[[int], bool]) -> bytes:
    """The envelope with the clicks of these positions alone; what stays is byte for byte as it was."""
    head: dict[str, Any] = msgspec.json.decode(envelope, type=dict[str, Raw])
    clicks = msgspec.json.decode(head["clicks"], type=list[Raw])
    head["clicks"] = [click for position, click in enumerate(clicks) if wanted(position)]
    return msgspec.json.encode(head)


def pieces(line: bytes) -> Iterator[Piece]:
    """Take a line apart; an envelope behind garbage is found."""
    for part in _SEAM.split(line) if SEAM in line else [line]:
        yield from _pieces_of_part(part)


def _pieces_of_part(part: bytes) -> Iterator[Piece]:
    kind = _kind_of(part)
    if kind is Kind.UNREADABLE:
        for start in _ENVELOPE_START.finditer(part):
            if read_envelope(part[start.start() :]):
                yield Piece(Kind.UNREADABLE, part[: start.start()])
                yield Piece(Kind.ENVELOPE, part[start.start() :])
                return
    yield Piece(kind, part)


def _kind_of(part: bytes) -> Kind:
    if read_envelope(part):
        return Kind.ENVELOPE
    try:
        value = msgspec.json.decode(part)
    except _UNREADABLE:
        return Kind.UNREADABLE
    return Kind.BARE_CLICK if isinstance(value, dict) and "v" not in value else Kind.UNREADABLE


def raw_envelopes(lake: Lake, key: str) -> Iterator[Envelope]:
    """Yield the envelopes of one raw/ object."""
    for line in lake.lines(key):
        yield from envelopes_of(line)


def envelopes_of(record: bytes) -> Iterator[Envelope]:
    for line in filter(None, record.split(b"\n")):
        for piece in pieces(line):
            if piece.kind is Kind.ENVELOPE and (envelope := read_envelope(piece.data)):
                yield envelope
