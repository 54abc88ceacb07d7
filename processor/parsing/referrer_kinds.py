"""Known referrer hosts by kind. An entry covers the host and all its subdomains; the longest match wins.

Entries such as `com.slack` are Android apps: an app's referrer has the app's name as its host. Hosts of
link checkers (`deref-gmx.net`) and short links (`t.co`) have the kind of the service that they belong to.

A portal is listed by the hosts of its search, mail and communities, not as a whole: `search.naver.com` is
search, `blog.naver.com` is not. docs/line.md says what public lists know that this one does not, and why
none of them is used.
"""

from typing import Literal

Kind = Literal["search", "social", "ai", "mail", "internal", "other", "direct"]

_SEARCH = """
    arianna.libero.it ask.com baidu.com bing.com coccoc.com dogpile.com duckduckgo.com ecosia.org
    exalead.com gibiru.com go.mail.ru haosou.com image.baidu.com kagi.com lilo.org lycos.com m.baidu.com
    m.naver.com marginalia.nu metager.de metager.org mojeek.com nova.rambler.ru petalsearch.com
    presearch.com qwant.com searx.be sm.cn so.360.cn so.com sogou.com sou.com startpage.com swisscows.com
    wap.baidu.com www.aol.com www.baidu.com www.naver.com www.seznam.cz ya.ru yep.com
    com.duckduckgo.mobile.android com.ecosia.android com.google.android.googlequicksearchbox
    com.microsoft.bing
"""
_SOCIAL = """
    bsky.app cafe.daum.net cafe.naver.com club.kakao.com com.pinterest com.slack com.whatsapp discord.com
    discord.gg discordapp.com disq.us disqus.com douban.com facebook.com fb.com fb.me fb.watch flickr.com
    hachyderm.io infosec.exchange instagram.com kakao.com line.me linkedin.com livejournal.com lnk.bio
    lnkd.in m.me mamot.fr mas.to messenger.com mixi.jp my.mail.ru news.ycombinator.com nicovideo.jp ok.ru
    pawoo.net pin.it pinterest.com quora.com qzone.qq.com redd.it reddit.com slack-redir.net slack.com
    snapchat.com stackoverflow.com t.cn t.co t.me t.umblr.com teams.cdn.office.net teams.live.com
    teams.microsoft.com telegram.org threads.com threads.net tieba.baidu.com tiktok.com truthsocial.com
    tumblr.com twitch.tv twitter.com viber.com vimeo.com vk.com vk.ru vkontakte.ru wa.me web.skype.com
    weibo.cn weibo.com weixin.qq.com whatsapp.com workplace.com x.com xing.com youtu.be youtube.com
    zhihu.com
    com.facebook.katana com.facebook.orca com.instagram.android com.instagram.barcelona
    com.linkedin.android com.reddit.frontpage com.snapchat.android com.twitter.android
    com.zhiliaoapp.musically org.joinmastodon.android org.telegram.messenger
"""
_AI = """
    aistudio.google.com andisearch.com bard.google.com character.ai chat.baidu.com chat.deepseek.com
    chat.mistral.ai chat.openai.com chat.qwen.ai chat.z.ai chatglm.cn chatgpt.com claude.ai
    copilot.cloud.microsoft copilot.com copilot.microsoft.com doubao.com duck.ai edgeservices.bing.com
    felo.ai gemini.google.com genspark.ai grok.com iask.ai kimi.com kimi.moonshot.cn labs.openai.com
    lmarena.ai m365.cloud.microsoft meta.ai notebooklm.google.com perplexity.ai phind.com pi.ai poe.com
    qianwen.com yiyan.baidu.com you.com yuanbao.tencent.com
    ai.mistral.chat ai.perplexity.app.android ai.x.grok com.anthropic.claude com.deepseek.chat
    com.facebook.stella com.google.android.apps.bard com.microsoft.copilot com.moonshot.kimichat
    com.openai.chatgpt com.poe.android com.you.browser
"""
_MAIL = """
    e.mail.ru fastmail.com gmail.com gmx.at gmx.ch gmx.com gmx.de gmx.net hey.com inbox.google.com
    laposte.net light.mail.ru linkprotect.cudasvc.com list-manage.com m.mail.ru mail.com mail.google.com
    mail.proton.me mail.ru mail.yahoo.com mail.yandex.ru mail.zoho.com outlook.com outlook.live.com
    outlook.office.com outlook.office365.com posteo.de protect.checkpoint.com
    safelinks.protection.outlook.com touch.mail.ru tuta.com urldefense.com urldefense.proofpoint.com
    web.de www.mail.ru
    com.google.android.gm com.microsoft.office.outlook com.yahoo.mobile.client.android.mail
"""
# Other services of listed portals.
_OTHER = """
    afisha.mail.ru auto.mail.ru baijiahao.baidu.com baike.baidu.com cloud.mail.ru deti.mail.ru dom.mail.ru
    health.mail.ru hi-tech.mail.ru horo.mail.ru jingyan.baidu.com kino.mail.ru lady.mail.ru
    magazine.web.de map.baidu.com news.baidu.com news.mail.ru news.web.de otvet.mail.ru pan.baidu.com
    pogoda.mail.ru search.google.com sportmail.ru tv.mail.ru unterhaltung.web.de wenku.baidu.com
    xueshu.baidu.com zhidao.baidu.com
"""

KINDS: dict[str, Kind] = {
    **dict.fromkeys(_SEARCH.split(), "search"),
    **dict.fromkeys(_SOCIAL.split(), "social"),
    **dict.fromkeys(_AI.split(), "ai"),
    **dict.fromkeys(_MAIL.split(), "mail"),
    **dict.fromkeys(_OTHER.split(), "other"),
}

# Kinds of hosts that no list knows all of, in this order. A search engine's host has a label that says so:
# suche.web.de, r.search.yahoo.com, websearch.cs.com. Mastodon and its kin are software that anybody can run;
# most of their hosts have the software's name, or "social", in their name.
HOST_PATTERNS: tuple[tuple[Kind, tuple[str, ...]], ...] = (
    (
        "search",
        (
            r"(?:^|\.)(?:(?:aol|img|images?|web|[a-z]+-)?search|suche|recherche|ricerca|busca|buscador|pesquisa|szukaj|otsing|arama|hledej)"
            r"\d*\.[a-z0-9-]+\.",
        ),
    ),
    (
        "mail",
        (
            r"^(?:[a-z]?mail(?:\d+|er|business)?|webmail\d*|email|ex-?mail|lightmailer|roundcube|owa|zimbra)\.",
            r"^(?:messagerie[a-z0-9]*\.|deref-)",
        ),
    ),
    (
        "social",
        (
            r"^social\.|\.social$|^(?:[a-z]+\.)?pinterest\.|odon\.|(?:^|\.)(?:mast|toot|troet|masto|fedi)\.",
            r"mastodon|mstdn|misskey|pleroma|akkoma|pixelfed|friendica|fediverse|peertube|lemmy",
        ),
    ),
)

# Search engines with a domain in every country, by the label before the public suffix. Their other services
# are not search, so only these subdomains count, and those that end with "search".
SEARCH_NAMES = {"google", "yahoo", "yandex"}
SEARCH_SUBDOMAINS = ("", "www", "m", "images", "cse")
