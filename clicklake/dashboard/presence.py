"""Who is here now: the visitors of the last five minutes, read from the newest objects of clicks/."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from clicklake.lake.bucket import Lake
from clicklake.lake.json_lines import NotJsonError, decode_json
from clicklake.lake.object_stream import UnreadableObjectError
from clicklake.lake.partitions import HOUR, hour_of, to_rfc3339

WINDOW = timedelta(minutes=5)
SHOWN_PAGES = 5
MAX_OBJECTS = 200  # the newest ones


class PresentLine(msgspec.Struct, rename="camel", gc=False):
    """What a line says of who is here."""

    received_at: str | None = None
    visitor_id: str | None = None
    session_id: str | None = None
    path: str | None = None
    bot: str | None = None


class Presence(NamedTuple):
    visitors: int
    pages: list[tuple[str, int]]
    """The pages that most of them look at, with the number of visitors."""


_LINES = msgspec.json.Decoder(PresentLine)


def present(lake: Lake, now: datetime) -> Presence:
    """Return who sent an event within the last five minutes. Bots do not count."""
    since = to_rfc3339(now - WINDOW)
    page_of: dict[str, str] = {}
    for line in _lines(lake, now):
        who = line.visitor_id or line.session_id
        if who and not line.bot and (line.received_at or "") >= since:
            page_of[who] = line.path or page_of.get(who, "")
    pages = Counter(path for path in page_of.values() if path)
    return Presence(len(page_of), pages.most_common(SHOWN_PAGES))


def _lines(lake: Lake, now: datetime) -> Iterator[PresentLine]:
    """Yield the lines of the objects that landed within the window, the oldest first."""
    hours = dict.fromkeys((hour_of(now - WINDOW - HOUR / 6), hour_of(now)))
    objects = [found for hour in hours for found in lake.objects_of_hour("clicks", hour)]
    recent = sorted(
        (found for found in objects if found.modified >= now - WINDOW), key=lambda found: found.modified
    )
    for found in recent[-MAX_OBJECTS:]:
        try:
            for line in lake.lines(found.key):
                try:
                    yield decode_json(_LINES, line)
                except NotJsonError:
                    continue
        except UnreadableObjectError:
            continue
