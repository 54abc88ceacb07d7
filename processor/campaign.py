"""What a page's URL says: where it is, and the campaign that brought its visitor."""

from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

# The ids that advertisers add to a landing page's URL; of several the first in this order is taken.
CLICK_IDS = (
    "gclid",  # Google Ads
    "gbraid",  # Google Ads, from an app of iOS to the web
    "wbraid",  # Google Ads, from the web to an app of iOS
    "dclid",  # Google Display & Video
    "msclkid",  # Microsoft
    "fbclid",  # Meta
    "ttclid",  # TikTok
    "twclid",  # X
    "li_fat_id",  # LinkedIn
    "rdt_cid",  # Reddit
    "sccid",  # Snapchat
    "yclid",  # Yandex
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
    """Nothing where the URL cannot be read; a parameter that stands in it twice counts as it stood first."""
    try:
        parts = urlsplit(url or "")
        host = parts.hostname
    except ValueError:  # such as brackets around what is no address
        return Page()
    if not host:
        return Page()
    query = {name.lower(): value for name, value in reversed(parse_qsl(parts.query))} if parts.query else {}
    return Page(
        host,
        parts.path or "/",
        query.get("utm_source"),
        query.get("utm_medium"),
        query.get("utm_campaign"),
        query.get("utm_term"),
        query.get("utm_content"),
        next((query[name] for name in CLICK_IDS if name in query), None),
    )
