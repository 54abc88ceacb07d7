"""The slow path: name every error of every click, and keep every click that can be kept.

Only the type, the item id, the userId and the eventId can get a click rejected; with FOREIGN_HOSTS=reject the
host of its url can too. A title, a URL or a part of `element` that is too long is cut. A URL that is not
written as browsers write URLs is repaired. Any other field that breaks its rule is dropped, and so is any
unknown field.

A click that is valid takes the fast path here too. The fields of the others stay raw JSON until their rule
asks for them, so what is dropped costs nothing (benchmarks/worst_case.py).
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, NamedTuple, get_args, get_origin

import msgspec
from msgspec import Raw

from ingest_app.clicks import (
    MAX_CLICKS,
    MAX_PROPERTIES,
    MAX_PROPERTY_NAME_CHARACTERS,
    MAX_TEXT_CHARACTERS,
    Click,
    ClickInput,
    Element,
    ParsedRequest,
    ParseResult,
    Timestamp,
)
from ingest_app.parsing.schema import (
    ITEM_ID,
    ClickSchema,
    ConflictingItemIdsError,
    ForeignHostError,
    is_property_value,
    item_id_of,
    lacks_item,
    normalize_properties,
)
from ingest_app.parsing.strict_json import parse_json
from ingest_app.parsing.urls import escape_and_cut, repair_url
from ingest_app.problems import MAX_NAMED_ERRORS, ApiProblem, FieldError, FieldErrors
from ingest_app.timestamps import to_rfc3339

IS_REQUIRED = "is required"
IS_UNKNOWN = "is not a known field"
MUST_BE_AN_OBJECT = "must be an object"
MUST_EQUAL_ITEM_ID = f"must equal {ITEM_ID} if a click has both"
MUST_BE_ALLOWED_HOST = "must have a host that ALLOWED_HOSTS lists"
PROPERTY_NAME_REASON = "must have a name of at most 64 characters"
PROPERTY_VALUE_REASON = "must be a string of at most 512 characters, a number, a boolean or null"
SHAPES = 'a click object, an array of clicks, or {"clicks": [...]}'

Members = Mapping[str, Raw]
"""The members of an object, not yet parsed."""

NULL = Raw(b"null")
_URLS = ("url", "referrer")
_BLANK_FOR_PLUS = re.compile(r"(?<=[0-9]) (?=[0-9]{2}:[0-9]{2}\Z)")
_members = msgspec.json.Decoder(dict[str, Raw])
_properties = msgspec.json.Decoder(dict[str, Any], float_hook=float)
_timestamp = msgspec.json.Decoder(Timestamp)
_text = msgspec.json.Decoder(str)
_NOT_VALID = (msgspec.MsgspecError, ValueError, OverflowError)
"""What a decoder raises if a value breaks its rule, and to_rfc3339 if UTC cannot express a time."""


class _Field(NamedTuple):
    name: str
    decoder: msgspec.json.Decoder[Any]
    reason: str


class LenientParser:
    """Parses a request that StrictParser does not take."""

    def __init__(self, schema: ClickSchema) -> None:
        self._schema = schema
        self._click = msgspec.json.Decoder(schema.click_input)
        self._item_fields = {ITEM_ID, schema.item_id_field}
        self._fatal = {"type", "userId", "eventId", *self._item_fields}
        self._fields = _fields_of(schema.click_input)
        self._element_fields = _fields_of(Element)

    def parse(self, body: bytes, done: Sequence[ParseResult] = ()) -> ParsedRequest:
        """Raise ApiProblem if the body is not JSON, or if its JSON does not contain clicks.

        `done` are the results of the first clicks, which StrictParser has found to be valid.
        """
        value = parse_json(body)
        if isinstance(value, list):
            return ParsedRequest(self._parse_clicks(value, done))
        if value is None:
            raise ApiProblem("not_clicks", f"The body must be {SHAPES}.")
        if "clicks" in value:
            return self._parse_wrapped(value, done)
        return ParsedRequest([self._parse_members(value)])

    def parse_query(self, query: Mapping[str, str]) -> ParsedRequest:
        """Parse the one click that the parameters of a query describe.

        Many templates do not encode what they fill in: HTML that is escaped twice has `&amp;` for `&`, and
        the plus sign of a UTC offset arrives as a blank.
        """
        query = {name.removeprefix("amp;"): value for name, value in query.items()}
        if time := query.get("occurredAt"):
            query["occurredAt"] = _BLANK_FOR_PLUS.sub("+", time)
        members = {name: Raw(msgspec.json.encode(value)) for name, value in query.items()}
        return ParsedRequest([self._parse_members(members)])

    def _parse_wrapped(self, members: dict[str, Raw], done: Sequence[ParseResult]) -> ParsedRequest:
        try:
            clicks = msgspec.json.decode(members.pop("clicks"), type=list[Raw])
        except msgspec.ValidationError:
            detail = f"The body must be {SHAPES}, but `clicks` is not an array."
            raise ApiProblem("not_clicks", detail, field="clicks") from None
        ignored = FieldErrors()
        sent_at: datetime | None = None
        if (raw := members.pop("sentAt", None)) and raw != NULL:
            sent_at = _read_timestamp(raw)
            if sent_at is None:
                ignored.add("", "sentAt", _reason(Timestamp))
        ignored.add_all(list(members), "", IS_UNKNOWN)
        results = self._parse_clicks(clicks, done)
        return ParsedRequest(
            results, to_rfc3339(sent_at) if sent_at else None, ignored if ignored.named else None
        )

    def _parse_clicks(self, values: list[Raw], done: Sequence[ParseResult]) -> list[ParseResult]:
        if not values:
            raise ApiProblem("empty", "The body contains no clicks. Send at least one.")
        if len(values) > MAX_CLICKS:
            raise ApiProblem(
                "too_many_clicks",
                f"The body has {len(values)} clicks. The limit is {MAX_CLICKS}.",
                field="clicks",
                limit=MAX_CLICKS,
            )
        return [*done, *map(self._parse_click, values[len(done) :])]

    def _parse_click(self, raw: Raw) -> ParseResult:
        try:
            return ParseResult(self._normalize(self._click.decode(raw)))
        except _NOT_VALID:
            pass
        try:
            members = _members.decode(raw)
        except msgspec.ValidationError:
            return ParseResult(None, FieldErrors([FieldError(None, MUST_BE_AN_OBJECT)]))
        return self._parse_members(members)

    def _normalize(self, sent: ClickInput) -> Click:
        click = self._schema.normalize(sent)
        if lacks_item(click.type, click.item_id):
            raise ValueError("a click has no item id")
        return click

    def _parse_members(self, members: Members) -> ParseResult:
        fatal: list[FieldError] = []
        dropped = FieldErrors()
        cut: list[str] = []
        values: dict[str, Any] = {}
        properties: dict[str, Any] = {}
        for json_name in [name for name in members if name in self._fields]:
            field = self._fields[json_name]
            try:
                if field.name == "properties":
                    properties = _read_properties(members[json_name], dropped)
                elif field.name == "element":
                    values["element"] = self._read_element(members[json_name], dropped, cut)
                else:
                    value = field.decoder.decode(members[json_name])
                    if field.name == "occurred_at" and value:
                        to_rfc3339(value)
                    values[field.name] = value
            except _NOT_VALID:
                if json_name in self._fatal:
                    fatal.append(FieldError(json_name, field.reason))
                elif json_name == "title" and (text := _read_text(members[json_name])):
                    values["title"] = _cut(text, "title", cut)
                elif json_name in _URLS and (url := repair_url(_read_text(members[json_name]) or "")):
                    values[json_name] = url
                else:
                    dropped.add("", json_name, field.reason)
        dropped.add_all([name for name in members if name not in self._fields], "", IS_UNKNOWN)
        return self._result(self._schema.click_input(**values), properties, fatal, dropped, cut)

    def _result(
        self,
        sent: ClickInput,
        properties: Mapping[str, Any],
        fatal: list[FieldError],
        dropped: FieldErrors,
        cut: list[str],
    ) -> ParseResult:
        fatal += self._check_item(sent, {error.field for error in fatal})
        click = None
        if not fatal:
            try:
                click = self._schema.normalize(sent)
            except ForeignHostError:
                fatal = [FieldError("url", MUST_BE_ALLOWED_HOST)]
        if click:
            click.properties = normalize_properties(properties)
            if click.element and click.element.href:
                click.element.href = _cut(click.element.href, "element.href", cut)
            click.url = click.url and _finish_url(click.url, "url", cut)
            click.referrer = click.referrer and _finish_url(click.referrer, "referrer", cut)
            return ParseResult(click, dropped if dropped.named else None, cut=cut or None)
        named = (fatal + dropped.named)[:MAX_NAMED_ERRORS]
        more = len(fatal) + len(dropped.named) - len(named) + dropped.more
        return ParseResult(None, FieldErrors(named, more), _lower(sent.event_id))

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

    def _read_element(self, raw: Raw, dropped: FieldErrors, cut: list[str]) -> Element | None:
        """Return the valid parts. Raise one of _NOT_VALID if the element is not an object.

        A long href is returned whole. It is cut only after it was cleaned: a cut could hide what cleaning
        removes, and what cleaning removes needs no cut.
        """
        if raw == NULL:
            return None
        members = _members.decode(raw)
        parts = {}
        for name in [name for name in members if name in self._element_fields]:
            field = self._element_fields[name]
            try:
                parts[field.name] = field.decoder.decode(members[name])
            except _NOT_VALID:
                if not (text := _read_text(members[name])):
                    dropped.add("element.", name, field.reason)
                else:
                    parts[field.name] = text if name == "href" else _cut(text, f"element.{name}", cut)
        dropped.add_all(
            [name for name in members if name not in self._element_fields], "element.", IS_UNKNOWN
        )
        return Element(**parts)


def _read_properties(raw: Raw, dropped: FieldErrors) -> dict[str, Any]:
    """Return the valid properties. Raise one of _NOT_VALID if `raw` is no object, or has too many."""
    if raw == NULL:
        return {}
    members = _properties.decode(raw)
    if len(members) > MAX_PROPERTIES:
        raise ValueError
    valid = {}
    for name, value in members.items():
        if len(name) > MAX_PROPERTY_NAME_CHARACTERS:
            dropped.add("properties.", name, PROPERTY_NAME_REASON)
        elif not is_property_value(value):
            dropped.add("properties.", name, PROPERTY_VALUE_REASON)
        else:
            valid[name] = value
    return valid


def _read_text(raw: Raw) -> str | None:
    """Return a string of any length, or None if `raw` is not a string."""
    try:
        return _text.decode(raw)
    except msgspec.ValidationError:
        return None


def _cut(text: str, path: str, cut: list[str]) -> str:
    """Cut a text to the limit. If it is longer, add its path to `cut`."""
    if len(text) > MAX_TEXT_CHARACTERS:
        cut.append(path)
    return text[:MAX_TEXT_CHARACTERS]


def _finish_url(url: str, path: str, cut: list[str]) -> str:
    """Escape and cut a URL that was cleaned. An earlier cut could hide what cleaning removes."""
    url, is_cut = escape_and_cut(url)
    if is_cut:
        cut.append(path)
    return url


def _read_timestamp(raw: Raw) -> datetime | None:
    """Return None if `raw` is not a timestamp, or if it is outside the years 1 to 9999 in UTC."""
    try:
        timestamp = _timestamp.decode(raw)
        to_rfc3339(timestamp)
    except _NOT_VALID:
        return None
    return timestamp


def _lower(event_id: str | None) -> str | None:
    return event_id and event_id.lower()


def _fields_of(struct: type[msgspec.Struct]) -> dict[str, _Field]:
    """Return the fields by their JSON name."""
    return {
        field.encode_name: _Field(field.name, msgspec.json.Decoder(field.type), _reason(field.type))
        for field in msgspec.structs.fields(struct)
    }


def _reason(rule: Any) -> str:
    """Return the description of the rule in clicks.py."""
    if get_origin(rule) is Annotated:
        return str(rule.__metadata__[0].description)
    return next(_reason(part) for part in get_args(rule) if part is not type(None))
