"""The bytes of one record → sender and clicks; every version of the envelope, and the bare click."""

import uuid
from contextlib import suppress
from typing import Annotated, Any, Generic, Literal, TypeVar, get_type_hints

import msgspec
from msgspec import Meta, Struct

from processor.line import CLICK_FIELDS, Line

L = TypeVar("L")

# A bare click without an eventId takes its record's: the same one on each of Firehose's retries.
BARE_CLICK_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:clicklake:bare-click")

# Nobody checked a bare click before us, and what the steps have seen they remember: no text that is
# longer than an envelope's may reach them.
MAX_BARE_CHARACTERS = 2048

# What msgspec raises for bytes that are not JSON or not of the type.
NOT_DECODED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class NotAnEnvelopeError(Exception):
    """The message is one of a fixed few, and quotes nothing of the record."""


class Envelope(Struct, Generic[L], rename="camel", gc=False):
    """A request's clicks, and what it said of its sender. What is unknown is None."""

    v: int | None
    request_id: str | None
    received_at: str | None
    clicks: list[L]
    sent_at: str | None = None
    address: str | None = None
    country: str | None = None
    visitor_id: str | None = None
    user_agent: str | None = None
    privacy: str | None = None


class EnvelopeV1(Envelope[L], Generic[L], rename="camel", gc=False):
    """As ingest_app writes it. A key that we do not know is left out of the line."""

    v: Literal[1]
    request_id: str
    received_at: str
    clicks: Annotated[list[L], Meta(min_length=1)]


class EnvelopeReader:
    """Reads records whose clicks become lines of the given type."""

    def __init__(self, line: type[Line]) -> None:
        self._line = line
        self._decoder = msgspec.json.Decoder(EnvelopeV1[line])  # type: ignore[valid-type]
        types = get_type_hints(line)
        names = dict(zip(line.__struct_fields__, line.__struct_encode_fields__, strict=True))
        self._click_types = {names[field]: types[field] for field in CLICK_FIELDS}
        self._telling = {names["item_id"], names["user_id"]}

    def read(self, data: bytes, record_id: str, arrived_at: str | None) -> Envelope[Line]:
        """Raises NotAnEnvelopeError. A bare click takes its id and its time from the record around it."""
        try:
            return self._decoder.decode(data)
        except NOT_DECODED:
            return self._read_bare_click(data, record_id, arrived_at)

    def _read_bare_click(self, data: bytes, record_id: str, arrived_at: str | None) -> Envelope[Line]:
        try:
            value = msgspec.json.decode(data)
        except NOT_DECODED:
            raise NotAnEnvelopeError("not JSON") from None
        if not isinstance(value, dict):
            raise NotAnEnvelopeError("not an object")
        if "v" in value:
            raise NotAnEnvelopeError("malformed envelope" if value["v"] == 1 else "unknown version")
        click = self._known_fields(value)
        if not click.keys() & self._telling:
            raise NotAnEnvelopeError("neither envelope nor click")
        record_uuid = str(uuid.uuid5(BARE_CLICK_NAMESPACE, record_id))
        click = {"eventId": record_uuid, "type": "click", "userId": "guest"} | click
        return Envelope(None, None, arrived_at, [msgspec.convert(click, self._line)])

    def _known_fields(self, value: dict[str, Any]) -> dict[str, Any]:
        """What of a bare click is as it should be; the rest is left out, as ingest_app leaves it out."""
        known = {}
        for name, kind in self._click_types.items():
            with suppress(KeyError, msgspec.ValidationError):
                known[name] = msgspec.convert(value[name], kind)
        return {
            name: field
            for name, field in known.items()
            if field and not (isinstance(field, str) and len(field) > MAX_BARE_CHARACTERS)
        }
