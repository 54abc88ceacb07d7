"""Where a visitor came from: the referrer's host, and its kind."""

from functools import lru_cache
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from publicsuffixlist import PublicSuffixList

Kind = Literal["search", "social", "mail", "internal", "other", "direct"]

_SUFFIXES = PublicSuffixList(accept_encoded_idn=False)

_SEARCH = frozenset(
    ("google", "bing", "duckduckgo", "yahoo", "yandex", "baidu", "ecosia", "qwant", "startpage")
)
_SOCIAL = frozenset(
    ("facebook", "instagram", "twitter", "x", "t", "linkedin", "reddit", "pinterest", "tiktok")
)


class Referrer(NamedTuple):
    host: str | None
    kind: Kind


@lru_cache(maxsize=8192)
def parse_referrer(referrer: str | None, page_host: str | None) -> Referrer:
    if not referrer:
        return Referrer(None, "direct")
    try:
        host = urlsplit(referrer).hostname
    except ValueError:
        host = None
    if host is None:
        return Referrer(None, "other")
    return Referrer(host, _kind_of(host, page_host))


def _kind_of(host: str, page_host: str | None) -> Kind:
    domain = _SUFFIXES.privatesuffix(host) or host
    if page_host and (host == page_host or domain == _SUFFIXES.privatesuffix(page_host)):
        return "internal"
    name = domain.partition(".")[0]
    if host.startswith(("mail.", "webmail.", "outlook.")):
        return "mail"
    if name in _SEARCH:
        return "search"
    return "social" if name in _SOCIAL else "other"
