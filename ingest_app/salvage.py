"""The slow path: every error of every click by name, and each click that can be saved, saved.

Only the type, the item's id, the userId and the eventId can cost a click. Everything else that breaks its
rule, or is unknown, is left out.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, get_args, get_origin

import msgspec

from ingest_app.clicks import (
    MAX_CLICKS,
    MAX_PROPERTIES,
    Batch,
    Element,
    Instant,
    Outcome,
    PropertyName,
    PropertyValue,
    Vocabulary,
    item_is_missing,
)
from ingest_app.instants import to_rfc3339
from ingest_app.json_text import parse_json
from ingest_app.refusals import FieldError, Refusal

IS_REQUIRED = "is required"
IS_UNKNOWN = "is not a known field"
MUST_BE_AN_OBJECT = "must be an object"
PROPERTY_NAME_REASON = "must have a name of at most 64 characters"
PROPERTY_VALUE_REASON = "must be a string of at most 512 characters, a number, a boolean or null"
SHAPES = 'a click object, an array of clicks, or {"clicks": [...]}'


class Salvage:
    """Reads what the good path refused."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._fatal = {"type", vocabulary.item_id_field, "userId", "eventId"}
        self._fields = _fields_of(vocabulary.sent_click)
        self._element_fields = _fields_of(Element)

    def parse(self, body: bytes) -> Batch:
        """Raise Refusal where no click can be told from another."""
        value = parse_json(body)
        if isinstance(value, list):
            return Batch(self._outcomes(value))
        if not isinstance(value, dict):
            raise Refusal("not_clicks", f"The body must be {SHAPES}.")
        if "clicks" in value:
            return self._batch(value)
        return Batch([self.click(value)])

    def click(self, value: Any) -> Outcome:
        """One click, of a JSON value or of a query."""
        if not isinstance(value, dict):
            return Outcome(None, [FieldError(None, MUST_BE_AN_OBJECT)])
        errors: list[FieldError] = []
        sent = self._vocabulary.sent_click(**dict(self._read_click(value, errors)))
        fatal = [error for error in errors if error.field in self._fatal]
        item_id_field = self._vocabulary.item_id_field
        if item_is_missing(sent.type, sent.item_id) and not {"type", item_id_field} & {
            e.field for e in fatal
        }:
            fatal.append(FieldError(item_id_field, IS_REQUIRED))
        if fatal:
            rest = [error for error in errors if error.field not in self._fatal]
            return Outcome(None, fatal + rest, sent.event_id and sent.event_id.lower())
        return Outcome(self._vocabulary.keep(sent), errors)

    def _batch(self, value: dict[str, Any]) -> Batch:
        clicks = value.pop("clicks")
        if not isinstance(clicks, list):
            raise Refusal(
                "not_clicks", f"The body must be {SHAPES}: `clicks` is not an array.", field="clicks"
            )
        ignored: list[FieldError] = []
        sent_at: datetime | None = None
        for name, raw in value.items():
            if name != "sentAt":
                ignored.append(FieldError(name, IS_UNKNOWN))
            elif raw is not None and (sent_at := _read_instant(raw)) is None:
                ignored.append(FieldError(name, _reason(Instant)))
        return Batch(self._outcomes(clicks), to_rfc3339(sent_at) if sent_at else None, ignored)

    def _outcomes(self, values: list[Any]) -> list[Outcome]:
        if not values:
            raise Refusal("empty", "There is no click in the body: at least one is needed.")
        if len(values) > MAX_CLICKS:
            raise Refusal(
                "too_many_clicks",
                f"The body has {len(values)} clicks, more than {MAX_CLICKS}.",
                field="clicks",
                limit=MAX_CLICKS,
            )
        return [self.click(value) for value in values]

    def _read_click(self, value: Mapping[str, Any], errors: list[FieldError]) -> Iterator[tuple[str, Any]]:
        for field, raw in _known(value, self._fields, "", errors):
            if field.name == "properties" and isinstance(raw, dict) and len(raw) <= MAX_PROPERTIES:
                yield field.name, dict(_read_properties(raw, errors))
            elif field.name == "element" and isinstance(raw, dict):
                yield field.name, Element(**dict(self._read_element(raw, errors)))
            elif field.name == "occurred_at" and (instant := _read_instant(raw)):
                yield field.name, instant
            elif field.name != "occurred_at" and _obeys(raw, field.type):
                yield field.name, raw
            else:
                errors.append(FieldError(field.encode_name, _reason(field.type)))

    def _read_element(self, value: Mapping[str, Any], errors: list[FieldError]) -> Iterator[tuple[str, Any]]:
        for field, raw in _known(value, self._element_fields, "element.", errors):
            if _obeys(raw, field.type):
                yield field.name, raw
            else:
                errors.append(FieldError(f"element.{field.name}", _reason(field.type)))


def _known(
    value: Mapping[str, Any],
    fields: Mapping[str, msgspec.structs.FieldInfo],
    path: str,
    errors: list[FieldError],
) -> Iterator[tuple[msgspec.structs.FieldInfo, Any]]:
    """The fields that we know and that are not null, which is the same as absent."""
    for name, raw in value.items():
        if name not in fields:
            errors.append(FieldError(path + name, IS_UNKNOWN))
        elif raw is not None:
            yield fields[name], raw


def _read_properties(value: Mapping[str, Any], errors: list[FieldError]) -> Iterator[tuple[str, Any]]:
    for name, raw in value.items():
        if not _obeys(name, PropertyName):
            errors.append(FieldError(f"properties.{name}", PROPERTY_NAME_REASON))
        elif not _obeys(raw, PropertyValue):
            errors.append(FieldError(f"properties.{name}", PROPERTY_VALUE_REASON))
        else:
            yield name, raw


def _read_instant(raw: Any) -> datetime | None:
    """None for what is no instant, or one that UTC cannot hold (year 1 and 9999 have such hours)."""
    try:
        instant: datetime = msgspec.convert(raw, Instant)
        to_rfc3339(instant)
    except (msgspec.ValidationError, OverflowError):
        return None
    return instant


def _obeys(raw: Any, rule: Any) -> bool:
    try:
        msgspec.convert(raw, rule)
    except msgspec.ValidationError:
        return False
    return True


def _fields_of(struct: type[msgspec.Struct]) -> dict[str, msgspec.structs.FieldInfo]:
    return {field.encode_name: field for field in msgspec.structs.fields(struct)}


def _reason(rule: Any) -> str:
    """The words beside the rule in clicks.py."""
    if get_origin(rule) is Annotated:
        return str(rule.__metadata__[0].description)
    return next(_reason(part) for part in get_args(rule) if part is not type(None))
