"""What a click is: the rule of every field, and the types from a request to the envelope.

ClickInput is a click as a page sends it. Click is the same click cleaned, as the envelope has it.
parsing/ turns the first into the second.

The structs have `gc=False`: they can never be part of a reference cycle, so Python's garbage collector need
not visit the 2,000 objects of a 500-click request. That saves 4 % of such a request (benchmarks/warm.py).
"""

from datetime import datetime
from typing import Annotated, Any, ClassVar

from msgspec import Meta, Raw, Struct

from ingest_app.problems import FieldErrors

MAX_CLICKS = 500
MAX_ID_CHARACTERS = 128
MAX_TEXT_CHARACTERS = 512
MAX_URL_CHARACTERS = 2048
MAX_PROPERTIES = 32
MAX_PROPERTY_NAME_CHARACTERS = 64

DEFAULT_TYPE = "click"
GUEST = "guest"

# The rule of each field: the limits that msgspec checks, and the reason that a receipt gives.
Id = Annotated[
    str,
    Meta(min_length=1, max_length=MAX_ID_CHARACTERS, description="must be a string of 1 to 128 characters"),
]
Type = Annotated[
    str,
    Meta(
        pattern=r"\A[a-z][a-z0-9_]{0,63}\Z",
        description="must start with a letter and have at most 64 characters of a-z, 0-9 and _",
    ),
]
EventId = Annotated[
    str,
    Meta(pattern=r"\A[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\Z", description="must be a UUID"),
]
Timestamp = Annotated[datetime, Meta(tz=True, description="must be an RFC 3339 timestamp with a UTC offset")]
SessionId = Annotated[
    str, Meta(max_length=MAX_ID_CHARACTERS, description="must be a string of at most 128 characters")
]
# A scheme, "://" and a host. Userinfo may come before the host, so an authority that ends in "@" has no host.
# White space, control characters and backslashes are not allowed anywhere: lenient.py repairs URLs with them,
# and cuts URLs that are too long.
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
Properties = Annotated[dict[PropertyName, Any], Meta(max_length=MAX_PROPERTIES)]
"""schema.py checks the values."""
PROPERTIES_RULE = "must be an object of at most 32 names"
NO_PROPERTIES = Raw(b"null")


class Element(Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """The clicked element, as the page's markup describes it."""

    tag: Text | None = None
    id: Text | None = None
    text: Text | None = None
    href: Text | None = None
    name: Text | None = None
    selector: Text | None = None


class ClickInput(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True, gc=False):
    """A click as a page sends it."""

    type: Type | None = None
    user_id: Id | None = None
    item_id: Id | None = None
    item_alias: ClassVar[str | None] = None
    """The item id under the name in ITEM_ID_FIELD: a field of the subclass that ClickSchema makes."""
    event_id: EventId | None = None
    occurred_at: Timestamp | None = None
    session_id: SessionId | None = None
    url: Url | None = None
    referrer: Url | None = None
    title: Text | None = None
    element: Annotated[Element, Meta(description="must be an object")] | None = None
    properties: Annotated[Raw, Meta(description=PROPERTIES_RULE)] = NO_PROPERTIES
    """JSON until schema.py reads it, so that no parser reads it twice."""


class Click(Struct, rename="camel", omit_defaults=True, kw_only=True, gc=False):
    """A click as the envelope has it: timestamps in UTC, URLs cleaned, property values as strings."""

    type: str
    user_id: str
    item_id: str | None = None
    """In JSON it has the name in ITEM_ID_FIELD."""
    event_id: str | None = None
    """In lower case. receipts.py makes one if the page sent none."""
    occurred_at: str | None = None
    session_id: str | None = None
    url: str | None = None
    referrer: str | None = None
    title: str | None = None
    element: Element | None = None
    properties: dict[str, str] | None = None
    foreign_host: bool | None = None
    """True if the host of `url` is not in ALLOWED_HOSTS."""


class ParseResult(Struct, gc=False):
    """One click of a request: valid, perhaps with dropped fields, or rejected (`click` is None)."""

    click: Click | None
    errors: FieldErrors | None = None
    """Of a valid click the dropped fields. Of a rejected click all errors, those that reject it first."""
    event_id: str | None = None
    """Of a rejected click its eventId, if that was valid."""
    cut: list[str] | None = None
    """Of a valid click the paths of the texts that were too long and were cut."""


class ParsedRequest(Struct):
    """The clicks of one request, in order."""

    results: list[ParseResult]
    sent_at: str | None = None
    ignored: FieldErrors | None = None
    """Dropped members of the object around the clicks."""
