"""Classify where a visitor came from: the referrer's host and its kind."""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from publicsuffixlist import PublicSuffixList

from processor.referrer_kinds import KINDS, MAIL_PREFIXES, SEARCH_NAMES, SEARCH_SUBDOMAINS, Kind
from processor.url import parse_url

# The public suffix list tells sites apart: a.co.uk and b.co.uk are two, and so are two shops on github.io.
# Skip the list's punycode entries, which would add 25 ms to a cold start (the others take 10). As a result,
# only the last label of a suffix in another script counts.
_SUFFIXES = PublicSuffixList(accept_encoded_idn=False)


class Referrer(NamedTuple):
    host: str | None
    kind: Kind


@lru_cache(maxsize=8192)
def parse_referrer(referrer: str | None, page_host: str | None) -> Referrer:
    """Return the referrer's host and kind. `internal` means the same registrable domain as the page."""
    if not referrer:
        return Referrer(None, "direct")
    url = parse_url(referrer)
    if url is None:
        return Referrer(None, "other")
    host = url[0]
    if page_host and _registrable_domain(host) == _registrable_domain(page_host):
        return Referrer(host, "internal")
    return Referrer(host, _classify(host))


@lru_cache(maxsize=8192)
def _registrable_domain(host: str) -> str:
    """Return the host itself if it has no registrable domain, such as an IP address or localhost."""
    if host[-1].isdigit() or ":" in host:
        return host
    return _SUFFIXES.privatesuffix(host) or host


def _classify(host: str) -> Kind:
    listed = next((KINDS[domain] for domain in _parent_domains(host) if domain in KINDS), None)
    if listed:
        return listed
    if host.startswith(MAIL_PREFIXES):
        return "mail"
    domain = _registrable_domain(host)
    subdomain = host[: -len(domain)].rstrip(".")
    if domain.partition(".")[0] in SEARCH_NAMES and (
        subdomain in SEARCH_SUBDOMAINS or subdomain.endswith("search")
    ):
        return "search"
    return "other"


def _parent_domains(host: str) -> Iterator[str]:
    """Yield the host, then each of its parent domains."""
    while host:
        yield host
        host = host.partition(".")[2]
