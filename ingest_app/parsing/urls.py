"""Clean URLs: remove the fragment, the userinfo, and all of the query except campaign parameters."""

import re

CLICK_IDS = frozenset(
    [
        *("dclid", "gbraid", "gclid", "wbraid"),  # Google
        *("fbclid", "li_fat_id", "msclkid", "rdt_cid", "sccid", "ttclid", "twclid", "yclid"),
    ]
)
"""Advertisers recognize visits from their ads by these. None identifies a person; mc_eid would."""

# Browsers allow any number of slashes after a web scheme, and a backslash instead of a slash:
# url.spec.whatwg.org/#scheme-state. The last @ before the path ends the userinfo. Without a host browsers do
# not accept the URL, but removing its userinfo must not turn what follows into a new one.
_USERINFO = re.compile(
    r"\A((?:(?:https?|wss?|ftp):|(?:[a-z][a-z0-9+.-]*:)?[/\\]{2})[/\\]*)(?:[^/\\]*@[/\\]*)+", re.I
)
_STRIPPED_BY_BROWSERS = re.compile(r"\A[\x00-\x20]+|[\t\r\n]+")  # url.spec.whatwg.org/#url-parsing


def clean_url(url: str, keep_query: bool = False) -> str:
    """Remove fragment and userinfo. Of the query keep campaign parameters, unchanged, or all of it.

    Works for any absolute or relative URL without white space and control characters. Never makes it longer.
    """
    base, mark, query = url.partition("#")[0].partition("?")
    if "@" in base:
        base = _USERINFO.sub(r"\1", base)
    if mark and not keep_query:
        parts = query.split("&")
        query = "&".join([part for part in parts if is_campaign_parameter(part.partition("=")[0])])
    return f"{base}?{query}" if query else base


def clean_href(href: str, keep_query: bool = False) -> str:
    """Clean an absolute or relative URL from a page's markup, which browsers strip of white space first."""
    return clean_url(_STRIPPED_BY_BROWSERS.sub("", href), keep_query)


def drop_query(url: str) -> str:
    """Remove the query of a URL that `clean_url` returned."""
    return url.partition("?")[0]


def is_campaign_parameter(name: str) -> bool:
    """True for `utm_…` and for the click ids of advertisers."""
    name = name.lower()
    return name.startswith("utm_") or name in CLICK_IDS
