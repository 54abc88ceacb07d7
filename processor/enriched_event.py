"""The line that lands in S3: one JSON object per event. docs/line.md describes every field.

A line has two parts: the fields of its event, and the fields that all events of one request share. The
second part is computed and encoded once per envelope. A field that is None is left out of the line.
"""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct, defstruct

GENERIC_ITEM_FIELD = "itemId"  # records may use this name in every deployment, besides its own alias


# gc=False: the garbage collector skips these objects, which saves 2 % of a batch (benchmarks/processor.py).
class EventFields(Struct, rename="camel", omit_defaults=True, gc=False):
    """An event and what the steps found out about it.

    The decoder fills the first part from the record, so that nothing is copied. The steps set every field of
    the second part for every event, so a value that the record claims for one of them never lands.
    """

    event_id: str
    type: str
    user_id: str
    item_id: str | None = None  # the JSON name is the alias that ITEM_ID_FIELD sets
    occurred_at: str | None = None
    session_id: str | None = None
    url: str | None = None
    referrer: str | None = None
    title: str | None = None
    element: dict[str, str] | None = None
    properties: dict[str, str] | None = None
    foreign_host: bool | None = None  # the ingest app marks hosts that ALLOWED_HOSTS does not list

    # The steps set the fields from here on. A deployment adds one field per name in CATALOGUE_ATTRIBUTES.
    item_lookup: str | None = None
    host: str | None = None
    path: str | None = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    utm_term: str | None = None
    utm_content: str | None = None
    click_id: str | None = None
    referrer_host: str | None = None
    referrer_kind: str | None = None


class AliasedEventFields(EventFields, rename="camel", omit_defaults=True, gc=False):
    """An event that may name its item by the alias or by `itemId`. The alias wins, and the line uses it."""

    generic_item_id: str | None = None  # the JSON name is `itemId`

    def __post_init__(self) -> None:  # msgspec calls this after it has decoded an event
        if self.generic_item_id is not None:
            if self.item_id is None:
                self.item_id = self.generic_item_id
            self.generic_item_id = None


class RequestFields(Struct, rename="camel", omit_defaults=True, gc=False):
    """What all events of one envelope share."""

    v: int | None = None
    request_id: str | None = None
    sent_at: str | None = None
    received_at: str | None = None
    processed_at: str | None = None
    skew_ms: int | None = None
    lag_ms: int | None = None
    country: str | None = None
    address: str | None = None
    visitor_id: str | None = None
    privacy: str | None = None
    browser: str | None = None
    browser_version: str | None = None
    os: str | None = None
    device: str | None = None
    bot: str | None = None


# The fields that a click may set itself.
OWN_FIELDS = EventFields.__struct_fields__[: EventFields.__struct_fields__.index("item_lookup")]

# Names that ITEM_ID_FIELD and CATALOGUE_ATTRIBUTES may not use, in lower case because table columns ignore
# case: the fields by both of their names, the table's partitions, and the column of lines written by 0.1.0.
RESERVED_NAMES = {
    name.lower()
    for fields in (EventFields, RequestFields)
    for name in (*fields.__struct_fields__, *fields.__struct_encode_fields__)
} | {"dt", "hr", "enrichment"}


def build_event_class(item_field: str, attributes: Sequence[str]) -> type[EventFields]:
    """Return the event class of this deployment: the item id under its alias, one field per attribute."""
    rename = {"item_id": item_field}
    fields: list[Any] = [("item_id", str | None, None)]
    base: type[EventFields] = EventFields
    if item_field != GENERIC_ITEM_FIELD:
        base = AliasedEventFields
        fields.append(("generic_item_id", str | None, None))
        rename["generic_item_id"] = GENERIC_ITEM_FIELD
    fields += [(name, str | None, None) for name in attributes]
    event_class: type[Any] = defstruct(
        "Event",
        fields,
        bases=(base,),
        rename=rename,
        omit_defaults=True,
        gc=False,
    )
    return event_class
