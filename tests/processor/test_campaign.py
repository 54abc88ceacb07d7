import pytest

from processor.campaign import CLICK_IDS, Campaign, Page, parse_page

SHOP = "https://shop.example/"


@pytest.mark.parametrize(
    ("url", "page"),
    [
        (None, Page()),
        ("", Page()),
        ("not a url", Page()),
        (SHOP, Page("shop.example", "/")),
        (SHOP + "a?q=shoes", Page("shop.example", "/a")),
        (SHOP + "?utm_source=news", Page("shop.example", "/", Campaign(utm_source="news"))),
        (
            SHOP + "?utm_source=a&utm_medium=b&utm_campaign=c&utm_term=d&utm_content=e",
            Page("shop.example", "/", Campaign("a", "b", "c", "d", "e")),
        ),
        (SHOP + "?utm_term=red+shoes%21", Page("shop.example", "/", Campaign(utm_term="red shoes!"))),
        (SHOP + "?UTM_Source=news", Page("shop.example", "/", Campaign(utm_source="news"))),
        (
            SHOP + "?utm_source=first&utm_source=second",
            Page("shop.example", "/", Campaign(utm_source="first")),
        ),
        (SHOP + "?utm_source=&utm_medium=mail", Page("shop.example", "/", Campaign(utm_medium="mail"))),
        (SHOP + "?utm_source=a=b", Page("shop.example", "/", Campaign(utm_source="a=b"))),
        (SHOP + "?fbclid=meta-7", Page("shop.example", "/", Campaign(click_id="meta-7"))),
        (SHOP + "?fbclid=meta-7&gclid=google-7", Page("shop.example", "/", Campaign(click_id="google-7"))),
        (SHOP + "?utm_source=%FF", Page("shop.example", "/", Campaign(utm_source="\ufffd"))),
    ],
)
def test_a_page_and_its_campaign_are_read_from_the_url(url: str | None, page: Page) -> None:
    assert parse_page(url) == page


@pytest.mark.parametrize("name", CLICK_IDS)
def test_every_advertisers_id_is_found(name: str) -> None:
    assert parse_page(f"{SHOP}?x=1&{name}=abc").campaign.click_id == "abc"
