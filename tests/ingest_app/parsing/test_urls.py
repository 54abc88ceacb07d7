"""What is kept of a URL."""

import re
from typing import get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest_app.clicks import MAX_URL_CHARACTERS, ClickInput
from ingest_app.parsing.urls import clean_href, clean_url, drop_query, escape_and_cut, repair_url

PATTERN = get_type_hints(ClickInput, include_extras=True)["url"].__args__[0].__metadata__[0].pattern
URLS = [
    ("https://h/x", "https://h/x"),
    ("https://h", "https://h"),
    ("https://h/x#frag", "https://h/x"),
    ("https://h/x#frag?utm_source=a", "https://h/x"),
    ("https://h/x?", "https://h/x"),
    ("https://h/x?#", "https://h/x"),
    ("https://h/x?q=secret", "https://h/x"),
    ("https://h/x?q=1&utm_source=news&token=2", "https://h/x?utm_source=news"),
    (
        "https://h/?utm_source=a&utm_medium=b&utm_campaign=c&utm_term=d&utm_content=e&utm_id=f",
        "https://h/?utm_source=a&utm_medium=b&utm_campaign=c&utm_term=d&utm_content=e&utm_id=f",
    ),
    ("https://h/?utm_source=a&utm_own=c", "https://h/?utm_source=a"),
    ("https://h/?utm_email=a@b.example&UTM_Id=7", "https://h/?UTM_Id=7"),
    ("https://h/?utm_sourcex=1&xutm_source=2&utm_source&utm_term=", "https://h/?utm_source&utm_term="),
    ("https://h/?utm_\u017fource=a", "https://h/"),
    ("https://h/?&&utm_id=1&&", "https://h/?utm_id=1"),
    ("https://h/?UTM_Source=A&GCLID=B", "https://h/?UTM_Source=A&GCLID=B"),
    ("https://h/?gclid=a&fbclid=b&msclkid=c", "https://h/?gclid=a&fbclid=b&msclkid=c"),
    ("https://h/?utm_source=%C3%A9+a%20b", "https://h/?utm_source=%C3%A9+a%20b"),
    ("https://h/?utm_source", "https://h/?utm_source"),
    ("https://h/?xutm_source=a&gclidx=b", "https://h/"),
    ("https://h/?a=1;utm_source=b", "https://h/"),
    ("https://h/?x=?utm_source=a", "https://h/"),
    ("https://h/?email=a@b.example", "https://h/"),
    ("https://user@h/x", "https://h/x"),
    ("https://user:pass@h:8080/x", "https://h:8080/x"),
    ("https://user:p@ss@h/x", "https://h/x"),
    ("HTTPS://user:pass@h/x", "HTTPS://h/x"),
    ("https://h/@user/post", "https://h/@user/post"),
    ("https://[2001:db8::1]:8080/x", "https://[2001:db8::1]:8080/x"),
]
HREFS = [
    ("/x?token=1#y", "/x"),
    ("x?token=1", "x"),
    ("?utm_source=a", "?utm_source=a"),
    ("#top", ""),
    ("", ""),
    ("//user:pass@h/x", "//h/x"),
    ("https:\\\\user:pass@h\\x", "https:\\\\h\\x"),
    ("https:user:pass@h/x", "https:h/x"),
    ("https:/user:pass@h/x", "https:/h/x"),
    ("https:////user:pass@h/x", "https:////h/x"),
    (" ht\ntps://user:pass@h/x", "https://h/x"),
    ("ftp:user:pass@h/x", "ftp:h/x"),
    ("mailto:someone@h.example?subject=secret", "mailto:"),
    (" MAIL\nTO:someone@h.example", "MAILTO:"),
    ("tel:+49-30-1234", "tel:"),
    ("tel://+49-30-1234", "tel:"),
    ("sms:+49301234?body=x", "sms:"),
    ("whatsapp://send?phone=49301234", "whatsapp:"),
    ("javascript:void(0)", "javascript:"),
    ("data:text/html,secret", "data:"),
    ("blob:https://h/secret", "blob:"),
]


@pytest.mark.parametrize(("url", "kept"), URLS)
def test_only_campaign_parameters_are_kept_of_fragment_userinfo_and_query(url: str, kept: str) -> None:
    assert clean_url(url) == clean_href(url) == kept


@pytest.mark.parametrize(("href", "kept"), HREFS)
def test_href_is_cleaned_as_browsers_parse_it(href: str, kept: str) -> None:
    assert clean_href(href) == kept


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://user:pass@h/x?q=1&utm_source=a#frag", "https://h/x?q=1&utm_source=a"),
        ("https://h/x?", "https://h/x"),
        ("/x?a=1?b=2", "/x?a=1?b=2"),
    ],
)
def test_keep_query_keeps_the_whole_query(url: str, kept: str) -> None:
    assert clean_url(url, keep_query=True) == kept


@given(st.text(alphabet="htps:/?#@&=\\ \n.utm_ax", max_size=40), st.booleans())
def test_cleaning_never_lengthens_a_url_and_is_idempotent(url: str, keep_query: bool) -> None:
    cleaned = clean_href(url, keep_query)
    assert len(cleaned) <= len(url)
    assert "#" not in cleaned
    assert clean_href(cleaned, keep_query) == cleaned


def test_drop_query_drops_the_whole_query() -> None:
    assert drop_query("https://h/x?utm_source=a") == "https://h/x"
    assert drop_query("https://h/x") == "https://h/x"


@given(
    st.text(alphabet="htps:/?#@&=\\ \n.utm_ax\u00fc\u3000%[]\0", max_size=60).map("https://{}".format)
    | st.text()
)
def test_repaired_and_cleaned_url_is_one_that_a_browser_could_have_sent(url: str) -> None:
    repaired = repair_url(url)
    if repaired is not None:
        kept, is_cut = escape_and_cut(clean_url(repaired))
        assert re.fullmatch(PATTERN, kept)
        assert not is_cut
        assert clean_url(kept) == kept


@given(st.text(alphabet="ab/%C3%A9 ", max_size=3000), st.text(alphabet="&utm_source=x ", max_size=3000))
def test_cut_url_keeps_to_the_limit(path: str, query: str) -> None:
    kept, is_cut = escape_and_cut(f"https://h/{path}?{query}")
    assert len(kept) <= MAX_URL_CHARACTERS
    assert is_cut or len(kept) >= len(f"https://h/{path}{query}")
