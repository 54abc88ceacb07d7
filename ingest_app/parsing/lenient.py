"""The slow path: name every error of every click, and keep every click that can be kept.

Only the type, the item id, the userId and the eventId can get a click rejected. Any other field that breaks
its rule is dropped, and so is any unknown field.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, get_args, get_origin

import msgspec

from ingest_app.clicks import (
    MAX_CLICKS,
    MAX_PROPERTIES,
    ClickInput,
    Element,
    ParsedRequest,
    ParseResult,
    PropertyName,
    PropertyValue,
    Timestamp,
)
from ingest_app.parsing.schema import ITEM_ID, ClickSchema, ConflictingItemIdsError, item_id_of, lacks_item
from ingest_app.parsing.strict_json import parse_json
from ingest_app.problems import ApiProblem, FieldError
from ingest_app.timestamps import to_rfc3339

IS_REQUIRED = "is required"
IS_UNKNOWN = "is not a known field"
MUST_BE_AN_OBJECT = "must be an object"
MUST_EQUAL_ITEM_ID = f"must equal {ITEM_ID} if a click has both"
PROPERTY_NAME_REASON = "must have a name of at most 64 characters"
PROPERTY_VALUE_REASON = "must be a string of at most 512 characters, a number, a boolean or null"
SHAPES = 'a click object, an array of clicks, or {"clicks": [...]}'


class LenientParser:
    """Parses a request that StrictParser does not take."""

    def __init__(self, schema: ClickSchema) -> None:
        self._schema = schema
        self._item_fields = {ITEM_ID, schema.item_id_field}
        self._fatal = {"type", "userId", "eventId"} | self._item_fields
        self._fields = _fields_of(schema.click_input)
        self._element_fields = _fields_of(Element)

    def parse(self, body: bytes) -> ParsedRequest:
        """Raise ApiProblem if the body is not JSON, or if its JSON does not contain clicks."""
        value = parse_json(body)
        if isinstance(value, list):
            return ParsedRequest(self._parse_clicks(value))
        if not isinstance(value, dict):
            raise ApiProblem("not_clicks", f"The body must be {SHAPES}.")
        if "clicks" in value:
            return self._parse_wrapped(value)
        return ParsedRequest([self.parse_click(value)])

    def parse_click(self, value: Any) -> ParseResult:
        """Parse one click, from a JSON value or from the parameters of a query."""
        if not isinstance(value, dict):
            return ParseResult(None, [FieldError(None, MUST_BE_AN_OBJECT)])
        errors: list[FieldError] = []
        sent = self._schema.click_input(**dict(self._read_click(value, errors)))
        fatal = [error for error in errors if error.field in self._fatal]
        fatal += self._check_item(sent, {error.field for error in fatal})
        if fatal:
            rest = [error for error in errors if error.field not in self._fatal]
            return ParseResult(None, fatal + rest, sent.event_id and sent.event_id.lower())
        return ParseResult(self._schema.normalize(sent), errors)

    def _check_item(self, sent: ClickInput, broken: set[str | None]) -> list[FieldError]:
        """Return an error if the item id is missing, or if its two names have different values.

        An invalid item id is not also missing. With an invalid type, the click may not need an item id.
        """
        name = self._schema.item_id_field
        try:
            item_id = item_id_of(sent)
        except ConflictingItemIdsError:
            return [FieldError(name, MUST_EQUAL_ITEM_ID)]
        if lacks_item(sent.type, item_id) and not broken & {"type", *self._item_fields}:
            return [FieldError(name, IS_REQUIRED)]
        return []

    def _parse_wrapped(self, value: dict[str, Any]) -> ParsedRequest:
        clicks = value.pop("clicks")
        if not isinstance(clicks, list):
            raise ApiProblem(
                "not_clicks", f"The body must be {SHAPES}, but `clicks` is not an array.", field="clicks"
            )
        ignored: list[FieldError] = []
        sent_at: datetime | None = None
        for name, raw in value.items():
            if name != "sentAt":
                ignored.append(FieldError(name, IS_UNKNOWN))
            elif raw is not None and (sent_at := _read_timestamp(raw)) is None:
                ignored.append(FieldError(name, _reason(Timestamp)))
        return ParsedRequest(self._parse_clicks(clicks), to_rfc3339(sent_at) if sent_at else None, ignored)

    def _parse_clicks(self, values: list[Any]) -> list[ParseResult]:
        if not values:
            raise ApiProblem("empty", "The body contains no clicks. Send at least one.")
        if len(values) > MAX_CLICKS:
            raise ApiProblem(
                "too_many_clicks",
                f"The body has {len(values)} clicks. The limit is {MAX_CLICKS}.",
                field="clicks",
                limit=MAX_CLICKS,
            )
        return [self.parse_click(value) for value in values]

    def _read_click(self, value: Mapping[str, Any], errors: list[FieldError]) -> Iterator[tuple[str, Any]]:
        """Yield the valid fields. Append the errors of the others."""
        for field, raw in _known(value, self._fields, "", errors):
            if field.name == "properties" and isinstance(raw, dict) and len(raw) <= MAX_PROPERTIES:
                yield field.name, dict(_read_properties(raw, errors))
            elif field.name == "element" and isinstance(raw, dict):
                yield field.name, Element(**dict(self._read_element(raw, errors)))
            elif field.name == "occurred_at" and (occurred_at := _read_timestamp(raw)):
                yield field.name, occurred_at
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
    """Yield the known fields that are not null. A field that is null counts as absent."""
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


def _read_timestamp(raw: Any) -> datetime | None:
    """Return None if `raw` is not a timestamp, or if it is outside the years 1 to 9999 in UTC."""
    try:
        timestamp: datetime = msgspec.convert(raw, Timestamp)
        to_rfc3339(timestamp)
    except (msgspec.ValidationError, OverflowError):
        return None
    return timestamp


def _obeys(raw: Any, rule: Any) -> bool:
    try:
        msgspec.convert(raw, rule)
    except msgspec.ValidationError:
        return False
    return True


def _fields_of(struct: type[msgspec.Struct]) -> dict[str, msgspec.structs.FieldInfo]:
    """Return the fields by their JSON name."""
    return {field.encode_name: field for field in msgspec.structs.fields(struct)}


def _reason(rule: Any) -> str:
    """Return the description of the rule in clicks.py."""
    if get_origin(rule) is Annotated:
        return str(rule.__metadata__[0].description)
    return next(_reason(part) for part in get_args(rule) if part is not type(None))
