"""Parse a user agent: browser, operating system and kind of device."""

from functools import lru_cache
from typing import NamedTuple

from ua_parser.loaders import load_lazy_builtins
from ua_parser.regex import Resolver
from ua_parser_rs import UserAgentExtractor

# ua-parser's data and Rust engine, built at import, when Lambda gives the most CPU. Leave out its third list,
# the devices: it takes longer to build than the other two and does not tell a phone from a tablet.
_browsers, _systems, _ = load_lazy_builtins()
_ENGINE = Resolver((_browsers, _systems, []))

# The order matters: TVs also say Linux, tablets say Android, phones say both. Android browsers say Mobile on
# a phone but not on a tablet. iPads since 2019 claim to be a Macintosh.
_KINDS = UserAgentExtractor(
    (pattern, kind, None, None, None, None)
    for kind, pattern in (
        ("other", r"\bTV\b|[Ss]mart-?TV|HbbTV|Apple ?TV|GoogleTV|Web0S|NetCast|BRAVIA|\bAFT[A-Z]|CrKey|Roku"),
        ("other", r"PlayStation|Xbox|Nintendo|Watch|Quest \d|Oculus"),
        ("desktop", r"Tablet PC"),
        (
            "tablet",
            r"iPad|Tablet|PlayBook|Silk/|Kindle|Nexus (?:7|9|10)\b|\bSM-[TXP]\d|\bGT-P\d|\bKF[A-Z]{2}",
        ),
        ("mobile", r"Mobi|iPhone|iPod|Windows (?:Phone|CE)|Opera Mini|BlackBerry|\bBB10|MIDP|CLDC|Symbian"),
        ("mobile", r"Nokia|UCWEB|UP\.Browser|KAIOS|DoCoMo"),
        ("tablet", r"Android.*(?:Safari|Firefox)"),
        ("mobile", r"Android"),
        ("desktop", r"Windows|Macintosh|Mac OS X|X11|Wayland|CrOS|Linux|BSD|Darwin"),
    )
)


class UserAgent(NamedTuple):
    browser: str | None = None
    browser_version: str | None = None
    os: str | None = None
    device: str | None = None


@lru_cache(maxsize=8192)
def parse_user_agent(agent: str | None) -> UserAgent:
    if not agent:
        return UserAgent()
    browser, system, kind = _ENGINE.ua.extract(agent), _ENGINE.os.extract(agent), _KINDS.extract(agent)
    return UserAgent(
        browser.family if browser else None,
        ".".join(part for part in (browser.major, browser.minor) if part) or None if browser else None,
        system.family if system else None,
        kind.family if kind else "other",
    )
