"""The types of a click for one ITEM_ID_FIELD, and how a click that was sent becomes one that is stored."""

from collections.abc import Mapping
from typing import Any, TypeVar, cast

import msgspec

from ingest_app.clicks import DEFAULT_TYPE, GUEST, Click, ClickInput, Element, Id, PropertyValue
from ingest_app.parsing.urls import clean_href, clean_url
from ingest_app.timestamps import to_rfc3339

ITEM_ID = "itemId"
"""The name of the item id that the API always accepts."""

_Struct = TypeVar("_Struct", ClickInput, Click)


class ConflictingItemIdsError(ValueError):
    """A click has an item id under both names, and the two differ."""


class ClickSchema:
    """ClickInput and Click with the item id named as ITEM_ID_FIELD says, and the step from one to the other.

    A page may call the item id `itemId` or by the name in ITEM_ID_FIELD. The envelope uses the latter.
    """

    def __init__(self, item_id_field: str, keep_query: bool) -> None:
        self.item_id_field = item_id_field
        self._keep_query = keep_query
        alias = [] if item_id_field == ITEM_ID else [_field("item_alias", Id, item_id_field)]
        self.click_input = _extend(ClickInput, alias)
        self._click = _extend(Click, [_field("item_id", str, item_id_field)])

    def normalize(self, sent: ClickInput) -> Click:
        """Raise ConflictingItemIdsError, or OverflowError.

        OverflowError means a number that a double cannot hold, or a timestamp that UTC cannot express.
        """
        return self._click(
            type=sent.type or DEFAULT_TYPE,
            user_id=sent.user_id or GUEST,
            item_id=item_id_of(sent),
            event_id=sent.event_id and sent.event_id.lower(),
            occurred_at=to_rfc3339(sent.occurred_at) if sent.occurred_at else None,
            session_id=sent.session_id,
            url=sent.url and clean_url(sent.url, self._keep_query),
            referrer=sent.referrer and clean_url(sent.referrer, self._keep_query),
            title=sent.title,
            element=sent.element and self._normalize_element(sent.element),
            properties=_normalize_properties(sent.properties) if sent.properties else None,
        )

    def _normalize_element(self, element: Element) -> Element | None:
        if element.href:
            element.href = clean_href(element.href, self._keep_query)
        return element if element != Element() else None


def item_id_of(sent: ClickInput) -> str | None:
    """Return the item id under either name. Raise ConflictingItemIdsError if both are set and differ."""
    if sent.item_id and sent.item_alias and sent.item_id != sent.item_alias:
        raise ConflictingItemIdsError
    return sent.item_id or sent.item_alias


def lacks_item(type: str | None, item_id: str | None) -> bool:
    """Only clicks of type `click` need an item id."""
    return item_id is None and (type is None or type == DEFAULT_TYPE)


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


def _normalize_properties(properties: Mapping[str, PropertyValue]) -> dict[str, str] | None:
    return {name: _to_text(value) for name, value in properties.items() if value is not None} or None


def _to_text(value: str | int | float) -> str:
    """Return numbers and booleans as JSON writes them."""
    if isinstance(value, str):
        return value
    float(value)  # OverflowError for an integer that a double cannot hold; msgspec rejects such floats itself
    return msgspec.json.encode(value).decode()
