"""Parse a user agent: browser, operating system and kind of device."""

from typing import NamedTuple

from ua_parser.loaders import load_lazy_builtins
from ua_parser.regex import Resolver

from processor.parsing.devices import device_of

# ua-parser's data and Rust engine, built at import, when Lambda gives the most CPU. Leave out its third list,
# the devices: it takes longer to build than the other two and does not tell a phone from a tablet.
_browsers, _systems, _ = load_lazy_builtins()
_ENGINE = Resolver((_browsers, _systems, []))

# Every line of a request repeats these texts, and some of ua-parser's rules take them from the agent
# itself. With these limits 0.5 MiB of envelopes fit into a response, whatever their agents say
# (tests/processor/test_growth.py).
MAX_BROWSER_CHARACTERS = 40
MAX_VERSION_CHARACTERS = 16
MAX_OS_CHARACTERS = 32


class UserAgent(NamedTuple):
    browser: str | None = None
    browser_version: str | None = None
    os: str | None = None
    device: str | None = None


def parse_user_agent(agent: str | None) -> UserAgent:
    if not agent:
        return UserAgent()
    browser, system = _ENGINE.ua.extract(agent), _ENGINE.os.extract(agent)
    version = ".".join(part for part in (browser.major, browser.minor) if part) if browser else None
    return UserAgent(
        _cut(browser.family if browser else None, MAX_BROWSER_CHARACTERS),
        _cut(version, MAX_VERSION_CHARACTERS),
        _cut(system.family if system else None, MAX_OS_CHARACTERS),
        device_of(agent),
    )


def _cut(text: str | None, limit: int) -> str | None:
    """Return None for an empty text. The limit is halved if JSON needs two bytes for a character."""
    if not text:
        return None
    return text[: limit // 2 if '"' in text or "\\" in text else limit]
