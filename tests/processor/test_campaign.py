import pytest

from processor.campaign import CLICK_IDS, Campaign, ParsedPage, parse_page

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
