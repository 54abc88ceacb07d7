import re

import pytest
from crawleruseragents import CRAWLER_USER_AGENTS_DATA  # type: ignore[import-untyped]

from processor.parsing.bots import _NOT_BOTS, bot_rule

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
WINDOWS = f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT}"
PHONE = (
    f"Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) {WEBKIT} Chrome/142.0 Mobile Safari/537.36"
)
ANDROID = f"Mozilla/5.0 (Linux; Android 14; SM-A546B Build/UP1A.231005.007; wv) {WEBKIT} Version/4.0"


@pytest.mark.parametrize(
    ("agent", "rule"),
    [
        (None, "no-agent"),
        ("", "no-agent"),
        (" \t", "no-agent"),
        (f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} HeadlessChrome/142.0.0.0 Safari/537.36", "headless"),
        (f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} Chrome/142.0.0.0 Safari/537.36 PTST/240", "headless"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "crawler"),
        ("Mozilla/5.0 (compatible; Unheardofbot 1.0)", "crawler"),
        ("Some Robot", "crawler"),
        ("TelegramBot (like TwitterBot)", "crawler"),
        ("ia_archiver", "crawler"),
        ("Mozilla/5.0 (compatible; Findex; +https://findex.example/about)", "address"),
        ("visitor/1.0 (somebody@company.example)", "address"),
        (
            f"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Lens/1.0) Chrome/142.0 {WEBKIT}",
            "compatible",
        ),
        (f"{PHONE} (compatible; GoogleOther)", "compatible"),
        (f"{PHONE} (compatible; Unheardof/1.0)", "compatible"),
        (f"{WINDOWS} Chrome/142.0.0.0 Safari/537.36 (compatible; Unheardof)", "compatible"),
        (
            "Mozilla/5.0 (Windows NT 10.0; rv:145.0) Gecko/20100101 Firefox/145.0 (compatible; X)",
            "compatible",
        ),
        (
            "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
            "mail_proxy",
        ),
        ("YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html", "mail_proxy"),
        ("RamblerMail/6.0 (incompatible; ImageProxy/6.0)", "mail_proxy"),
        (
            f"{WINDOWS} Chrome/55.0 Safari/537.36 (via secureurl.fwdcdn.com - mail.ukr.net proxy)",
            "mail_proxy",
        ),
        ("YahooCacheSystem; YahooWebServiceClient", "mail_proxy"),
        ("Mozilla/5.0 (compatible; Outlook-Image-Proxy/1.0)", "mail_proxy"),
        (f"Mozilla/5.0 (Windows NT 10.0) {WEBKIT} Chrome/142.0.0.0 Safari/537.36 PagePreview/2", "service"),
        (
            f"Mozilla/5.0 (Windows NT 10.0) {WEBKIT} Chrome/142.0.0.0 Safari/537.36; Somebody-User/1.0",
            "service",
        ),
        ("NetNewsWire (RSS Reader)", "service"),
        ("curl/8.9.1", "tool"),
        ("python-requests/2.34.2", "tool"),
        ("Go-http-client/2.0", "tool"),
        ("Java/21.0.4", "tool"),
        ("okhttp/5.1.0", "tool"),
        ("Mozilla/5.0", "bare"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64)", "bare"),
        ("Something/1.0", "no-browser"),
        ("<script>alert(1)</script>", "no-browser"),
        (f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} Chrome/142.0.0.0 Safari/537.36 GTmetrix", "listed"),
    ],
)
def test_a_bot_is_marked_with_the_rule_that_fired(agent: str | None, rule: str) -> None:
    assert bot_rule(agent) == rule


@pytest.mark.parametrize(
    "agent",
    [
        f"{WINDOWS} Chrome/142.0.0.0 Safari/537.36",
        f"{WINDOWS} Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
        f"{WINDOWS} Chrome/142.0.0.0 Safari/537.36 OPR/124.0.0.0",
        f"{WINDOWS} Code/1.115.0 Chrome/142.0 Electron/39.8.5 Safari/537.36",
        f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {WEBKIT} Chrome/142.0.0.0 Safari/537.36",
        "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
        "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko",
        "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Trident/4.0; .NET CLR 2.0.50727)",
        "Opera/9.80 (Android; Opera Mini/36.2.2254/191.283; U; en) Presto/2.12.423 Version/12.16",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
        " Version/26.1 Mobile/15E148 Safari/604.1",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
        " Mobile/15E148 [FBAN/FBIOS;FBAV/480.0.0.28.109;FBBV/649781358;FBDV/iPhone15,2;FBSV/18.7]",
        f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} Chrome/142.0.0.0 Mobile Safari/537.36",
        f"Mozilla/5.0 (Linux; Android 13; CUBOT X30) {WEBKIT} Chrome/142.0.0.0 Mobile Safari/537.36",
        f"Mozilla/5.0 (Linux; Android 7.0; M bot 60) {WEBKIT} Chrome/67.0.3396.87 Mobile Safari/537.36",
        f"{ANDROID} Chrome/142.0.0.0 Mobile Safari/537.36 Instagram 406.0.0.58.159 Android (34/14; 450dpi)",
        f"{ANDROID} Chrome/142.0.0.0 Mobile Safari/537.36 MetaIAB Facebook",
        f"{ANDROID} Chrome/142.0.0.0 Mobile Safari/537.36 CamScanner/6.1",
        f"Mozilla/5.0 (Linux; Android 15; Pixel 8 Build/AP3A.240617.008; wv) {WEBKIT} Safari/537.36",
        f"Mozilla/5.0 (Linux; Android 13; reeder P13 Blue) {WEBKIT} Chrome/142.0.0.0 Mobile Safari/537.36",
        f"Mozilla/5.0 (Linux; Android 9; XBot_Senior Build/PPR1) {WEBKIT} Chrome/142.0.0.0 Safari/537.36",
        f"Mozilla/5.0 (Linux; Android 14; PHP110) {WEBKIT} Chrome/142.0.0.0 Mobile Safari/537.36",
        f"Mozilla/5.0 (Linux; U; Android 4.4; tr-tr; reeder A7 Build/KOT) {WEBKIT} Version/4.0 Safari/534.30",
        f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} Chrome/142.0.0.0 Safari/537.36 Presearch/1.0",
        "Mozilla/5.0 (X11; Linux; x86_64) LibWeb+LibJS/1.0 Ladybird/1.0",
        f"{WINDOWS} Chrome/142.0.0.0 Electron/39.8.5 Safari/537.36 Notion/4.1",
        "Nokia6100/1.0 (04.01) Profile/MIDP-1.0 Configuration/CLDC-1.0",
        f"Mozilla/5.0 (PlayStation 5 8.00) {WEBKIT} Version/17.0 Safari/605.1.15",
        "Lynx/2.9.2 libwww-FM/2.14 SSL-MM/1.4.1 OpenSSL/3.0.13",
    ],
)
def test_the_browser_of_a_person_is_not_marked(agent: str) -> None:
    """crawler-user-agents grows every month. This test also fails if a new entry of it marks people."""
    assert bot_rule(agent) is None


@pytest.mark.parametrize(
    "name",
    [
        name
        for entry in CRAWLER_USER_AGENTS_DATA
        if entry["pattern"] not in _NOT_BOTS
        and re.fullmatch(r"[\w ;-]+", name := entry["pattern"].replace("\\", ""))
    ],
)
def test_every_name_of_the_list_is_found_behind_the_tokens_of_a_browser(name: str) -> None:
    """A bot's next version may have no web address beside its name."""
    assert bot_rule(f"{WINDOWS} Chrome/142.0.0.0 Safari/537.36 {name}") is not None


@pytest.mark.parametrize(
    "name",
    [
        *("archive.org_bot", "Googlebot", "bingbot", "GPTBot", "MJ12bot", "Unheardofbot", "Baiduspider"),
        *("Somebodys Crawler", "Googlebot Build/UP1A", "Googlebot; wv"),
    ],
)
def test_bot_that_names_itself_where_android_names_the_phone_is_marked(name: str) -> None:
    agent = f"Mozilla/5.0 (Linux; Android 13; {name}) {WEBKIT} Chrome/142.0.0.0 Mobile Safari/537.36"
    assert bot_rule(agent) == "crawler"


@pytest.mark.parametrize(
    "name",
    ["reeder P13", "XBot_Senior", "PHP110", "CUBOT X30", "M bot 60", "POWER BOT", "IDbot553", "Spider 8"],
)
def test_phone_that_is_named_like_a_bot_is_not_marked(name: str) -> None:
    agent = f"Mozilla/5.0 (Linux; Android 13; {name}) {WEBKIT} Chrome/142.0.0.0 Mobile Safari/537.36"
    assert bot_rule(agent) is None
