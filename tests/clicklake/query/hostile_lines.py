"""Lines of a day that a stranger, an old version or a broken disk could have written."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from clicklake.lake.partitions import HOUR, hour_of
from tests.support.day import SPAN, Line
from tests.support.lakes import TestLake, compact, to_text

MORNING = SPAN.since + 9 * HOUR
NASTY_TEXTS = (
    *("<script>alert(1)</script>", "=cmd|' /C calc'!A0", "\u001b[31mred\u001b[0m", "two\nlines", "a\tb"),
    *("' or 1=1 --", '"quoted"', "\\", "%_", "\u202eright to left", "é", "e\u0301", "\U0001f42b", "", " "),
    *("NULL", "null", "NaN", "true", "0", "-0", "1e999", "{}", "[]", "x" * 512),
)
MALFORMED_TIMES = (
    *("", "yesterday", "2026-13-45T99:99:99.000Z", "2026-11-19T25:00:00.000Z", "2026-02-30T10:00:00.000Z"),
    *("2026-11-19T10:61:00.000Z", "0000-00-00T00:00:00.000Z", "T10:00:00", "2026-11-19Tten:00:00"),
    *("2026", "2026-11", "2026-11-19", "2026-1-9T1:2:3", "10:00", " 2026-11-19T10:00:00", "2026-11-19T10"),
    *("20261119T100000Z", "<script>2026-11-19</script>", "NaN", "null", "1795489985"),
)
FAR_TIMES = ("1970-01-01T00:00:00.000Z", "2026-11-21T10:00:00.000Z", "9999-12-31T23:59:59.999Z")
NOT_LINES = (
    b"",
    b"   ",
    b"{",
    b'{"eventId": "unfinished',
    b"[]",
    b"null",
    b"5",
    b'"text"',
    b"\xff\xfe",
    b"{}",
)
ELEMENTS: tuple[dict[str, str], ...] = (
    {"tag": "a", "name": "buy", "selector": "#buy"},
    {"tag": "a", "selector": "#buy"},
    {"tag": "button"},
    {"name": "no tag"},
    {"tag": "<script>", "name": "=cmd()", "selector": ""},
)
ODD_TYPES: tuple[Line, ...] = (
    {"title": 5, "path": 7, "sessionId": True},
    {"lagMs": "12", "skewMs": "-7"},
    {"lagMs": None, "skewMs": None, "path": None, "country": None},
    {"element": {"tag": "a", "TAG": "b"}, "properties": {"URL": "1", "Url": "2", "url": "3"}},
    {"element": {}, "properties": {}},
    {"foreignHost": True},
    {"foreignHost": False},
    {"unknown": {"deep": [1, {"deeper": None}]}, "v": 1},
    {"Path": "/capital", "PATH": "/capitals", "TYPE": "pageview", "BOT": "shouting", "UserID": "other"},
)


def put_hostile_lines(lake: TestLake) -> None:
    """Put them into the hours of SPAN, and copies of one event into several hours and into the day before."""
    by_hour: defaultdict[datetime, list[bytes]] = defaultdict(list)
    for number, line in enumerate(_lines()):
        at = MORNING + timedelta(minutes=number % 600)
        stamped = {
            "receivedAt": to_text(at),
            "processedAt": to_text(at + timedelta(seconds=3)),
            "v": 1,
        } | line
        by_hour[hour_of(at)].append(compact({"eventId": f"hostile-{number}"} | stamped) + b"\n")
    for at in (MORNING, SPAN.since - 4 * HOUR):  # the second is read for its ids alone
        by_hour[at] += [line + b"\n" for line in NOT_LINES]
    for event, hours in (("thrice", (3, 13, 23)), ("each hour", range(24)), ("since yesterday", (-4, 1, 16))):
        for hour in hours:
            by_hour[SPAN.since + hour * HOUR] += _copies(event, hour)
    for when, lines in by_hour.items():
        lake.put("clicks", lines, when)


def _copies(event: str, hour: int) -> Iterator[bytes]:
    """Yield two lines of one event, the second processed later and with another country."""
    at = SPAN.since + hour * HOUR + timedelta(minutes=5)
    for second, country in enumerate(("DE", "AT")):
        times = {"receivedAt": to_text(at), "processedAt": to_text(at + timedelta(seconds=second))}
        yield compact(_seen({"eventId": event, "country": country, "hour": hour} | times)) + b"\n"


def _lines() -> Iterator[Line]:
    for text in NASTY_TEXTS:
        yield _seen({"path": text, "sessionId": text, "visitorId": text, "country": text, "mysfitId": text})
        yield _seen({"utmCampaign": text, "utmSource": text, "referrerHost": text, "referrerKind": "other"})
        yield _seen({"browser": text, "os": text, "device": text, "species": text, "mysfitId": "any"})
        yield _seen({"bot": text})
        yield _seen({"type": text})
    for time in (*MALFORMED_TIMES, *FAR_TIMES):
        yield _seen({"occurredAt": time})
    for odd in ODD_TYPES:
        yield _seen(odd)
    for milliseconds in (-(10**15), -1, 0, 1, 1000, 1001, 3_600_000, 3_600_001, 10**15):
        yield _seen({"lagMs": milliseconds, "skewMs": milliseconds})
    for element in ELEMENTS:
        yield _seen({"type": "element_click", "element": element, "properties": element})
    for privacy in ("gpc", "dnt", "<b>"):
        yield _seen({"privacy": privacy, "userId": "guest"})


def _seen(fields: dict[str, Any]) -> Line:
    return {"type": "click", "userId": "guest", "mysfitId": "m", "itemLookup": "found"} | fields
