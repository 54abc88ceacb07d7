"""Name the rule that recognizes a user agent as a bot. Bots are marked, not removed: queries decide.

All rules run in ua-parser's Rust engine, which needs a few microseconds for all of them. The first match
wins. docs/line.md says how many bots they find and how many people they mark, on lists of agents that they
were not written for. The rule names are in the stored data: never rename one.
"""

import re
from collections.abc import Iterable

from crawleruseragents import CRAWLER_USER_AGENTS_DATA  # type: ignore[import-untyped]
from ua_parser_rs import UserAgentExtractor

NO_AGENT = "no-agent"
LISTED = "listed"

# Agents that match one of these rules are people. They end the search without a mark.
_PERSON = "person"

_RULES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "mail_proxy",  # mail services that load a mail's images for the person who reads it
        (
            r"googleimageproxy|ramblermail/|yahoomailproxy|yahoocachesystem",
            r"(?:mail|outlook)(?:\.[a-z.]+)?[ _-]?(?:image)?[ _-]?proxy",
        ),
    ),
    (
        "headless",  # browsers that a program controls
        (
            r"headless|phantomjs|slimerjs|puppeteer|playwright|selenium|webdriver|jsdom|cypress|htmlunit",
            r"lighthouse|page ?speed|\bptst\b|wkhtml|webkit2png|\bsplash\b",
        ),
    ),
    (
        "crawler",  # agents that say so; "bot" alone is also part of phone names (CUBOT X18, M bot 60)
        (
            r"(?:[a-tv-z]|[abd-z]u)bots?(?:[^a-z]|$)|(?:^|[^a-z])bots?(?:[^a-z ]|$)|^bot|robot",
            r"crawl|spider|slurp|scrap(?:e|y|ing)|archiv|index(?:er|ing)|harvest|\bfetch|fetcher",
            r"extract(?:or|ion)|collector",
        ),
    ),
    (
        "address",  # a web page or an email address, for site owners who wonder what visits them
        (
            r"https?:/|https?%3a|www\.[a-z0-9]|[a-z0-9-]@[a-z][a-z0-9-]*\.[a-z]",
            r"[a-z0-9-]\.(?:com?|net|org|io|ai|html?)(?:$|[ ;)]|/(?:[a-z]|$))",
        ),
    ),
    (
        "compatible",  # a name in a place where browsers have none
        (
            r"like gecko; ?[a-z]|like gecko\) *\(?compatible|; compatible;",
            r"(?:safari|chrome|version|mobile|gecko|firefox|edg|opr)/[\w.]+ *\(compatible[;)]",
        ),
    ),
    (
        "service",  # services that watch, check, preview or copy pages for somebody
        (
            r"monitor|uptime|check(?:$|[^o])|validat|verif|\bscan|(?:[^m]|[^a]m)scan(?:ner)?\b|analy[sz]|audit",
            r"inspect|diagnos|measure|observatory|synthetic|survey|(?:^|[^p])research|report|\bprob|seo(?:$|[^u])",
            r"preview|thumb|screenshot|favicon|feed|\brss|rss\b|\bread(?:er|kit)|\breeder|newsblur|newsgator",
            r"netnewswire|parser|google (?:web|search)|weblight|devtools|-user/\d|agent(?:$|[/);]| \d)",
        ),
    ),
    (
        "tool",  # libraries, command-line tools and services, by name
        (
            r"curl|wget|python|\bperl\b|(?:^|[ (])java/\d|okhttp|go-http|libwww-perl|\bphp|\bruby[/ ]\d",
            r"\bnode\b|axios|http.?client|apache-|winhttp|aiohttp|httpx|urllib|guzzle|postman|insomnia|\blwp[:-]|jakarta",
            r"requests|faraday|typhoeus|mechanize|webclient|powershell|wordpress|sitesucker|httrack|getter/|copier",
            r"google-|-google\b|googlemessages|googleother|mediapartners|facebookexternal|^duckduckgo/|^ddg[-_]",
            r"pingdom|nagios|catchpoint|gomez|rigor|neustar|dareboost|debugbear|dejaclick|datanyze|iplabel",
            r"ips-agent|ruxit|datadog|cloudflare|pageburst|hubspot|adbeat|statuscake|site24x7",
        ),
    ),
    (
        _PERSON,
        (
            r"applewebkit|gecko|khtml|konqueror|presto/|msie \d|trident/|firefox/|opera[/ ]|mosaic|charon",
            r"mozac|netfront|iemobile|ucbrowser|ucweb|up\.browser|browser/|profile/midp|configuration/cldc|dalvik/|cfnetwork",
            r"ladybird/|libweb|hbbtv|playstation|amiga|beos|symbian|nokia|ms-?office|^(?:lynx|links|elinks|w3m|dillo|netsurf)",
        ),
    ),
    (
        "bare",  # the prefix that every browser sends, without a browser after it
        (r"^mozilla/[\d.]+ *(?:\((?:compatible|windows|linux|x11|macintosh)[^)]*\))? *$",),
    ),
    (
        _PERSON,  # apps and old phones that name the device
        (
            r"android|iphone|ipad|ipod|\bios\b|ios/|tvos|watch ?os|windows|\bwin(?:10|11|32|64)\b|mac ?os",
            r"os=mac|macintosh|darwin|\bmidp|series ?[346]0|blackberry|tizen|web ?os|\bbrew\b|nintendo",
            r"roku|upnp|palm|smarttv|appletv|fban/|^googleapp/|microsoft o(?:ffice|utlook)",
            r"sonyericsson|samsung|motorola|huawei|alcatel|panasonic|philips|docomo|softbank|vodafone",
            r"lenovo|\bhtc|\basus|pantech|karbonn|micromax|^lg",
            r"^(?:sony|mot|sie|sec|zte|sharp|kddi|j-phone|spice|lava)[-_ \d/]",
        ),
    ),
    ("no-browser", (r".",)),
)

# Entries of crawler-user-agents that match people too: an Android build, the embedded browsers of apps, of
# editors and of Steam, the browsers Coc Coc and Sogou, and phones and tablets.
_NOT_BOTS = {
    *("AP3A\\.240617\\.008", "MetaIAB Facebook", "Fluid", "TSM-turingos", "Code\\/1\\.", "Trae\\/"),
    *("Bluesky\\/", "Notion\\/", "PayPal\\/", "Tumblr\\/", "Valve\\/Steam", "Viber", "WhatsApp", "mail\\.ru"),
    *("coccoc", "Sogou", "Sonic", "Butterfly", "speedy", "008\\/"),
}


def _build_engine(patterns: Iterable[tuple[str, str]]) -> UserAgentExtractor:
    return UserAgentExtractor((pattern, name, None, None, None, None) for name, pattern in patterns)


def _first_match(engine: UserAgentExtractor, agent: str) -> str | None:
    found = engine.extract(agent)
    return None if found is None or found.family == _PERSON else found.family


_OWN_RULES = _build_engine((name, f"(?i){'|'.join(patterns)}") for name, patterns in _RULES)

# Where Android's agents name the phone. Some phones are called as bots are: "reeder", "XBot", "PHP110". Some
# bots name themselves there, and have three letters or more before "bot".
_PHONE = re.compile(
    r"(\(Linux; (?:U; )?Android [\d.]+; (?:[A-Za-z]{2}[-_][A-Za-z]{2}; )?)"
    r"(?![\w +-]*(?:[a-z0-9]{3}bot\b|[a-z]{3}spider\b|crawler|googleother))[\w +-]+(?= Build/|\)|; wv\))",
    re.ASCII | re.IGNORECASE,
)
_BROWSER = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36"


def _is_covered(pattern: str, examples: Iterable[str]) -> bool:
    """True if our rules find the examples, and the pattern's own text behind the tokens of a browser too.

    An example often has a web address or another mark beside the name, and the bot's next version may not.
    """
    text = re.sub(r"\[(.)[^\]]*\]", r"\1", pattern).replace("\\", "")
    probe = text[1:] if text.startswith("^") else f"{_BROWSER} {text}"
    return all(_first_match(_OWN_RULES, agent) for agent in (probe.removesuffix("$"), *examples))


# crawler-user-agents knows names that no general rule can know. Keep only the entries that our rules do not
# cover.
_LISTED_BOTS = _build_engine(
    (LISTED, entry["pattern"])
    for entry in CRAWLER_USER_AGENTS_DATA
    if entry["pattern"] not in _NOT_BOTS and not _is_covered(entry["pattern"], entry.get("instances", []))
)


def bot_rule(agent: str | None) -> str | None:
    """Return the name of the rule that fired, or None if the agent looks like a person's."""
    if not agent or agent.isspace():
        return NO_AGENT
    if "Android" in agent:
        agent = _PHONE.sub(r"\1K", agent)
    return _first_match(_OWN_RULES, agent) or _first_match(_LISTED_BOTS, agent)
