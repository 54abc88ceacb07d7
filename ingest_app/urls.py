"""Addresses, without what nobody asked to be kept: fragment, userinfo, and most of the query."""

import re

CLICK_IDS = frozenset(
    [
        *("dclid", "gbraid", "gclid", "wbraid"),  # Google
        *("fbclid", "li_fat_id", "msclkid", "rdt_cid", "sccid", "ttclid", "twclid", "yclid"),
    ]
)
"""What advertisers add to a link so that a visit is known to be theirs. None is a person's (as mc_eid is)."""

# A scheme of the web takes any number of slashes, and a backslash for one: url.spec.whatwg.org/#scheme-
# state. The last @ before the path ends the userinfo. Where no host follows it is no URL to a browser,
# but what does follow must not become the userinfo of what is kept.
_USERINFO = re.compile(
    r"\A((?:(?:https?|wss?|ftp):|(?:[a-z][a-z0-9+.-]*:)?[/\\]{2})[/\\]*)(?:[^/\\]*@[/\\]*)+", re.I
)
_STRIPPED_BY_BROWSERS = re.compile(r"\A[\x00-\x20]+|[\t\r\n]+")  # url.spec.whatwg.org/#url-parsing


def clean_url(url: str, keep_query: bool = False) -> str:
    """Drop the fragment and the userinfo; of the query keep the campaign's parameters, as they were written.

    Takes any reference without blanks and control characters, and never makes it longer.
    """
    base, mark, query = url.partition("#")[0].partition("?")
    if "@" in base:
        base = _USERINFO.sub(r"\1", base)
    if mark and not keep_query:
        parts = query.split("&")
        query = "&".join([part for part in parts if is_campaign_parameter(part.partition("=")[0])])
    return f"{base}?{query}" if query else base


def clean_href(href: str, keep_query: bool = False) -> str:
    """The same for what stands in a page's markup: absolute or relative, and read as browsers read it."""
    return clean_url(_STRIPPED_BY_BROWSERS.sub("", href), keep_query)


def drop_query(url: str) -> str:
    """Of an address that `clean_url` made."""
    return url.partition("?")[0]


def is_campaign_parameter(name: str) -> bool:
    """`utm_…`, or an advertiser's click id."""
    name = name.lower()
    return name.startswith("utm_") or name in CLICK_IDS
