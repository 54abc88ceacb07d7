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
_UTM = {"utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content"}


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
def parse_page(text: str | None) -> Page:
    """Nothing where the URL cannot be read."""
    url = parse_url(text) if text else None
    if url is None:
        return Page()
    host, path, query = url
    if not query:
        return Page(host, path)
    utm, click_ids = _campaign_parameters(query)
    return Page(
        host,
        path,
        utm.get("utm_source"),
        utm.get("utm_medium"),
        utm.get("utm_campaign"),
        utm.get("utm_term"),
        utm.get("utm_content"),
        next((click_ids[name] for name in CLICK_IDS if name in click_ids), None) if click_ids else None,
    )


def _campaign_parameters(query: str) -> tuple[dict[str, str], dict[str, str]]:
    """utm_… and advertisers' ids. One that stands twice counts as it stood first, an empty one does not."""
    utm: dict[str, str] = {}
    click_ids: dict[str, str] = {}
    for parameter in query.split("&"):
        name, _, value = parameter.partition("=")
        name = name.lower()
        found = utm if name in _UTM else click_ids
        if value and name not in found and (found is utm or name in CLICK_IDS):
            found[name] = value if value.isalnum() else unquote_plus(value)
    return utm, click_ids
