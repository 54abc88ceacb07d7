"""The envelope, version 1: one request's clicks and their sender, as one Firehose record.

It is the contract with the processor.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from ingest_app.clicks import Click
from ingest_app.sender import Sender
from ingest_app.timestamps import to_rfc3339

VERSION = 1

_encoder = msgspec.json.Encoder()


class Envelope(msgspec.Struct, rename="camel", kw_only=True):
    """One request. Every key is always present, and null if unknown. A click has only the fields it has."""

    v: int = VERSION
    request_id: str
    received_at: str
    sent_at: str | None
    address: str | None
    country: str | None
    visitor_id: str | None
    user_agent: str | None
    privacy: str | None
    replays: int = 0
    """How many times an operator has put this record back on the stream."""
    clicks: Sequence[Click]


def build_record(
    sender: Sender, clicks: Sequence[Click], request_id: str, received_at: datetime, sent_at: str | None
) -> bytes:
    """Return one JSON object and a newline."""
    envelope = Envelope(
        request_id=request_id,
        received_at=to_rfc3339(received_at),
        sent_at=sent_at,
        address=sender.address,
        country=sender.country,
        visitor_id=sender.visitor_id,
        user_agent=sender.user_agent,
        privacy=sender.privacy,
        clicks=clicks,
    )
    return _encoder.encode(envelope) + b"\n"
