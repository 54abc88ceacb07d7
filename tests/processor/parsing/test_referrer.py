import pytest

from processor.parsing.referrer import Referrer, parse_referrer
from processor.parsing.referrer_kinds import KINDS


@pytest.mark.parametrize(
    ("referrer", "kind"),
    [
        (None, "direct"),
        ("", "direct"),
        ("https://www.google.com/", "search"),
        ("https://google.co.uk/search?q=x", "search"),
        ("https://www.google.com.au/", "search"),
        ("https://images.google.de/", "search"),
        ("https://r.search.yahoo.com/", "search"),
        ("https://uk.search.yahoo.com/", "search"),
        ("https://yandex.ru/", "search"),
        ("https://duckduckgo.com/", "search"),
        ("https://www.bing.com/", "search"),
        ("android-app://com.google.android.googlequicksearchbox/", "search"),
        ("https://docs.google.com/document", "other"),
        ("https://google.evil.example/", "other"),
        ("https://notgoogle.com/", "other"),
        ("https://t.co/abc", "social"),
        ("https://not.co/", "other"),
        ("https://l.facebook.com/l.php", "social"),
        ("https://old.reddit.com/r/x", "social"),
        ("https://news.ycombinator.com/", "social"),
        ("android-app://com.twitter.android/", "social"),
        ("https://go.mail.ru/search?q=x", "search"),
        ("https://cse.google.com/cse?q=x", "search"),
        ("https://chatgpt.com/", "ai"),
        ("https://chat.openai.com/", "ai"),
        ("https://claude.ai/chat/1", "ai"),
        ("https://gemini.google.com/app", "ai"),
        ("https://copilot.microsoft.com/", "ai"),
        ("https://www.perplexity.ai/search", "ai"),
        ("android-app://com.openai.chatgpt/", "ai"),
        ("https://notclaude.ai/", "other"),
        ("https://microsoft.com/", "other"),
        ("https://mail.ru/", "mail"),
        ("https://e.mail.ru/inbox", "mail"),
        ("https://mail.google.com/mail/u/0/", "mail"),
        ("https://outlook.live.com/", "mail"),
        ("https://webmail.company.example/", "mail"),
        ("android-app://com.google.android.gm/", "mail"),
        ("https://blog.example/", "other"),
        ("https://[broken/", "other"),
        ("about:blank", "other"),
    ],
)
def test_a_referrer_has_a_kind(referrer: str | None, kind: str) -> None:
    assert parse_referrer(referrer, "shop.example").kind == kind


@pytest.mark.parametrize(
    ("referrer", "page_host", "kind"),
    [
        ("https://shop.example/", "shop.example", "internal"),
        ("https://SHOP.example:8443/", "shop.example", "internal"),
        ("https://www.shop.example/", "blog.shop.example", "internal"),
        ("https://a.shop.co.uk/", "b.shop.co.uk", "internal"),
        ("https://one.co.uk/", "two.co.uk", "other"),
        ("https://one.github.io/", "two.github.io", "other"),
        ("https://www.google.com/", "www.google.com", "internal"),
        ("http://127.0.0.1:4566/", "127.0.0.1", "internal"),
        ("http://10.0.0.1/", "11.0.0.1", "other"),
        ("http://[2001:db8::1]/", "2001:db8::1", "internal"),
        ("http://localhost:8000/", "localhost", "internal"),
        ("https://shop.example/", None, "other"),
    ],
)
def test_a_referrer_of_the_same_registrable_domain_is_internal(
    referrer: str, page_host: str | None, kind: str
) -> None:
    assert parse_referrer(referrer, page_host).kind == kind


def test_the_host_is_kept_with_the_kind() -> None:
    assert parse_referrer("https://Old.Reddit.com/r/x", None) == Referrer("old.reddit.com", "social")


@pytest.mark.parametrize("host", KINDS)
def test_no_listed_host_hides_behind_another_rule(host: str) -> None:
    assert parse_referrer(f"https://{host}/", None).kind == KINDS[host]
