"""Where a visitor came from: the referrer's host, and its kind."""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from publicsuffixlist import PublicSuffixList

from processor.referrer_kinds import KINDS, MAIL_PREFIXES, SEARCH_HOSTS, SEARCH_NAMES, Kind
from processor.url import parse_url

# What is one site is for the public suffix list to say: a.co.uk and b.co.uk are two, as are two shops
# on github.io. Without the list's punycode half, whose 25 ms of start are the dearer ones: of suffixes
# in other scripts only the last label counts.
_SUFFIXES = PublicSuffixList(accept_encoded_idn=False)


class Referrer(NamedTuple):
    host: str | None
    kind: Kind


@lru_cache(maxsize=8192)
def parse_referrer(referrer: str | None, page_host: str | None) -> Referrer:
    """Internal is what comes from the page's own site: its host, or another of its registered domain."""
    if not referrer:
        return Referrer(None, "direct")
    url = parse_url(referrer)
    if url is None:
        return Referrer(None, "other")
    host = url[0]
    if page_host and _site_of(host) == _site_of(page_host):
        return Referrer(host, "internal")
    return Referrer(host, _kind_of(host))


@lru_cache(maxsize=8192)
def _site_of(host: str) -> str:
    """The registered domain. A host without one (an address, localhost) is a site of its own."""
    if host[-1].isdigit() or ":" in host:
        return host
    return _SUFFIXES.privatesuffix(host) or host


def _kind_of(host: str) -> Kind:
    listed = next((KINDS[domain] for domain in _domains_of(host) if domain in KINDS), None)
    if listed:
        return listed
    if host.startswith(MAIL_PREFIXES):
        return "mail"
    site = _site_of(host)
    before_site = host[: -len(site)].rstrip(".")
    if site.partition(".")[0] in SEARCH_NAMES and (
        before_site in SEARCH_HOSTS or before_site.endswith("search")
    ):
        return "search"
    return "other"


def _domains_of(host: str) -> Iterator[str]:
    """The host itself, then each domain that it is in."""
    while host:
        yield host
        host = host.partition(".")[2]
