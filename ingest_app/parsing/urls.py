"""Clean URLs: remove the fragment, the userinfo, and all of the query except campaign parameters."""

import re
from collections.abc import Iterable
from functools import lru_cache

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
_C0_AND_SPACE = "".join(map(chr, range(33)))
_ABSOLUTE = re.compile(r"([a-z][a-z0-9+.-]*)://([^/]*)(.*)", re.IGNORECASE | re.DOTALL)
_HOST = re.compile(r"(?:\[[0-9a-f:.]+\]|[^\s\x00-\x1f\x7f:@/?#\\\[\]]+)(?::[0-9]*)?", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_BROKEN_ESCAPE_AT_THE_END = re.compile(r"%[0-9A-Fa-f]?\Z")

MAX_QUERY_CACHED = 2048


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
    """Read an absolute URL as browsers do: strip white space around it, and take a backslash for a slash.

    Return None if it has no host, or control characters before the query. The result can have white space,
    and be too long: clean it first, then `escape_and_cut` it. So what cleaning removes costs nothing of what
    it keeps.
    """
    text = text.strip(_C0_AND_SPACE).replace("\t", "").replace("\n", "").replace("\r", "")
    base, mark, query = text.partition("#")[0].partition("?")
    if not _OTHER_SCHEME.match(base):
        base = base.replace("\\", "/")
    absolute = _ABSOLUTE.fullmatch(base)
    host = absolute and absolute[2].rpartition("@")[2]
    if not absolute or not host or not _HOST.fullmatch(host) or _has_control_characters(absolute[3]):
        return None
    return f"{absolute[1]}://{host}{absolute[3]}{mark}{query}"


def escape_and_cut(url: str) -> tuple[str, bool]:
    """Escape what browsers escape in a cleaned URL, and cut it to the limit. Also return whether it was cut.

    The query is cut first. Campaign parameters stay if they fit.
    """
    base, _, query = url.partition("?")
    base = _escape(base)
    query = "" if _has_control_characters(query) else _escape(query)
    room = MAX_URL_CHARACTERS - len(base)
    if room < 0:
        return _BROKEN_ESCAPE_AT_THE_END.sub("", base[:MAX_URL_CHARACTERS]), True
    if len(query) < room:
        return f"{base}?{query}" if query else base, False
    kept: list[str] = []
    for parameter in _KEPT_PARAMETER.findall(query):
        if len(parameter) < room:
            kept.append(parameter)
            room -= len(parameter) + 1
    return f"{base}?{'&'.join(kept)}" if kept else base, True


def _has_control_characters(text: str) -> bool:
    return not text.isprintable() and bool(_CONTROL.search(text))  # the first test is ten times as fast


def _escape(text: str) -> str:
    """Escape backslashes and white space. A run of white space beyond ASCII counts as one blank.

    A regular expression would take ten times as long, and a URL can have 100,000 blanks.
    """
    text = text.replace("\\", "%5C").replace(" ", "%20")
    return text if text.isascii() else "%20".join(text.split())


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
