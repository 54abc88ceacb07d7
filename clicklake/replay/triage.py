"""Decide what a failed record's next step is: back onto the stream, or parked for a person to look at."""

from typing import Any, NamedTuple

import msgspec
from msgspec import Raw

from clicklake.lake.records import RECORDS

MAX_REPLAYS = 5


class ReplayDecision(NamedTuple):
    records: list[bytes]  # to put on the stream: each an envelope with its replay count raised by one
    parks: bool


def triage(record: bytes | None) -> ReplayDecision:
    """Return what to do with a record from failed/.

    Leading garbage is skipped. Records that cannot carry a replay count are parked, otherwise they could be
    replayed endlessly.
    """
    records, parks = [], False
    for segment in RECORDS.read(record or b""):
        if segment.envelope and segment.envelope.replays < MAX_REPLAYS:
            records.append(raise_replay_count(segment.data, segment.envelope.replays))
        elif not segment.is_unreadable:
            parks = True
    return ReplayDecision(records, parks or not records)


def triage_parked(record: bytes | None) -> ReplayDecision:
    """Return what to do with a parked record once a person has looked at it.

    Everything goes back once, whatever it is. A record that fails again is parked again.
    """
    records = [
        raise_replay_count(segment.data, segment.envelope.replays)
        if segment.envelope
        else segment.data + b"\n"
        for segment in RECORDS.read(record or b"")
        if segment.data
    ]
    return ReplayDecision(records, parks=False)


def raise_replay_count(envelope: bytes, replays: int) -> bytes:
    """Return the envelope with one more replay; every other byte stays as it was."""
    head: dict[str, Any] = msgspec.json.decode(envelope, type=dict[str, Raw])
    head["replays"] = replays + 1
    return msgspec.json.encode(head) + b"\n"
