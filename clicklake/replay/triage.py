"""A failed record: what of it goes back onto the stream, and whether a person has to look at it."""

from typing import Any, NamedTuple

import msgspec
from msgspec import Raw

from clicklake.lake.records import Kind, pieces, read_envelope

MAX_REPLAYS = 5


class Verdict(NamedTuple):
    records: list[bytes]  # to put: each an envelope that counts one replay more
    parks: bool


def judge(record: bytes | None) -> Verdict:
    """Garbage before an envelope costs nothing. What cannot count its replays would go round for ever."""
    records, parks = [], False
    for line in filter(None, (record or b"").split(b"\n")):
        for piece in pieces(line):
            envelope = read_envelope(piece.data) if piece.kind is Kind.ENVELOPE else None
            if envelope and envelope.replays < MAX_REPLAYS:
                records.append(count_replay(piece.data, envelope.replays))
            elif piece.kind is not Kind.UNREADABLE:
                parks = True
    return Verdict(records, parks or not records)


def judge_parked(record: bytes | None) -> Verdict:
    """A person has looked: everything that is a record goes back, once. What fails again is parked again."""
    records = [
        count_replay(piece.data, envelope.replays) if envelope else piece.data + b"\n"
        for line in filter(None, (record or b"").split(b"\n"))
        for piece in pieces(line)
        if piece.data
        for envelope in [read_envelope(piece.data)]
    ]
    return Verdict(records, parks=False)


def count_replay(envelope: bytes, replays: int) -> bytes:
    """The envelope with one replay more; everything else in it byte for byte."""
    head: dict[str, Any] = msgspec.json.decode(envelope, type=dict[str, Raw])
    head["replays"] = replays + 1
    return msgspec.json.encode(head) + b"\n"
