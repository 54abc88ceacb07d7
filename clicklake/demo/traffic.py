"""A made-up but plausible day of visits to the Mysfits' site. The same seed makes the same day."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, TypeVar
from uuid import UUID

from clicklake.cli.checkout import ROOT

SITE = "https://mysfits.example"
MYSFITS = ROOT / "web" / "mysfits.json"
GPC_SHARE, BOT_SHARE, WRONG_CLOCK_SHARE = 0.04, 0.06, 0.02

T = TypeVar("T")
Weighted = Sequence[tuple[int, T]]

# The relative traffic of each hour of the day.
BUSY = (3, 2, 1, 1, 1, 2, 5, 9, 12, 11, 10, 11, 14, 12, 10, 10, 11, 13, 16, 20, 22, 18, 12, 6)

COUNTRIES: Weighted[str] = (
    (30, "US"), (14, "DE"), (11, "GB"), (8, "FR"), (6, "JP"), (5, "BR"), (5, "NL"), (4, "IN"), (3, "SE"),
)  # fmt: skip
_WINDOWS, _MAC = "Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7"
_LINUX = "X11; Linux x86_64"
_PHONE, _PAD = "iPhone; CPU iPhone OS 18_6 like Mac OS X", "iPad; CPU OS 18_6 like Mac OS X"
_CHROME = "Mozilla/5.0 ({}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 {}Safari/537.36"
_SAFARI = "Mozilla/5.0 ({}) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 {}Safari/605.1.15"
_FIREFOX = "Mozilla/5.0 ({}; rv:145.0) Gecko/20100101 Firefox/145.0"
AGENTS: Weighted[str] = (
    (26, _CHROME.format(_WINDOWS, "")),
    (20, _CHROME.format("Linux; Android 10; K", "Mobile ")),
    (19, _SAFARI.format(_PHONE, "Mobile/15E148 ")),
    (9, _SAFARI.format(_MAC, "")),
    (7, _CHROME.format(_MAC, "")),
    (6, _FIREFOX.format(_WINDOWS)),
    (5, _CHROME.format(_WINDOWS, "") + " Edg/142.0.0.0"),
    (3, _FIREFOX.format(_LINUX)),
    (3, _SAFARI.format(_PAD, "Mobile/15E148 ")),
    (2, _CHROME.format("Linux; Android 15; SM-X710", "")),
)
BOTS: Weighted[str] = (
    (5, "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"),
    (3, _CHROME.format(_LINUX, "").replace("Chrome", "HeadlessChrome")),
    (2, "curl/8.14.1"),
    (1, "python-requests/2.32.5"),
)
# Where a session comes from: the referrer, and the campaign's query in the landing page's URL.
SOURCES: Weighted[tuple[str | None, str]] = (
    (30, (None, "")),
    (28, ("https://www.google.com/", "")),
    (6, ("https://duckduckgo.com/", "")),
    (4, ("https://www.bing.com/", "")),
    (9, ("https://www.instagram.com/", "?utm_campaign=autumn&utm_source=instagram&utm_medium=social")),
    (5, ("https://www.reddit.com/", "")),
    (8, (None, "?utm_campaign=november-letter&utm_source=newsletter&utm_medium=email")),
    (4, ("https://mail.google.com/", "?utm_campaign=november-letter&utm_source=newsletter&utm_medium=email")),
    (3, ("https://www.google.com/", "?utm_campaign=dragons&utm_source=google&utm_medium=cpc&gclid=demo")),
    (3, ("https://bestiary.example/", "")),
)
PAGES: Weighted[str] = (
    (50, "/"),
    (18, "/adopt"),
    (12, "/stories/the-yeti-next-door"),
    (8, "/faq"),
    (5, "/shelter"),
)


@dataclass(frozen=True)
class Visitor:
    headers: dict[str, str]
    is_bot: bool
    clock_error: timedelta


@dataclass(frozen=True)
class Request:
    """One request of a browser: some events of one visit, sent a moment after the last of them."""

    at: datetime
    visitor: Visitor
    clicks: list[dict[str, Any]]


def day_of_traffic(end: datetime, sessions: int, seed: int) -> list[Request]:
    """Return the requests of the 24 hours before `end`, in the order in which they are sent."""
    random = Random(seed)  # noqa: S311 (nothing here is secret)
    mysfits = json.loads(MYSFITS.read_text())
    favour = [(random.randint(2, 30), mysfit) for mysfit in mysfits]
    visitors = [_visitor(random) for _ in range(round(0.8 * sessions))]  # some visit twice
    requests = [
        request for _ in range(sessions) for request in _session(random, end, random.choice(visitors), favour)
    ]
    return sorted((request for request in requests if request.at < end), key=lambda request: request.at)


def _session(
    random: Random, end: datetime, visitor: Visitor, favour: Weighted[dict[str, Any]]
) -> Iterator[Request]:
    hour = _pick(random, tuple((weight, hour) for hour, weight in enumerate(BUSY)))
    at = end - timedelta(days=1) + timedelta(hours=(hour - end.hour) % 24, seconds=random.random() * 3600)
    session = None if visitor.is_bot else str(_uuid(random))
    referrer, query = _pick(random, SOURCES)
    for _ in range(min(6, 1 + int(random.expovariate(0.7)))):
        page = f"{SITE}{_pick(random, PAGES)}{query}"
        clicks = []
        for event in _events(random, favour):
            at += timedelta(seconds=1 + random.expovariate(1 / 9))
            place = {"sessionId": session, "url": page, "referrer": referrer, "title": "Mythical Mysfits"}
            happened = {"eventId": str(_uuid(random)), "occurredAt": (at + visitor.clock_error).isoformat()}
            clicks.append(
                {name: value for name, value in (event | happened | place).items() if value is not None}
            )
        yield Request(at + timedelta(seconds=1), visitor, clicks)
        referrer, query = page, ""
        at += timedelta(seconds=5 + random.expovariate(1 / 30))


def _events(random: Random, favour: Weighted[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the events on one page: a page view, clicks on mysfits, sometimes a link to another site."""
    yield {"type": "pageview"}
    for _ in range(min(8, int(random.expovariate(0.6)))):
        mysfit = _pick(random, favour)
        element = {"tag": "button", "text": mysfit["name"]}
        yield {"type": "click", "mysfitId": mysfit["mysfitId"], "element": element}
    if random.random() < 0.05:
        yield {"type": "outbound", "element": {"tag": "a", "href": "https://bestiary.example/"}}
    if random.random() < 0.02:
        yield {"type": "adopted", "properties": {"price": random.choice([10, 25, 50])}}


def _visitor(random: Random) -> Visitor:
    is_bot = random.random() < BOT_SHARE
    # From the shared address space of RFC 6598.
    address = f"100.{random.randint(64, 127)}.{random.randint(0, 255)}.7"
    headers = {
        "User-Agent": _pick(random, BOTS if is_bot else AGENTS),
        "CloudFront-Viewer-Address": f"{address}:443",
        "CloudFront-Viewer-Country": _pick(random, COUNTRIES),
    }
    if random.random() < GPC_SHARE:
        headers["Sec-GPC"] = "1"
    is_wrong = random.random() < WRONG_CLOCK_SHARE
    return Visitor(headers, is_bot, timedelta(minutes=random.randint(-90, 240) if is_wrong else 0))


def _pick(random: Random, choices: Weighted[T]) -> T:
    return random.choices([choice for _, choice in choices], [weight for weight, _ in choices])[0]


def _uuid(random: Random) -> UUID:
    return UUID(int=random.getrandbits(128), version=4)
