"""The lake that `benchmarks.columns` measures: days of sessions, of which 2 % of the lines are there twice.

Half of the copies are in the same object; the others land three or twenty hours later, also on the next day.
"""

import gzip
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

from benchmarks.report import kind_of_line
from tests.support.lakes import to_text

FIRST_DAY = datetime(2026, 11, 1, tzinfo=UTC)
OBJECTS_A_DAY = 288  # one delivery every five minutes
EVENTS_OF_A_SESSION = 12
LINES_OF_ONE_TWICE = 50
LATER = (0, 0, 36, 240)  # objects between a line and its copy: in the same one, three and twenty hours later


def objects(events_a_day: int, days: int) -> Iterator[tuple[str, bytes]]:
    """Yield each object's key and its gzip bytes."""
    random = Random(7)  # noqa: S311
    kinds = [kind_of_line(random) for _ in range(500)]
    copies: defaultdict[int, list[bytes]] = defaultdict(list)
    total = OBJECTS_A_DAY * days
    for number in range(total):
        at = FIRST_DAY + timedelta(days=1) * number / OBJECTS_A_DAY
        count = events_a_day * (number + 1) // OBJECTS_A_DAY - events_a_day * number // OBJECTS_A_DAY
        written = copies.pop(number, [])
        for position, line in enumerate(_lines(random, kinds, at, count)):
            written.append(line)
            if position % LINES_OF_ONE_TWICE == 0:
                landing = number + random.choice(LATER)
                (written if landing in (number, *range(total, total + 999)) else copies[landing]).append(line)
        yield (
            f"clicks/dt={at:%Y-%m-%d}/hr={at:%H}/clicklake-dev-1-{at:%Y-%m-%d-%H-%M-%S}-{number}.gz",
            gzip.compress(b"".join(written), 6),
        )


def _lines(random: Random, kinds: list[bytes], at: datetime, count: int) -> Iterator[bytes]:
    sessions = [
        (f"{random.getrandbits(128):032x}", f"{random.getrandbits(256):064x}", f"u-{random.getrandbits(32)}")
        for _ in range(max(1, count // EVENTS_OF_A_SESSION))
    ]
    for number in range(count):
        received = at + timedelta(minutes=5) * number / count
        session, visitor, user = random.choice(sessions)
        lag = random.randrange(60_000)
        happened = received - timedelta(milliseconds=random.randrange(8000))
        ids = (
            f'{{"eventId":"{UUID(int=random.getrandbits(128))}","requestId":"{UUID(int=random.getrandbits(128))}",'
            f'"sessionId":"{session}","visitorId":"{visitor}","userId":"{user}",'
            f'"occurredAt":"{to_text(happened)}","sentAt":"{to_text(received)}",'
            f'"receivedAt":"{to_text(received)}","skewMs":{random.randrange(900)},"lagMs":{lag},'
            f'"processedAt":"{to_text(received + timedelta(milliseconds=lag))}"'
        )
        # A line has one userId: the kind's "guest" is left out.
        yield ids.encode() + random.choice(kinds).replace(b',"userId":"guest"', b"", 1) + b"\n"
