"""Known referrer hosts by kind. An entry covers the host and all its subdomains; the longest match wins.

Entries such as `com.slack` are Android apps: an app's referrer has the app's name as its host.
"""

from typing import Literal

Kind = Literal["search", "social", "ai", "mail", "internal", "other", "direct"]

_SEARCH = """
    ask.com baidu.com bing.com brave.com coccoc.com dogpile.com duckduckgo.com ecosia.org haosou.com
    go.mail.ru kagi.com lycos.com metager.org mojeek.com msn.com naver.com onet.pl petalsearch.com
    presearch.com qwant.com rambler.ru search.aol.com searx.be seznam.cz sm.cn so.com sogou.com
    startpage.com swisscows.com wp.pl ya.ru yep.com you.com
    com.duckduckgo.mobile.android com.google.android.googlequicksearchbox com.microsoft.bing
"""
_SOCIAL = """
    bsky.app discord.com facebook.com fb.com fb.me instagram.com line.me linkedin.com lnkd.in
    mastodon.online mastodon.social messenger.com news.ycombinator.com ok.ru pin.it pinterest.com
    pinterest.co.uk pinterest.de pinterest.fr quora.com reddit.com slack.com snapchat.com
    stackoverflow.com t.co t.me telegram.org threads.com threads.net tiktok.com truthsocial.com
    tumblr.com twitch.tv twitter.com viber.com vimeo.com vk.com vk.ru weibo.cn weibo.com whatsapp.com
    x.com xing.com youtu.be youtube.com zhihu.com
    com.facebook.katana com.instagram.android com.linkedin.android com.pinterest com.reddit.frontpage
    com.slack com.twitter.android com.zhiliaoapp.musically org.telegram.messenger
"""
_AI = """
    chat.deepseek.com chat.mistral.ai chat.openai.com chatgpt.com claude.ai copilot.microsoft.com
    gemini.google.com grok.com meta.ai perplexity.ai poe.com
    ai.perplexity.app.android com.anthropic.claude com.openai.chatgpt
"""
_MAIL = """
    fastmail.com gmail.com gmx.de gmx.net hey.com laposte.net libero.it mail.google.com mail.proton.me
    mail.ru mail.yahoo.com mail.yandex.ru mail.zoho.com outlook.com outlook.live.com
    outlook.office.com outlook.office365.com tuta.com web.de
    com.google.android.gm com.microsoft.office.outlook com.yahoo.mobile.client.android.mail
"""

KINDS: dict[str, Kind] = {
    **dict.fromkeys(_SEARCH.split(), "search"),
    **dict.fromkeys(_SOCIAL.split(), "social"),
    **dict.fromkeys(_AI.split(), "ai"),
    **dict.fromkeys(_MAIL.split(), "mail"),
}

MAIL_PREFIXES = ("mail.", "webmail.", "email.", "roundcube.", "owa.")

# Search engines with a domain in every country, by the label before the public suffix. Their other services
# are not search, so only these subdomains count, and those that end with "search".
SEARCH_NAMES = {"google", "yahoo", "yandex"}
SEARCH_SUBDOMAINS = ("", "www", "m", "images", "cse")
