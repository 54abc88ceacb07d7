from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from publicsuffixlist import PSLFILE, PublicSuffixList

from processor.parsing.public_suffixes import registrable_domain

THE_LISTS_OWN = PublicSuffixList(accept_encoded_idn=False)
PREFIXES = ("", "a.", "b.a.", "c.b.a.", "d.c.b.a.", "www.")


def names_of_the_list() -> Iterator[str]:
    for line in Path(PSLFILE).read_text("utf-8").splitlines():
        if line and not line.startswith("//"):
            yield line.split(" ")[0].lower().lstrip("!*.")


def by_the_list(host: str) -> str:
    return THE_LISTS_OWN.privatesuffix(host) or host


def test_every_rule_of_the_list_means_what_its_own_package_says() -> None:
    hosts = [prefix + name for name in names_of_the_list() for prefix in PREFIXES]
    assert len(hosts) > 50_000
    different = [host for host in hosts if registrable_domain(host) != by_the_list(host)]
    assert different == []


labels = st.sampled_from(
    ["a", "b", "co", "uk", "com", "github", "io", "ck", "www", "kobe", "jp", "city", "", "x-y"]
)


@settings(max_examples=300)
@given(st.lists(labels, min_size=1, max_size=7).map(".".join).map(lambda host: host.rstrip(".")))
def test_any_host_means_what_the_lists_own_package_says(host: str) -> None:
    if host:
        assert registrable_domain(host) == by_the_list(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "2001:db8::1", "localhost", "co.uk", "..a", ".a", "a..b"])
def test_a_host_without_a_registrable_domain_stands_for_itself(host: str) -> None:
    assert registrable_domain(host) == host
