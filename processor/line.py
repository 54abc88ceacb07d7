"""The line that lands: one JSON object per click. docs/line.md tells of each field with an example."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct, defstruct


class Line(Struct, rename="camel", omit_defaults=True, gc=False):
    """A click is decoded into the line that it becomes, so that no field is copied; the steps set the rest.

    A field that is None is left out of the JSON. The steps set all of theirs in every line: what a click
    itself says of them never lands.
    """

    # the click's own
    event_id: str
    type: str
    user_id: str
    item_id: str | None = None  # in JSON it is called what ITEM_ID_FIELD says
    occurred_at: str | None = None
    session_id: str | None = None
    url: str | None = None
    referrer: str | None = None
    title: str | None = None
    element: dict[str, str] | None = None
    properties: dict[str, str] | None = None

    # put_sender
    request_id: str | None = None
    country: str | None = None
    address: str | None = None
    visitor_id: str | None = None
    privacy: str | None = None
    v: int | None = None

    # put_clocks
    sent_at: str | None = None
    received_at: str | None = None
    processed_at: str | None = None
    skew_ms: int | None = None
    lag_ms: int | None = None

    # put_item; the catalogue's attributes come last, by the names that CATALOGUE_ATTRIBUTES gives them
    enrichment: str | None = None

    # put_page, put_campaign
    host: str | None = None
    path: str | None = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    utm_term: str | None = None
    utm_content: str | None = None
    click_id: str | None = None

    # put_referrer
    referrer_host: str | None = None
    referrer_kind: str | None = None

    # put_user_agent, put_bot
    browser: str | None = None
    browser_version: str | None = None
    os: str | None = None
    device: str | None = None
    bot: str | None = None


CLICK_FIELDS = Line.__struct_fields__[: Line.__struct_fields__.index("request_id")]

# What ITEM_ID_FIELD and CATALOGUE_ATTRIBUTES cannot be called.
RESERVED_NAMES = frozenset(Line.__struct_encode_fields__) - {"itemId"}


def line_type(item_field: str, attributes: Sequence[str]) -> type[Line]:
    """The line of this deployment: its item field's name, and a field for each attribute of its catalogue."""
    fields: list[Any] = [("item_id", str | None, None)]
    fields += [(name, str | None, None) for name in attributes]
    line: type[Any] = defstruct(
        "ClickLine",
        fields,
        bases=(Line,),
        rename={"item_id": item_field},
        omit_defaults=True,
        gc=False,
    )
    return line
