"""Classify where a visitor came from: the referrer's host and its kind."""

import re
from functools import lru_cache
from typing import NamedTuple, cast

from ua_parser_rs import UserAgentExtractor

from processor.parsing.public_suffixes import registrable_domain
from processor.parsing.referrer_kinds import (
    HOST_PATTERNS,
    KINDS,
    SEARCH_NAMES,
    SEARCH_SUBDOMAINS,
    Kind,
)
from processor.parsing.url import parse_url


class Referrer(NamedTuple):
    host: str | None
    kind: Kind


def _last_two_labels(host: str) -> str:
    return host[host.rfind(".", 0, max(host.rfind("."), 0)) + 1 :]


def _by_last_two_labels() -> dict[str, list[str]]:
    """Return the listed hosts, the longest first."""
    by_end: dict[str, list[str]] = {}
    for host in sorted(KINDS, key=len, reverse=True):
        by_end.setdefault(_last_two_labels(host), []).append(host)
    return by_end


_DIRECT = Referrer(None, "direct")
_NOT_A_URL = Referrer(None, "other")
_LISTED = _by_last_two_labels()
_HOSTS = UserAgentExtractor(
    ("|".join(patterns), kind, None, None, None, None) for kind, patterns in HOST_PATTERNS
)
_SEARCH_NAME = re.compile("|".join(SEARCH_NAMES))


@lru_cache(maxsize=8192)
def parse_referrer(referrer: str | None, page_host: str | None) -> Referrer:
    """Return the referrer's host and kind. `internal` means the same registrable domain as the page."""
    if not referrer:
        return _DIRECT
    url = parse_url(referrer)
    if url is None:
        return _NOT_A_URL
    host = url[0]
    if host == page_host:
        return Referrer(host, "internal")
    end, domain = _last_two_labels(host), None
    if page_host and page_host.endswith(end):  # otherwise they cannot have the same registrable domain
        domain = registrable_domain(host)
        if page_host.endswith(domain) and registrable_domain(page_host) == domain:
            return Referrer(host, "internal")
    return Referrer(host, _classify(host, end, domain))


def _classify(host: str, end: str, domain: str | None) -> Kind:
    """`end` is the host's last two labels, `domain` its registrable domain if that is known."""
    if host in KINDS:
        return KINDS[host]
    found = _HOSTS.extract(host)
    guess = cast(Kind, found.family) if found else None
    if guess == "search":
        return guess
    for listed in _LISTED.get(end, ()):
        if host.endswith(listed) and host[-len(listed) - 1 : -len(listed)] in ("", "."):
            return KINDS[listed]
    if guess:
        return guess
    if not _SEARCH_NAME.search(host):  # spares most hosts the public suffix list
        return "other"
    domain = domain or registrable_domain(host)
    subdomain = host[: -len(domain)].rstrip(".")
    if domain.partition(".")[0] in SEARCH_NAMES and (
        subdomain in SEARCH_SUBDOMAINS or subdomain.endswith("search")
    ):
        return "search"
    return "other"
