"""The rule of counting in plain Python: slow, simple, and nobody's SQL."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

WINDOW = timedelta(hours=25)


class LandedLine(NamedTuple):
    """A line, and the hour of the folder in which it landed."""

    hour: datetime
    fields: dict[str, Any]


class CountedEvent(NamedTuple):
    hour: datetime
    fields: dict[str, Any]
    copies: int
    counted: bool


def counted_events(lines: Iterable[LandedLine]) -> list[CountedEvent]:
    """A row per event and hour, by the rule in DESIGN: sorted by hour and id."""
    by_event: defaultdict[str, defaultdict[datetime, list[dict[str, Any]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for hour, fields in lines:
        by_event[fields["eventId"]][hour].append(fields)
    events = []
    for hours in by_event.values():
        for hour, copies in hours.items():
            last = max(copies, key=lambda fields: (fields["processedAt"], fields["receivedAt"]))
            counts = not any(timedelta() < hour - other <= WINDOW for other in hours)
            events.append(CountedEvent(hour, last, len(copies), counts))
    return sorted(events, key=lambda event: (event.hour, event.fields["eventId"]))
