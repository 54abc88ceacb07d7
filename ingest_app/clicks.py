"""Untrusted JSON to clicks.

msgspec decodes and validates in one go; only what it refuses is read again by the slower `salvage.py`, which
names every error and saves each click that can be saved. Both end in `keep`.

`gc=False`: none can be part of a cycle, and 500 clicks are 2,000 objects that the collector need not look at
(4 % of such a request).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, TypeVar, cast

import msgspec
from msgspec import Meta, Struct

from ingest_app.instants import to_rfc3339
from ingest_app.refusals import FieldError
from ingest_app.urls import clean_href, clean_url

MAX_CLICKS = 500
MAX_ID_CHARACTERS = 128
MAX_TEXT_CHARACTERS = 512
MAX_URL_CHARACTERS = 2048
MAX_PROPERTIES = 32
MAX_PROPERTY_NAME_CHARACTERS = 64

DEFAULT_TYPE = "click"
GUEST = "guest"

# A field's rule: what msgspec checks, and beside it the reason that a page is told.
Id = Annotated[
    str,
    Meta(min_length=1, max_length=MAX_ID_CHARACTERS, description="must be a string of 1 to 128 characters"),
]
Type = Annotated[
    str,
    Meta(
        pattern=r"\A[a-z][a-z0-9_]{0,63}\Z",
        description="must begin with a letter and hold at most 64 of a-z, 0-9 and _",
    ),
]
EventId = Annotated[
    str,
    Meta(pattern=r"\A[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\Z", description="must be a UUID"),
]
Instant = Annotated[datetime, Meta(tz=True, description="must be an RFC 3339 time with offset")]
SessionId = Annotated[
    str, Meta(max_length=MAX_ID_CHARACTERS, description="must be a string of at most 128 characters")
]
# A scheme, two slashes and a host (behind the userinfo, if any: so what ends in an @ has none); no blank,
# control character or backslash.
Url = Annotated[
    str,
    Meta(
        max_length=MAX_URL_CHARACTERS,
        pattern=r"\A[A-Za-z][A-Za-z0-9+.\-]*://[^/?#\\\s\x00-\x1f\x7f]*[^/?#@\\\s\x00-\x1f\x7f]"
        r"(?:[/?#][^\\\s\x00-\x1f\x7f]*)?\Z",
        description="must be an absolute URL of at most 2048 characters",
    ),
]
Text = Annotated[
    str, Meta(max_length=MAX_TEXT_CHARACTERS, description="must be a string of at most 512 characters")
]
PropertyName = Annotated[str, Meta(max_length=MAX_PROPERTY_NAME_CHARACTERS)]
PropertyValue = Text | int | float | bool | None
Properties = Annotated[
    dict[PropertyName, PropertyValue],
    Meta(max_length=MAX_PROPERTIES, description="must be an object of at most 32 names"),
]


class Element(Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """What was clicked, of the page's own markup."""

    tag: Text | None = None
    id: Text | None = None
    text: Text | None = None
    href: Text | None = None


class SentClick(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True, gc=False):
    """A click as a page sends it. `item_id` has the name that ITEM_ID_FIELD says."""

    type: Type | None = None
    user_id: Id | None = None
    item_id: Id | None = None
    event_id: EventId | None = None
    occurred_at: Instant | None = None
    session_id: SessionId | None = None
    url: Url | None = None
    referrer: Url | None = None
    title: Text | None = None
    element: Annotated[Element, Meta(description="must be an object")] | None = None
    properties: Properties | None = None


class Click(Struct, rename="camel", omit_defaults=True, kw_only=True, gc=False):
    """A click as it is kept: times in UTC, addresses cleaned, properties as strings."""

    type: str
    user_id: str
    item_id: str | None = None
    event_id: str | None = None
    """Lower case; given by receipts.py where the page sent none."""
    occurred_at: str | None = None
    session_id: str | None = None
    url: str | None = None
    referrer: str | None = None
    title: str | None = None
    element: Element | None = None
    properties: dict[str, str] | None = None


_Click = TypeVar("_Click", SentClick, Click)


class Outcome(Struct, gc=False):
    """One click of a request: kept, perhaps without some fields, or (`click` is None) rejected."""

    click: Click | None
    errors: list[FieldError] = []
    """Of a kept click what was left out, of a rejected one everything; what cost the click comes first."""
    event_id: str | None = None
    """Of a rejected click, if it had a valid one."""


class Batch(Struct):
    """A request's clicks, in order."""

    outcomes: list[Outcome]
    sent_at: str | None = None
    ignored: list[FieldError] = []
    """Of the object around the clicks."""


def item_is_missing(type: str | None, item_id: str | None) -> bool:
    """Only a `click` needs an item."""
    return item_id is None and (type is None or type == DEFAULT_TYPE)


class Vocabulary:
    """The types of a click for one name of the item's field, and the way from sent to kept."""

    def __init__(self, item_id_field: str, keep_query: bool) -> None:
        self.item_id_field = item_id_field
        self._keep_query = keep_query
        self.sent_click = _with_item_named(item_id_field, SentClick, Id)
        self._click = _with_item_named(item_id_field, Click, str)

    def keep(self, sent: SentClick) -> Click:
        """Raise OverflowError for a number beyond a double, or a time that UTC cannot hold."""
        return self._click(
            type=sent.type or DEFAULT_TYPE,
            user_id=sent.user_id or GUEST,
            item_id=sent.item_id,
            event_id=sent.event_id and sent.event_id.lower(),
            occurred_at=to_rfc3339(sent.occurred_at) if sent.occurred_at else None,
            session_id=sent.session_id,
            url=sent.url and clean_url(sent.url, self._keep_query),
            referrer=sent.referrer and clean_url(sent.referrer, self._keep_query),
            title=sent.title,
            element=sent.element and self._keep_element(sent.element),
            properties=_keep_properties(sent.properties) if sent.properties else None,
        )

    def _keep_element(self, element: Element) -> Element | None:
        if element.href:
            element.href = clean_href(element.href, self._keep_query)
        return element if element != Element() else None


def _with_item_named(name: str, click: type[_Click], rule: Any) -> type[_Click]:
    item = ("item_id", rule | None, msgspec.field(default=None, name=name))
    config = click.__struct_config__
    named: Any = msgspec.defstruct(
        click.__name__,
        [item],
        bases=(click,),
        kw_only=True,
        gc=config.gc,
        omit_defaults=config.omit_defaults,
        forbid_unknown_fields=config.forbid_unknown_fields,
    )
    return cast(type[_Click], named)


def _keep_properties(properties: Mapping[str, PropertyValue]) -> dict[str, str] | None:
    return {name: _to_text(value) for name, value in properties.items() if value is not None} or None


def _to_text(value: str | int | float) -> str:
    """Numbers and booleans as JSON writes them."""
    if isinstance(value, str):
        return value
    float(value)  # raises OverflowError for an integer beyond a double; msgspec itself refuses other numbers
    return msgspec.json.encode(value).decode()


class GoodPath:
    """What msgspec alone can say: every click is valid, or raise and say nothing of which."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._keep = vocabulary.keep
        clicks = Annotated[list[vocabulary.sent_click], Meta(min_length=1, max_length=MAX_CLICKS)]  # type: ignore[name-defined]
        batch = msgspec.defstruct(
            "SentBatch",
            [("clicks", clicks), ("sent_at", Instant | None, None)],
            rename="camel",
            forbid_unknown_fields=True,
        )
        self._batches = msgspec.json.Decoder(batch | clicks)
        self._clicks = msgspec.json.Decoder(vocabulary.sent_click)

    def parse(self, body: bytes) -> Batch:
        """Raise msgspec.MsgspecError, ValueError, OverflowError or RecursionError."""
        try:
            sent = self._batches.decode(body)
        except msgspec.ValidationError:
            return Batch(self._outcomes([self._clicks.decode(body)]))
        if isinstance(sent, list):
            return Batch(self._outcomes(sent))
        return Batch(self._outcomes(sent.clicks), to_rfc3339(sent.sent_at) if sent.sent_at else None)

    def _outcomes(self, clicks: Iterable[SentClick]) -> list[Outcome]:
        outcomes = []
        for click in clicks:
            if item_is_missing(click.type, click.item_id):
                raise ValueError("a click without item: salvage.py says which")
            outcomes.append(Outcome(self._keep(click)))
        return outcomes
