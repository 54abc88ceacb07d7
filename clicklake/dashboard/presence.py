"""Who is here now: the visitors of the last five minutes, read from the newest objects of clicks/."""

from collections import Counter
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from clicklake.lake.bucket import Lake, S3Object
from clicklake.lake.json_lines import NotJsonError, decode_json
from clicklake.lake.object_stream import UnreadableObjectError
from clicklake.lake.partitions import HOUR, hour_of, to_rfc3339

WINDOW = timedelta(minutes=5)
SHOWN_PAGES = 5
MAX_OBJECTS = 200  # the newest ones

Visits = dict[str, tuple[str, str]]
"""Of one object: when each visitor was last seen, and on which page."""
KeptVisits = dict[tuple[str, str], Visits]
"""By an object's key and ETag."""


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


def present(lake: Lake, now: datetime, kept: KeptVisits | None = None) -> Presence:
    """Return who sent an event within the last five minutes. Bots do not count.

    An open page asks every second. `kept` remembers what the objects say, so each object is read once.
    """
    since = to_rfc3339(now - WINDOW)
    kept = {} if kept is None else kept
    found = {
        (each.key, each.etag): kept.get((each.key, each.etag)) or _visits(lake, each.key)
        for each in _recent(lake, now)
    }
    kept.clear()
    kept.update(found)
    page_of: dict[str, str] = {}
    for visits in found.values():
        for who, (seen_at, path) in visits.items():
            if seen_at >= since:
                page_of[who] = path or page_of.get(who, "")
    pages = Counter(path for path in page_of.values() if path)
    return Presence(len(page_of), pages.most_common(SHOWN_PAGES))


def _recent(lake: Lake, now: datetime) -> list[S3Object]:
    """Return the objects that landed within the window, the oldest first."""
    hours = dict.fromkeys((hour_of(now - WINDOW - HOUR / 6), hour_of(now)))
    objects = [found for hour in hours for found in lake.objects_of_hour("clicks", hour)]
    recent = [found for found in objects if found.modified >= now - WINDOW]
    return sorted(recent, key=lambda found: found.modified)[-MAX_OBJECTS:]


def _visits(lake: Lake, key: str) -> Visits:
    """Return the visitors of an object, each with the time of its last event and its last page."""
    visits: Visits = {}
    with suppress(UnreadableObjectError):
        for line in lake.lines(key):
            with suppress(NotJsonError):
                event = decode_json(_LINES, line)
                who = event.visitor_id or event.session_id
                if who and not event.bot:
                    seen_at, path = visits.get(who, ("", ""))
                    visits[who] = max(seen_at, event.received_at or ""), event.path or path
    return visits
