"""What a page's URL says: where it is, and the campaign that brought its visitor."""

from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

# The ids that advertisers add to a landing page's URL, in the order in which one is taken.
CLICK_IDS = (
    "gclid",
    "gbraid",
    "wbraid",
    "dclid",
    "fbclid",
    "msclkid",
    "ttclid",
    "twclid",
    "li_fat_id",
    "yclid",
)


class Page(NamedTuple):
    host: str | None = None
    path: str | None = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    utm_term: str | None = None
    utm_content: str | None = None
    click_id: str | None = None


@lru_cache(maxsize=8192)
def parse_page(url: str | None) -> Page:
    try:
        parts = urlsplit(url or "")
        host = parts.hostname
    except ValueError:  # such as an address in brackets that is none
        return Page()
    query = {name.lower(): value for name, value in reversed(parse_qsl(parts.query))}
    return Page(
        host or None,
        parts.path or ("/" if host else None),
        query.get("utm_source"),
        query.get("utm_medium"),
        query.get("utm_campaign"),
        query.get("utm_term"),
        query.get("utm_content"),
        next((query[name] for name in CLICK_IDS if name in query), None),
    )
