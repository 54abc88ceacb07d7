"""The line that lands: one JSON object per click. docs/line.md tells of each field, with an example.

It is made of two parts, the click's own fields and those that all clicks of an envelope share, so that
the second is worked out and written once per envelope. A field that is None is left out.
"""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct, defstruct


class ClickFields(Struct, rename="camel", omit_defaults=True, gc=False):
    """A click is decoded into what its line becomes, so that nothing is copied; the steps set the rest.

    They set all of theirs for every click: what a click itself says of those never lands.
    """

    event_id: str
    type: str
    user_id: str
    item_id: str | None = None  # in JSON it has the name that ITEM_ID_FIELD says
    occurred_at: str | None = None
    session_id: str | None = None
    url: str | None = None
    referrer: str | None = None
    title: str | None = None
    element: dict[str, str] | None = None
    properties: dict[str, str] | None = None

    # from here on the steps'; the catalogue's attributes come last, with the names of CATALOGUE_ATTRIBUTES
    enrichment: str | None = None
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


class SharedFields(Struct, rename="camel", omit_defaults=True, gc=False):
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


# What a click itself may say.
OWN_FIELDS = ClickFields.__struct_fields__[: ClickFields.__struct_fields__.index("enrichment")]

# What ITEM_ID_FIELD and CATALOGUE_ATTRIBUTES cannot be called, in lower case: the fields, by both of their
# names, and the table's partitions. A table's columns know no case.
RESERVED_NAMES = {
    name.lower()
    for fields in (ClickFields, SharedFields)
    for name in (*fields.__struct_fields__, *fields.__struct_encode_fields__)
} | {"dt", "hr"}


def click_type(item_field: str, attributes: Sequence[str]) -> type[ClickFields]:
    """This deployment's: the item field's name, and a field for each attribute of the catalogue."""
    fields: list[Any] = [("item_id", str | None, None)]
    fields += [(name, str | None, None) for name in attributes]
    click: type[Any] = defstruct(
        "Click",
        fields,
        bases=(ClickFields,),
        rename={"item_id": item_field},
        omit_defaults=True,
        gc=False,
    )
    return click
