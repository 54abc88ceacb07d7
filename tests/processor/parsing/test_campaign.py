from urllib.parse import unquote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processor.parsing.campaign import (
    CLICK_IDS,
    MAX_BROKEN_ESCAPES,
    MAX_PARAMETERS,
    Campaign,
    ParsedPage,
    parse_campaign,
    parse_page,
)

SHOP = "https://shop.example/"


@pytest.mark.parametrize(
    ("url", "page"),
    [
        (None, ParsedPage()),
        ("", ParsedPage()),
        ("not a url", ParsedPage()),
        (SHOP, ParsedPage("shop.example", "/")),
        (SHOP + "a?q=shoes", ParsedPage("shop.example", "/a")),
        (SHOP + "?utm_source=news", ParsedPage("shop.example", "/", Campaign(utm_source="news"))),
        (
            SHOP + "?utm_source=a&utm_medium=b&utm_campaign=c&utm_term=d&utm_content=e",
            ParsedPage("shop.example", "/", Campaign("a", "b", "c", "d", "e")),
        ),
        (SHOP + "?utm_term=red+shoes%21", ParsedPage("shop.example", "/", Campaign(utm_term="red shoes!"))),
        (SHOP + "?UTM_Source=news", ParsedPage("shop.example", "/", Campaign(utm_source="news"))),
        (
            SHOP + "?utm_source=first&utm_source=second",
            ParsedPage("shop.example", "/", Campaign(utm_source="first")),
        ),
        (SHOP + "?utm_source=&utm_medium=mail", ParsedPage("shop.example", "/", Campaign(utm_medium="mail"))),
        (SHOP + "?utm_source=a=b", ParsedPage("shop.example", "/", Campaign(utm_source="a=b"))),
        (SHOP + "?fbclid=meta-7", ParsedPage("shop.example", "/", Campaign(click_id="meta-7"))),
        (
            SHOP + "?fbclid=meta-7&gclid=google-7",
            ParsedPage("shop.example", "/", Campaign(click_id="google-7")),
        ),
        (SHOP + "?utm_source=%FF", ParsedPage("shop.example", "/", Campaign(utm_source="\ufffd"))),
    ],
)
def test_a_url_is_parsed_into_page_and_campaign(url: str | None, page: ParsedPage) -> None:
    assert parse_page(url) == page


@pytest.mark.parametrize("name", CLICK_IDS)
def test_every_click_id_is_found(name: str) -> None:
    assert parse_page(f"{SHOP}?x=1&{name}=abc").campaign.click_id == "abc"


encoded = st.lists(
    st.sampled_from(
        [*"aé日😀%+=\\/xu0123456789AFf", "%41", "%C3%A9", "%c3", "%F0%9F%98%80", "%26", "%5C", "\\u0100", "Ā"]
    ),
    min_size=1,
    max_size=20,
).map("".join)


@settings(max_examples=300)
@given(encoded, encoded, encoded)
def test_values_are_decoded_as_urllib_decodes_them(source: str, medium: str, click_id: str) -> None:
    campaign = parse_campaign(f"utm_source={source}&utm_medium={medium}&gclid={click_id}")
    broken = f"{source}&{medium}&{click_id}".count("%")
    if broken <= MAX_BROKEN_ESCAPES:
        expected = Campaign(unquote_plus(source), unquote_plus(medium), click_id=unquote_plus(click_id))
        assert campaign == expected


def test_a_campaign_with_many_broken_escapes_is_not_decoded() -> None:
    broken = "%41" + (MAX_BROKEN_ESCAPES + 1) * "%"
    assert parse_campaign(f"utm_source={broken}").utm_source == broken
    assert parse_campaign(f"utm_source={broken[:-1]}").utm_source == "A" + MAX_BROKEN_ESCAPES * "%"


def test_only_the_first_parameters_of_a_query_count() -> None:
    before = (MAX_PARAMETERS - 1) * "x&"
    assert parse_campaign(before + "utm_source=news").utm_source == "news"
    assert parse_campaign("x&" + before + "utm_source=news").utm_source is None
    assert parse_campaign(before + "utm_source=news&x").utm_source == "news"
