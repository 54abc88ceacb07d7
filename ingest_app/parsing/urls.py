"""Clean URLs: remove the fragment, the userinfo, and all of the query except campaign parameters."""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import quote

from ingest_app.clicks import MAX_URL_CHARACTERS
from ingest_app.parsing.redact import MIN_TOKEN_CHARACTERS, NO_REDACTION, RedactionRules, redact_path

CAMPAIGN_NAMES = frozenset(["utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "utm_id"])
"""Other names that begin with utm_ are not kept: anything can stand there, such as a mail address."""

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
# One search for the whole query: splitting it would cost as much for each of 2,000 ampersands as for a
# parameter.
_KEPT_PARAMETER = re.compile(
    rf"(?:\A|(?<=&))(?:{'|'.join(sorted(CAMPAIGN_NAMES | CLICK_IDS))})(?=[=&]|\Z)[^&]*",
    re.IGNORECASE | re.ASCII,
)
# Links that are not web pages hold a mail address, a phone number or code. Only their scheme is kept.
_OTHER_SCHEME = re.compile(r"(?!(?:https?|wss?|ftp):)([a-z][a-z0-9+.-]*:)", re.IGNORECASE)
_END_OF_AUTHORITY = re.compile(r"[/?#\\]")
_PORT = re.compile(r":\d*\Z", re.ASCII)
_STRIPPED_BY_BROWSERS = re.compile(r"\A[\x00-\x20]+|[\t\r\n]+")  # url.spec.whatwg.org/#url-parsing
_ENDING_STRIPPED_BY_BROWSERS = re.compile(r"[\x00-\x20]+\Z")
_ABSOLUTE = re.compile(r"([a-z][a-z0-9+.-]*)://([^/]*)(.*)", re.IGNORECASE | re.DOTALL)
_HOST_AND_PORT = re.compile(
    r"(\[[0-9a-f:.]+\]|[^\s\x00-\x1f\x7f%:@/?#\\\[\]]+)(:[0-9]*)?", re.IGNORECASE | re.ASCII
)
_TO_ESCAPE = re.compile(r"[\s\x00-\x1f\x7f\\]+")
_BROKEN_ESCAPE_AT_THE_END = re.compile(r"%[0-9A-Fa-f]?\Z")

MAX_QUERY_CACHED = 2048
MAX_INTERNATIONAL_HOST = 100
"""Characters. Punycode's time grows with the square of the length."""


def clean_url(
    url: str,
    keep_query: bool = False,
    rules: RedactionRules = NO_REDACTION,
    item_id: str | None = None,
) -> str:
    """Remove fragment and userinfo, and redact the path. Of the query keep campaign parameters, or all of it.

    Works for any absolute or relative URL without white space and control characters. Never makes it longer.
    """
    base, mark, query = url.partition("#")[0].partition("?")
    if "@" in base:
        base = _USERINFO.sub(r"\1", base)
    # The path of an absolute URL begins at the first slash behind the scheme. Most are too short to redact.
    if len(base) - base.find("/", 8) >= MIN_TOKEN_CHARACTERS or "@" in base or "%40" in base or rules.paths:
        base = redact_path(base, rules, item_id)
    if mark and not keep_query:
        query = _keep_campaign(query) if len(query) <= MAX_QUERY_CACHED else _find_campaign(query)
    return f"{base}?{query}" if query else base


def _find_campaign(query: str) -> str:
    """Return the campaign parameters of a query."""
    return "&".join(_KEPT_PARAMETER.findall(query))


_keep_campaign = lru_cache(maxsize=128)(_find_campaign)
"""Most clicks of a request have the same query, so the cache saves 6 % of a request of 500 clicks
(benchmarks/warm.py)."""


def repair_url(text: str) -> str | None:
    """Write an absolute URL as browsers write it: a host in ASCII, `/` for a backslash, white space escaped.

    Return None if it has no host. The result can be longer than the limit: clean it first, then cut it. So
    what cleaning removes, such as the fragment, costs nothing of what it keeps.
    """
    text = _ENDING_STRIPPED_BY_BROWSERS.sub("", _STRIPPED_BY_BROWSERS.sub("", text))
    base, mark, query = text.partition("#")[0].partition("?")
    if not _OTHER_SCHEME.match(base):
        base = base.replace("\\", "/")
    absolute = _ABSOLUTE.fullmatch(base)
    host = _repair_host(absolute[2].rpartition("@")[2]) if absolute else None
    if not absolute or not host:
        return None
    return f"{absolute[1]}://{host}{_escape(absolute[3])}{mark}{_escape(query)}"


def _escape(text: str) -> str:
    return _TO_ESCAPE.sub(lambda found: quote(found[0], safe=""), text)


def _repair_host(text: str) -> str | None:
    """Write an international host as browsers do, in Punycode. Return None if the text is not a host."""
    if len(text) > MAX_INTERNATIONAL_HOST and not text.isascii():
        return None
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text.lower().replace("\u3002", "."))
    found = _HOST_AND_PORT.fullmatch(text)
    if not found or len(text) > MAX_URL_CHARACTERS:
        return None
    labels = found[1].split(".")
    host = ".".join(
        label if label.isascii() else f"xn--{label.encode('punycode').decode()}" for label in labels
    )
    return f"{host}{found[2] or ''}"


def cut_url(url: str) -> str:
    """Cut a cleaned URL to the limit. Its query goes first, of which campaign parameters stay if they fit."""
    if len(url) <= MAX_URL_CHARACTERS:
        return url
    base, _, query = url.partition("?")
    room = MAX_URL_CHARACTERS - len(base)
    if room < 0:
        return _BROKEN_ESCAPE_AT_THE_END.sub("", base[:MAX_URL_CHARACTERS])
    kept: list[str] = []
    for parameter in _KEPT_PARAMETER.findall(query):
        if len(parameter) < room:
            kept.append(parameter)
            room -= len(parameter) + 1
    return f"{base}?{'&'.join(kept)}" if kept else base


def clean_href(
    href: str,
    keep_query: bool = False,
    rules: RedactionRules = NO_REDACTION,
    item_id: str | None = None,
) -> str:
    """Clean a link from a page's markup, which browsers strip of white space first.

    An absolute or relative URL is cleaned like any other. Of `mailto:`, `tel:` and other schemes that are not
    web pages, only the scheme is kept.
    """
    href = _STRIPPED_BY_BROWSERS.sub("", href)
    if other := _OTHER_SCHEME.match(href):
        return other[1]
    return redact_path(clean_url(href, keep_query), rules, item_id)


def drop_query(url: str) -> str:
    """Remove the query of a URL that `clean_url` returned."""
    return url.partition("?")[0]


class AllowedHosts:
    """The hosts that ALLOWED_HOSTS lists: names, IP addresses, and `*.shop.example` for every subdomain."""

    def __init__(self, hosts: Iterable[str]) -> None:
        self._names = frozenset(host for host in hosts if not host.startswith("*."))
        self._endings = tuple(host[1:] for host in hosts if host.startswith("*."))

    def has(self, url: str) -> bool:
        """Judge an absolute URL by the host that a browser would ask, whatever its port."""
        host = host_of(url)
        return host in self._names or (bool(self._endings) and host.endswith(self._endings))


def host_of(url: str) -> str:
    """Return the host of an absolute URL in lower case, without userinfo, port and a last dot."""
    authority = _END_OF_AUTHORITY.split(url.partition("://")[2], maxsplit=1)[0]
    host = authority.rpartition("@")[2]
    return _PORT.sub("", host).lower().removesuffix(".")
