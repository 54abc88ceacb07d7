"""The bytes of one record → sender and clicks; every version of the envelope, and the bare click."""

import uuid
from contextlib import suppress
from typing import Annotated, Any, Literal, get_type_hints

import msgspec
from msgspec import Meta, Struct, defstruct

from processor.clocks import from_milliseconds
from processor.line import OWN_FIELDS, ClickFields

# A bare click without an eventId takes its record's: the same one on each of Firehose's retries.
BARE_CLICK_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:clicklake:bare-click")

# Nobody checked a bare click before us, and what the steps have seen they remember: no text that is
# longer than an envelope's may reach them.
MAX_BARE_CHARACTERS = 2048

# What msgspec raises for bytes that are not JSON or not of the type.
NOT_DECODED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class NotAnEnvelopeError(Exception):
    """The message is one of a fixed few, and quotes nothing of the record."""


class Envelope(Struct, rename="camel", gc=False):
    """A request's clicks, and what it said of its sender. What is unknown is None."""

    v: int | None
    request_id: str | None
    received_at: str | None
    clicks: list[ClickFields]
    sent_at: str | None = None
    address: str | None = None
    country: str | None = None
    visitor_id: str | None = None
    user_agent: str | None = None
    privacy: str | None = None


class EnvelopeV1(Envelope, rename="camel", gc=False):
    """As ingest_app writes it. A key that we do not know is left out of the line."""

    v: Literal[1]
    request_id: str
    received_at: str


class EnvelopeReader:
    """Reads records whose clicks are of the given type."""

    def __init__(self, click: type[ClickFields]) -> None:
        clicks = Annotated[list[click], Meta(min_length=1)]  # type: ignore[valid-type]
        self._decoder: msgspec.json.Decoder[Envelope] = msgspec.json.Decoder(
            defstruct("ClickEnvelopeV1", [("clicks", clicks)], bases=(EnvelopeV1,), gc=False)
        )
        self._click = click
        types = get_type_hints(click)
        names = dict(zip(click.__struct_fields__, click.__struct_encode_fields__, strict=True))
        self._own_types = {names[field]: types[field] for field in OWN_FIELDS}
        self._telling = {names["item_id"], names["user_id"]}

    def read(self, data: bytes, record_id: str, arrived_ms: int | None) -> Envelope:
        """Raises NotAnEnvelopeError. A bare click takes its id and its time from the record around it."""
        try:
            return self._decoder.decode(data)
        except NOT_DECODED:
            return self._read_bare_click(data, record_id, arrived_ms)

    def _read_bare_click(self, data: bytes, record_id: str, arrived_ms: int | None) -> Envelope:
        try:
            value = msgspec.json.decode(data)
        except NOT_DECODED:
            raise NotAnEnvelopeError("not JSON") from None
        if not isinstance(value, dict):
            raise NotAnEnvelopeError("not an object")
        if "v" in value:
            raise NotAnEnvelopeError("malformed envelope" if value["v"] == 1 else "unknown version")
        own = self._own_fields(value)
        if not own.keys() & self._telling:
            raise NotAnEnvelopeError("neither envelope nor click")
        record_uuid = str(uuid.uuid5(BARE_CLICK_NAMESPACE, record_id))
        arrived_at = None if arrived_ms is None else from_milliseconds(arrived_ms)
        own = {"eventId": record_uuid, "type": "click", "userId": "guest"} | own
        click = msgspec.convert(own, self._click)
        return Envelope(None, None, arrived_at, [click])

    def _own_fields(self, value: dict[str, Any]) -> dict[str, Any]:
        """What of a bare click is as it should be; the rest is left out, as ingest_app leaves it out."""
        own = {}
        for name, kind in self._own_types.items():
            with suppress(KeyError, msgspec.ValidationError):
                own[name] = msgspec.convert(value[name], kind)
        return {
            name: field
            for name, field in own.items()
            if field and not (isinstance(field, str) and len(field) > MAX_BARE_CHARACTERS)
        }
