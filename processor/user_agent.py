"""A user agent's browser, operating system and kind of device."""

import re
from functools import lru_cache
from typing import NamedTuple

from ua_parser import Domain
from ua_parser import UserAgent as Browser
from ua_parser.loaders import load_lazy_builtins
from ua_parser.regex import Resolver

# Built once, at the start, where Lambda lends more CPU than a batch gets. Without the device matchers, which
# cost as much again and tell brands and models, not kinds.
_browsers, _systems, _ = load_lazy_builtins()
_RESOLVER = Resolver((_browsers, _systems, []))

_TABLET = re.compile(r"iPad|Tablet|PlayBook|Silk/|Kindle|Android(?!.*Mobile)")
_MOBILE = re.compile(r"Mobi|iPhone|iPod|Android|Windows Phone|Opera Mini|BlackBerry|IEMobile")
_DESKTOP = re.compile(r"Windows NT|Macintosh|X11|CrOS|Linux")


class UserAgent(NamedTuple):
    browser: str | None
    browser_version: str | None
    os: str | None
    device: str


@lru_cache(maxsize=8192)
def parse_user_agent(agent: str) -> UserAgent:
    found = _RESOLVER(agent, Domain.USER_AGENT | Domain.OS)
    browser, system = found.user_agent, found.os
    return UserAgent(
        browser.family if browser else None,
        _version_of(browser) if browser else None,
        system.family if system else None,
        _device_of(agent),
    )


def _version_of(browser: Browser) -> str | None:
    return ".".join(part for part in (browser.major, browser.minor) if part) or None


def _device_of(agent: str) -> str:
    if _TABLET.search(agent):
        return "tablet"
    if _MOBILE.search(agent):
        return "mobile"
    return "desktop" if _DESKTOP.search(agent) else "other"
