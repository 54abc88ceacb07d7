"""The bytes of one record → sender and clicks; every version of the envelope, and the bare click."""

import uuid
from contextlib import suppress
from typing import Annotated, Any, Generic, Literal, TypeVar, get_type_hints

import msgspec
from msgspec import Meta, Struct

from processor.line import CLICK_FIELDS, Line

L = TypeVar("L")

# Whatever else a bare click says, its id comes from its record's: the same on each of Firehose's retries.
BARE_CLICK_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:clicklake:bare-click")


class NotAnEnvelopeError(Exception):
    """The record is no envelope. The reason is one of a fixed few and quotes nothing of the record."""


class Envelope(Struct, Generic[L], rename="camel", gc=False):
    """What a request said of its sender, and its clicks. Unknown is None; a bare click has receivedAt."""

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
    """As ingest_app writes it."""

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
        self._known_by = {names["item_id"], names["user_id"]}

    def read(self, data: bytes, record_id: str, arrived_at: str | None) -> Envelope[Line]:
        """Raises NotAnEnvelopeError. A bare click takes its id and its time from the record around it."""
        try:
            return self._decoder.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self._read_other(data, record_id, arrived_at)

    def _read_other(self, data: bytes, record_id: str, arrived_at: str | None) -> Envelope[Line]:
        try:
            value = msgspec.json.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise NotAnEnvelopeError("not JSON") from None
        if not isinstance(value, dict):
            raise NotAnEnvelopeError("not an object")
        if "v" not in value:
            return Envelope(
                v=None, request_id=None, received_at=arrived_at, clicks=[self._bare_click(value, record_id)]
            )
        raise NotAnEnvelopeError("malformed envelope" if value["v"] == 1 else "unknown version")

    def _bare_click(self, value: dict[str, Any], record_id: str) -> Line:
        """A field of the wrong type is left out, as ingest_app leaves it out."""
        click = {}
        for name, kind in self._click_types.items():
            with suppress(KeyError, msgspec.ValidationError):
                click[name] = msgspec.convert(value[name], kind)
        if not click.keys() & self._known_by:
            raise NotAnEnvelopeError("no envelope and no click")
        identity = {
            "eventId": str(uuid.uuid5(BARE_CLICK_NAMESPACE, record_id)),
            "type": "click",
            "userId": "guest",
        }
        return msgspec.convert(identity | click, self._line)
