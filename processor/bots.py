"""Whether a user agent is a robot's, and by which rule. Marked, never removed: queries decide."""

import re
from functools import lru_cache

_RULES = (
    ("no-agent", re.compile(r"^\s*$")),
    ("headless", re.compile(r"headless|phantomjs|puppeteer|playwright|selenium|electron", re.I)),
    ("crawler", re.compile(r"bot\b|bot[/_-]|crawl|spider|slurp|archiver|scrap", re.I)),
    (
        "tool",
        re.compile(r"^(curl|wget|python|go-http|java|okhttp|axios|node|ruby|perl|php|libwww|postman)", re.I),
    ),
    ("address", re.compile(r"https?://|www\.|@[a-z0-9-]+\.", re.I)),
    ("no-browser", re.compile(r"^(?!.*(Mozilla|Opera))")),
)


@lru_cache(maxsize=8192)
def bot_rule(agent: str | None) -> str | None:
    """The name of the rule that fired, or None for what seems a person."""
    return next((name for name, pattern in _RULES if pattern.search(agent or "")), None)
