"""The lake that `benchmarks.columns` measures: days of sessions, of which 2 % of the lines are there twice.

A session is one visitor with one browser, who came from one place and views and clicks a dozen times. Half of
the copies are in the same object; the others land three or twenty hours later, some of them on the next day.
"""

import gzip
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import NamedTuple
from uuid import UUID

from tests.support.lakes import compact, to_text

FIRST_DAY = datetime(2026, 11, 1, tzinfo=UTC)
FIVE_MINUTES = timedelta(minutes=5)  # between two deliveries
OBJECTS_A_DAY = 288
EVENTS_OF_A_SESSION = 12
LINES_OF_ONE_TWICE = 50
LATER = (0, 0, 36, 240)  # objects between a line and its copy: in the same one, three and twenty hours later
PROFILES, PAGES, ITEMS = 400, 60, 40


class Session(NamedTuple):
    ids: str
    profile: bytes


def objects(events_a_day: int, days: int, *, hours: int = 24) -> Iterator[tuple[str, bytes]]:
    """Yield each object's key and its gzip bytes; a day's events land in its first `hours`."""
    random = Random(7)  # noqa: S311
    profiles = [_profile(random) for _ in range(PROFILES)]
    events = [_event(random) for _ in range(2 * PAGES)]
    copies: defaultdict[int, list[bytes]] = defaultdict(list)
    a_day = OBJECTS_A_DAY * hours // 24
    total = a_day * days
    for number in range(total):
        at = FIRST_DAY + timedelta(days=number // a_day) + FIVE_MINUTES * (number % a_day)
        count = events_a_day * (number + 1) // a_day - events_a_day * number // a_day
        sessions = [_session(random, profiles) for _ in range(max(1, count // EVENTS_OF_A_SESSION))]
        written = copies.pop(number, [])
        for position in range(count):
            received = at + FIVE_MINUTES * position / count
            line = _line(random, random.choice(sessions), random.choice(events), received)
            written.append(line)
            if position % LINES_OF_ONE_TWICE == 0:
                landing = number + random.choice(LATER)
                (copies[landing] if number < landing < total else written).append(line)
        yield (
            f"clicks/dt={at:%Y-%m-%d}/hr={at:%H}/clicklake-dev-1-{at:%Y-%m-%d-%H-%M-%S}-{number}.gz",
            gzip.compress(b"".join(written), 6),
        )


def _session(random: Random, profiles: list[bytes]) -> Session:
    ids = (
        f'"sessionId":"{random.getrandbits(128):032x}","visitorId":"{random.getrandbits(256):064x}",'
        f'"userId":"u-{random.getrandbits(24)}"'
    )
    return Session(ids, random.choice(profiles))


def _line(random: Random, session: Session, event: bytes, received: datetime) -> bytes:
    lag = random.randrange(60_000)
    happened = received - timedelta(milliseconds=random.randrange(8000))
    head = (
        f'{{"eventId":"{UUID(int=random.getrandbits(128))}","requestId":"{UUID(int=random.getrandbits(128))}",'
        f'{session.ids},"occurredAt":"{to_text(happened)}","sentAt":"{to_text(received)}",'
        f'"receivedAt":"{to_text(received)}","skewMs":{random.randrange(900)},"lagMs":{lag},'
        f'"processedAt":"{to_text(received + timedelta(milliseconds=lag))}"'
    )
    return head.encode() + session.profile + event + b"}\n"


def _profile(random: Random) -> bytes:
    """What every line of a session says."""
    return _fields(
        utmSource="news",
        utmMedium="mail",
        utmCampaign=random.choice(["autumn", "winter", "dragons"]),
        browser=random.choice(["Chrome", "Firefox", "Safari"]),
        browserVersion=f"{random.randrange(120, 143)}.0",
        os=random.choice(["Linux", "Windows", "Android", "iOS"]),
        device=random.choice(["desktop", "mobile", "tablet"]),
        country=random.choice(["DE", "FR", "US", "GB", "JP"]),
        address=f"203.0.{random.randrange(256)}.0",
        referrer="https://www.google.com/",
        referrerHost=random.choice(["www.google.com", "www.reddit.com", "www.bing.com"]),
        referrerKind=random.choice(["search", "social", "other", "direct"]),
        v=1,
    )


def _event(random: Random) -> bytes:
    """What a line says of its page and its item."""
    path = f"/page-{random.randrange(PAGES)}.html"
    page = {
        "host": "mysfits.example",
        "path": path,
        "url": f"https://mysfits.example{path}?utm_source=news&utm_medium=mail&utm_campaign=autumn",
        "title": f"Mythical Mysfits, page {path}",
    }
    if random.random() < 0.5:
        return _fields(**page, type="pageview", itemLookup="none")
    return _fields(
        **page,
        type="click",
        element={"tag": "button", "id": "adopt", "text": "Adopt this one"},
        properties={"position": str(random.randrange(9)), "featured": "true"},
        mysfitId=str(UUID(int=random.randrange(ITEMS))),
        itemLookup="found",
        species=random.choice(["Chimera", "Troll", "Yeti"]),
        goodevil=random.choice(["Good", "Evil"]),
        lawchaos=random.choice(["Lawful", "Chaotic"]),
    )


def _fields(**fields: object) -> bytes:
    """Return the fields as they stand inside an object, with a comma before them."""
    return b"," + compact(fields)[1:-1]
