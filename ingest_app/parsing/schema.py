"""The types of a click for one app's settings, and how a click that was sent becomes one that is stored."""

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar, cast

import msgspec
from msgspec import Meta, Raw

from ingest_app.clicks import (
    DEFAULT_TYPE,
    GUEST,
    MAX_ID_CHARACTERS,
    MAX_TEXT_CHARACTERS,
    NO_PROPERTIES,
    Click,
    ClickInput,
    Element,
    Id,
    Properties,
)
from ingest_app.parsing.item_id_pattern import whole_id
from ingest_app.parsing.urls import AllowedHosts, clean_href, clean_url
from ingest_app.settings import IngestSettings
from ingest_app.timestamps import to_rfc3339

ITEM_ID = "itemId"
"""The name of the item id that the API always accepts."""

# msgspec itself takes 14 µs for a number such as 1.5e300, which is a hundred times as long as `float`.
_properties = msgspec.json.Decoder(Properties | None, float_hook=float)

_NUMBERS = frozenset([int, float, bool])
_SCALARS = _NUMBERS | {str, type(None)}

_Struct = TypeVar("_Struct", ClickInput, Click)


class ConflictingItemIdsError(ValueError):
    """A click has an item id under both names, and the two differ."""


class ForeignHostError(ValueError):
    """A click is of another host than ALLOWED_HOSTS lists, and such clicks are rejected."""


class ClickSchema:
    """ClickInput and Click with the item id named as ITEM_ID_FIELD says, and the step from one to the other.

    A page may call the item id `itemId` or by the name in ITEM_ID_FIELD. The envelope uses the latter.
    """

    def __init__(self, settings: IngestSettings) -> None:
        self.item_id_field = settings.item_id_field
        self._keep_query = settings.keep_query
        self._redact = settings.redact_paths
        self._hosts = AllowedHosts(settings.allowed_hosts) if settings.allowed_hosts else None
        self._rejects_foreign_hosts = settings.foreign_hosts == "reject"
        rule = _item_rule(settings.item_id_pattern)
        fields = [] if rule is Id else [_field("item_id", rule, ITEM_ID)]
        if self.item_id_field != ITEM_ID:
            fields.append(_field("item_alias", rule, self.item_id_field))
        self.click_input = _extend(ClickInput, fields)
        self._click = _extend(Click, [_field("item_id", str, self.item_id_field)])

    def normalize(self, sent: ClickInput) -> Click:
        """Raise ConflictingItemIdsError, ForeignHostError or OverflowError.

        OverflowError means a number that a double cannot hold, or a timestamp that UTC cannot express.
        """
        item_id = item_id_of(sent)
        return self._click(
            type=sent.type or DEFAULT_TYPE,
            user_id=sent.user_id or GUEST,
            item_id=item_id,
            event_id=sent.event_id and sent.event_id.lower(),
            occurred_at=to_rfc3339(sent.occurred_at) if sent.occurred_at else None,
            session_id=sent.session_id,
            url=sent.url and clean_url(sent.url, self._keep_query, self._redact, item_id),
            referrer=sent.referrer and clean_url(sent.referrer, self._keep_query, self._redact, item_id),
            title=sent.title,
            element=sent.element and self._normalize_element(sent.element, item_id),
            properties=None if sent.properties is NO_PROPERTIES else _read_properties(sent.properties),
            foreign_host=self._is_foreign(sent.url) if self._hosts and sent.url else None,
        )

    def _normalize_element(self, element: Element, item_id: str | None) -> Element | None:
        if element.href:
            element.href = clean_href(element.href, self._keep_query, self._redact, item_id)
        return element if element != Element() else None

    def _is_foreign(self, url: str) -> bool | None:
        if not self._hosts or self._hosts.has(url):
            return None
        if self._rejects_foreign_hosts:
            raise ForeignHostError
        return True


def item_id_of(sent: ClickInput) -> str | None:
    """Return the item id under either name. Raise ConflictingItemIdsError if both are set and differ."""
    if sent.item_id and sent.item_alias and sent.item_id != sent.item_alias:
        raise ConflictingItemIdsError
    return sent.item_id or sent.item_alias


def lacks_item(type: str | None, item_id: str | None) -> bool:
    """Only clicks of type `click` need an item id."""
    return item_id is None and (type is None or type == DEFAULT_TYPE)


def _item_rule(pattern: str | None) -> Any:
    if pattern is None:
        return Id
    meta = Meta(
        min_length=1,
        max_length=MAX_ID_CHARACTERS,
        pattern=whole_id(pattern),
        description=f"must be a string of 1 to {MAX_ID_CHARACTERS} characters that matches {pattern}",
    )
    return Annotated[str, meta]


def _field(name: str, rule: Any, json_name: str) -> tuple[str, Any, Any]:
    return name, rule | None, msgspec.field(default=None, name=json_name)


def _extend(struct: type[_Struct], fields: list[tuple[str, Any, Any]]) -> type[_Struct]:
    """Return a subclass with these fields, otherwise configured as its base class is."""
    config = struct.__struct_config__
    extended: Any = msgspec.defstruct(
        struct.__name__,
        fields,
        bases=(struct,),
        kw_only=True,
        gc=config.gc,
        omit_defaults=config.omit_defaults,
        forbid_unknown_fields=config.forbid_unknown_fields,
    )
    return cast(type[_Struct], extended)


def is_property_value(value: Any) -> bool:
    """True for a string of at most 512 characters, a number, a boolean or null."""
    kind = type(value)
    return kind in _SCALARS and (kind is not str or len(value) <= MAX_TEXT_CHARACTERS)


def _read_properties(raw: Raw) -> dict[str, str] | None:
    return normalize_properties(_properties.decode(raw) or {})


def normalize_properties(properties: Mapping[str, Any]) -> dict[str, str] | None:
    """Return the values as text, numbers and booleans as JSON writes them. Leave out null.

    Raise ValueError if a value is none of these, and OverflowError for a number that a double cannot hold.
    """
    kinds = set(map(type, properties.values()))
    if type(None) in kinds:
        properties = {name: value for name, value in properties.items() if value is not None}
        kinds.discard(type(None))
    if str not in kinds:
        return dict(zip(properties, _to_texts(list(properties.values()), kinds), strict=True)) or None
    if not all(map(is_property_value, properties.values())):
        raise ValueError("a property is too long, or not a scalar")
    others = [value for value in properties.values() if type(value) is not str]
    texts = iter(_to_texts(others, kinds - {str}))
    return {name: value if type(value) is str else next(texts) for name, value in properties.items()}


def _to_texts(values: list[Any], kinds: set[type]) -> list[str]:
    """Write numbers and booleans as JSON, all at once: one at a time would take three times as long."""
    if not kinds <= _NUMBERS:
        raise ValueError("a property is not a scalar")
    if not values:
        return []
    if int in kinds:
        for value in values:
            float(value)  # OverflowError for an integer that a double cannot hold
    texts = msgspec.json.encode(values)
    if b"null" in texts:  # which stands for infinity
        raise OverflowError("a double cannot hold the number")
    return texts[1:-1].decode().split(",")
