"""Read one record: an envelope of any version ever written, or a legacy click."""

import uuid
from contextlib import suppress
from typing import Annotated, Any, Literal, get_type_hints

import msgspec
from msgspec import Meta, Struct, defstruct

from processor.enriched_event import GENERIC_ITEM_FIELD, OWN_FIELDS, EventFields
from processor.timestamps import from_milliseconds

# A legacy click without an eventId takes one from its record id, which stays the same on each of Firehose's
# retries. Never change this URN: lines that have landed derive their ids from it.
LEGACY_CLICK_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:clicklake:bare-click")

# Nobody has validated a legacy click before the processor, and the steps cache what they parse. So a text
# of a legacy click may not be longer than the longest text of an envelope.
MAX_LEGACY_TEXT_CHARACTERS = 2048

# Every line of a request repeats what its envelope says about the sender. The ingest app writes at most 64.
MAX_SENDER_CHARACTERS = 128
SenderText = Annotated[str, Meta(max_length=MAX_SENDER_CHARACTERS)]

# What msgspec raises for bytes that are not JSON, or not of the expected type.
DECODE_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class NotAnEnvelopeError(Exception):
    """The message is one of a few fixed texts. It never quotes the record."""


class ReceivedEnvelope(Struct, rename="camel", gc=False):
    """The clicks of one request and its sender. A field is None if it is unknown."""

    v: int | None
    request_id: SenderText | None
    received_at: SenderText | None
    clicks: list[EventFields]
    sent_at: SenderText | None = None
    address: SenderText | None = None
    country: SenderText | None = None
    visitor_id: SenderText | None = None
    user_agent: str | None = None
    privacy: SenderText | None = None


class EnvelopeV1(ReceivedEnvelope, rename="camel", gc=False):
    """Version 1, as the ingest app writes it. Unknown keys are ignored."""

    v: Literal[1]
    request_id: SenderText
    received_at: SenderText


class EnvelopeReader:
    """Reads records whose clicks decode to the given class."""

    def __init__(self, event_class: type[EventFields]) -> None:
        clicks = Annotated[list[event_class], Meta(min_length=1)]  # type: ignore[valid-type]
        self._decoder: msgspec.json.Decoder[ReceivedEnvelope] = msgspec.json.Decoder(
            defstruct("ClickEnvelopeV1", [("clicks", clicks)], bases=(EnvelopeV1,), gc=False)
        )
        self._event_class = event_class
        types = get_type_hints(event_class)
        names = dict(zip(event_class.__struct_fields__, event_class.__struct_encode_fields__, strict=True))
        self._own_types = {names[field]: types[field] for field in OWN_FIELDS}
        self._own_types[GENERIC_ITEM_FIELD] = types["item_id"]
        self._identifying = {names["item_id"], GENERIC_ITEM_FIELD, names["user_id"]}

    def read(self, data: bytes, record_id: str, arrived_ms: int | None) -> ReceivedEnvelope:
        """Raise NotAnEnvelopeError if the record is neither an envelope nor a legacy click.

        A legacy click takes its event id and its time of arrival from the record.
        """
        try:
            return self._decoder.decode(data)
        except DECODE_ERRORS:
            return self._read_legacy_click(data, record_id, arrived_ms)

    def _read_legacy_click(self, data: bytes, record_id: str, arrived_ms: int | None) -> ReceivedEnvelope:
        try:
            value = msgspec.json.decode(data)
        except DECODE_ERRORS:
            raise NotAnEnvelopeError("not JSON") from None
        if not isinstance(value, dict):
            raise NotAnEnvelopeError("not an object")
        if "v" in value:
            raise NotAnEnvelopeError("malformed envelope" if value["v"] == 1 else "unknown version")
        own = self._valid_own_fields(value)
        if not own.keys() & self._identifying:
            raise NotAnEnvelopeError("neither envelope nor click")
        record_uuid = str(uuid.uuid5(LEGACY_CLICK_NAMESPACE, record_id))
        arrived_at = None if arrived_ms is None else from_milliseconds(arrived_ms)
        own = {"eventId": record_uuid, "type": "click", "userId": "guest"} | own
        click = msgspec.convert(own, self._event_class)
        return ReceivedEnvelope(None, None, arrived_at, [click])

    def _valid_own_fields(self, value: dict[str, Any]) -> dict[str, Any]:
        """Return the valid fields of a legacy click. The others are dropped, as the ingest app drops them."""
        own = {}
        for name, kind in self._own_types.items():
            with suppress(KeyError, msgspec.ValidationError):
                own[name] = msgspec.convert(value[name], kind)
        return {
            name: field
            for name, field in own.items()
            if field and not (isinstance(field, str) and len(field) > MAX_LEGACY_TEXT_CHARACTERS)
        }
