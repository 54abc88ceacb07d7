"""Two weeks of a shop's visits, and what plain Python says of them."""

import random
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tests.support.lakes import TestLake, compact, to_text

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)  # a Wednesday
DAYS = 30
VISITS = (8, 14)  # of a day
ITEMS = {
    "3f0f196c-4a7b-43af-9e29-6522a715342d": "Gary",
    "2b473002-36f8-4b87-954e-9a377e0ccbec": "Pauly",
    "a68db521-c031-44c7-b5ef-bfa4c0850e2a": "Nessi",
}
CAMPAIGNS = [None, "autumn", "dragons", "newsletter"]
PLACES = ["DE", "US", "FR"]
KINDS = ["search", "direct", "ai", "social"]

Line = dict[str, Any]


def lay_fortnight(lake: TestLake) -> list[Line]:
    """Put a month of visits into the lake, each day's into one object per hour, and return the lines."""
    chance = random.Random(7)
    lines = [line for day in range(DAYS) for line in _day(chance, NOW - timedelta(days=DAYS - 1 - day))]
    lines = [line for line in lines if line["receivedAt"] < to_text(NOW)]
    by_hour: dict[str, list[Line]] = {}
    for line in lines:
        by_hour.setdefault(line["receivedAt"][:13], []).append(line)
    for hour, landed in by_hour.items():
        at = datetime.fromisoformat(f"{hour}:00:00+00:00")
        lake.put("clicks", [compact(line) + b"\n" for line in landed], at)
    return lines


def _day(chance: random.Random, day: datetime) -> Iterable[Line]:
    for _ in range(chance.randint(*VISITS)):
        at = day.replace(
            hour=chance.choices(range(24), range(1, 25))[0], minute=chance.randrange(50), second=0
        )
        visit = {
            "sessionId": str(UUID(int=chance.getrandbits(128))),
            "visitorId": str(UUID(int=chance.getrandbits(128))),
            "country": chance.choice(PLACES),
            "device": chance.choice(["mobile", "desktop"]),
            "browser": chance.choice(["Chrome", "Firefox"]),
            "os": chance.choice(["Android", "Windows"]),
            "utmCampaign": chance.choice(CAMPAIGNS),
            "v": 1,
        }
        item = chance.choices([*ITEMS], [5, 3, 2])[0]
        steps: list[Line] = [{"type": "pageview", "path": "/", "referrerKind": chance.choice(KINDS)}]
        if chance.random() < 0.8:
            steps.append({"type": "click", "path": "/", "mysfitId": item, "name": ITEMS[item]})
        if chance.random() < 0.5:
            steps.append({"type": "pageview", "path": chance.choice(["/adopt", "/faq"])})
        if chance.random() < 0.4:
            steps.append({"type": "adopted", "path": "/adopt"})
        for number, step in enumerate(steps):
            time = to_text(at + timedelta(minutes=number))
            line = visit | step | {"eventId": str(UUID(int=chance.getrandbits(128), version=4))}
            line |= {"occurredAt": time, "receivedAt": time, "processedAt": time, "itemLookup": "found"}
            yield {name: value for name, value in line.items() if value is not None}


def of_days(lines: Iterable[Line], first: str, last: str) -> list[Line]:
    return [line for line in lines if first <= line["receivedAt"][:10] <= last]


def counted(lines: Iterable[Line], field: str, is_counted: Callable[[Line], bool]) -> list[tuple[str, int]]:
    """Return the values of the field, the most frequent first."""
    found = Counter(line[field] for line in lines if is_counted(line) and field in line)
    return sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))


def is_click(line: Line) -> bool:
    return bool(line["type"] == "click")
