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
        ("https://grok.com/", "ai"),
        ("https://chat.deepseek.com/", "ai"),
        ("https://chat.mistral.ai/", "ai"),
        ("https://www.meta.ai/", "ai"),
        ("https://you.com/search?q=x", "ai"),
        ("https://poe.com/", "ai"),
        ("https://m365.cloud.microsoft/", "ai"),
        ("https://edgeservices.bing.com/", "ai"),
        ("https://notebooklm.google.com/", "ai"),
        ("android-app://com.anthropic.claude/", "ai"),
        ("android-app://com.google.android.apps.bard/", "ai"),
        ("android-app://com.microsoft.copilot/", "ai"),
        ("android-app://ai.x.grok/", "ai"),
        ("android-app://ai.perplexity.app.android/", "ai"),
        ("android-app://com.deepseek.chat/", "ai"),
        ("android-app://ai.mistral.chat/", "ai"),
        ("android-app://com.facebook.stella/", "ai"),
        ("android-app://com.you.browser/", "ai"),
        ("android-app://com.poe.android/", "ai"),
        ("https://notclaude.ai/", "other"),
        # a portal's search, and its other services
        ("https://search.naver.com/search.naver", "search"),
        ("https://m.search.naver.com/", "search"),
        ("https://www.naver.com/", "search"),
        ("https://blog.naver.com/x", "other"),
        ("https://news.naver.com/", "other"),
        ("https://cafe.naver.com/", "social"),
        ("https://mail.naver.com/", "mail"),
        ("https://search.daum.net/", "search"),
        ("https://news.yahoo.co.jp/", "other"),
        ("https://search.yahoo.co.jp/", "search"),
        ("https://mail.yahoo.co.jp/", "mail"),
        ("https://news.google.com/", "other"),
        ("https://search.google.com/search-console", "other"),
        ("https://mail.rambler.ru/", "mail"),
        ("https://nova.rambler.ru/", "search"),
        ("https://www.rambler.ru/", "other"),
        ("https://zhidao.baidu.com/", "other"),
        ("https://tieba.baidu.com/", "social"),
        ("https://news.mail.ru/", "other"),
        ("https://my.mail.ru/", "social"),
        ("https://suche.web.de/", "search"),
        ("https://news.web.de/", "other"),
        ("https://email.seznam.cz/", "mail"),
        ("https://search.seznam.cz/", "search"),
        ("https://www.msn.com/", "other"),
        ("https://szukaj.onet.pl/", "search"),
        ("https://wiadomosci.onet.pl/", "other"),
        ("https://search.brave.com/", "search"),
        ("https://research.example.org/", "other"),
        ("https://search.example/", "other"),
        # short links and link checkers
        ("https://lm.facebook.com/", "social"),
        ("https://l.instagram.com/", "social"),
        ("https://l.threads.com/", "social"),
        ("https://out.reddit.com/", "social"),
        ("https://away.vk.com/", "social"),
        ("https://lnkd.in/x", "social"),
        ("https://t.umblr.com/redirect", "social"),
        ("https://slack-redir.net/link", "social"),
        ("https://statics.teams.cdn.office.net/", "social"),
        ("https://deref-gmx.net/mail/client/x", "mail"),
        ("https://deref-mail.com/", "mail"),
        ("https://eur02.safelinks.protection.outlook.com/", "mail"),
        ("https://urldefense.com/", "mail"),
        # software that anybody can run
        ("https://mastodon.social/", "social"),
        ("https://mastodon.example.org/", "social"),
        ("https://chaos.social/", "social"),
        ("https://social.example.org/", "social"),
        ("https://mstdn.jp/", "social"),
        ("https://mathstodon.xyz/", "social"),
        ("https://lemmy.world/", "social"),
        ("https://pixelfed.example.org/", "social"),
        ("https://troet.cafe/", "social"),
        ("https://antisocial.example.org/", "other"),
        ("https://toothpaste.example.org/", "other"),
        ("https://at.pinterest.com/", "social"),
        ("https://www.pinterest.co.kr/", "social"),
        ("https://mail01.orange.fr/", "mail"),
        ("https://zimbra.example.org/", "mail"),
        ("https://mailbox-reviews.example.org/", "other"),
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


@pytest.mark.parametrize("kind", ["search", "social", "ai", "mail"])
def test_internal_comes_first(kind: str) -> None:
    host = next(host for host in KINDS if KINDS[host] == kind)
    assert parse_referrer(f"https://{host}/", host).kind == "internal"


@pytest.mark.parametrize("host", KINDS)
def test_no_listed_host_hides_behind_another_rule(host: str) -> None:
    assert parse_referrer(f"https://{host}/", None).kind == KINDS[host]
