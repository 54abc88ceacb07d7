"""What a page's URL says: where it is, and the campaign that brought its visitor."""

from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote_plus

from processor.url import parse_url

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
_NAMES = {"utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", *CLICK_IDS}


class Campaign(NamedTuple):
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    utm_term: str | None = None
    utm_content: str | None = None
    click_id: str | None = None


class Page(NamedTuple):
    host: str | None = None
    path: str | None = None
    campaign: Campaign = Campaign()


# Few are kept: what is read once and kept for nothing costs a batch of new URLs a tenth of its time.
@lru_cache(maxsize=1024)
def parse_page(text: str | None) -> Page:
    """Nothing where the URL cannot be read."""
    url = parse_url(text) if text else None
    if url is None:
        return Page()
    host, path, query = url
    return Page(host, path, parse_campaign(query))


@lru_cache(maxsize=1024)  # by itself, since one campaign leads to many pages
def parse_campaign(query: str) -> Campaign:
    """utm_… and advertisers' ids. One that stands twice counts as it stood first, an empty one does not."""
    found: dict[str, str] = {}
    for parameter in query.split("&"):
        name, _, value = parameter.partition("=")
        if value and (name := name.lower()) in _NAMES and name not in found:
            found[name] = value if value.isalnum() else unquote_plus(value)
    return Campaign(
        found.get("utm_source"),
        found.get("utm_medium"),
        found.get("utm_campaign"),
        found.get("utm_term"),
        found.get("utm_content"),
        next((found[name] for name in CLICK_IDS if name in found), None),
    )
