"""The report's charts over time: which hours, days or months they show, and the labels under them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple

from markupsafe import Markup

from clicklake.lake.partitions import HOUR, Span
from clicklake.report.charts import CARD_PIXELS, WIDE_PIXELS, TimeColumn, columns
from clicklake.report.panels import Row

DAY = timedelta(days=1)
QUARTER = HOUR / 4  # every zone's offset is a multiple of it


class ChartSize(NamedTuple):
    """A chart's width in pixels, and how many labels it has room for."""

    width: int
    labels: int


WIDE, CARD = ChartSize(WIDE_PIXELS, 14), ChartSize(CARD_PIXELS, 5)
LinkOf = Callable[[datetime], str]


class Unit(NamedTuple):
    query: str  # a saved query
    column: str
    text: str  # strftime's format of that column
    steps: Sequence[int]  # allowed distances between two labels


HOURS = Unit("hours", "hour", "%Y-%m-%dT%H", (1, 2, 3, 6, 12, 24))
DAYS = Unit("days", "day", "%Y-%m-%d", (1, 2, 7, 14, 28))
MONTHS = Unit("months", "month", "%Y-%m", (1, 3, 6, 12))


def unit_of(span: Span) -> Unit:
    """Return the unit that gives few enough columns for a phone."""
    length = span.until - span.since
    return HOURS if length <= 3 * DAY + 2 * HOUR else DAYS if length <= 100 * DAY else MONTHS


def written(at: datetime, unit: Unit) -> str:
    """Name an hour, day or month as a sentence does: at 12:00 on 24 November."""
    if unit is MONTHS:
        return f"in {at:%B %Y}"
    return f"at {at:%H}:00 on {at.day} {at:%B}" if unit is HOURS else f"on {at.day} {at:%B}"


@dataclass(frozen=True)
class Timeline:
    """Each hour, day or month of the span: its row, and the row at that place of the compared span."""

    unit: Unit
    moments: Mapping[datetime, tuple[Row, Row]]

    def most(self, column: str) -> tuple[str, int]:
        at, (row, _) = max(self.moments.items(), key=lambda moment: moment[1][0].get(column, 0))
        return written(at, self.unit), row.get(column, 0)

    def draw(
        self,
        front: str,
        back: str,
        names: tuple[str, str],
        link_of: LinkOf = lambda _: "",
        wide: ChartSize = WIDE,
    ) -> tuple[Markup, Markup]:
        """Return the chart for a wide page, and for a phone.

        `link_of` says where a click on a column leads.
        """
        return self._draw(front, back, names, link_of, wide), self._draw(front, back, names, link_of, CARD)

    def _draw(
        self, front: str, back: str, names: tuple[str, str], link_of: LinkOf, size: ChartSize
    ) -> Markup:
        steps = self.unit.steps
        step = next((step for step in steps if step * size.labels >= len(self.moments)), steps[-1])
        drawn = [
            TimeColumn(
                label=self._label(place, at, step),
                name=written(at, self.unit).split(" ", 1)[1],
                front=row.get(front, 0),
                back=row.get(back, 0),
                before=earlier.get(front, 0),
                link=link_of(at),
            )
            for place, (at, (row, earlier)) in enumerate(self.moments.items())
        ]
        return columns(drawn, size.width, names)

    def _label(self, place: int, at: datetime, step: int) -> str:
        if (at.hour if self.unit is HOURS else place) % step:
            return ""
        if self.unit is HOURS and at.hour:
            return f"{at:%H}:00"
        return f"{at:%b %Y}" if self.unit is MONTHS else f"{at.day} {at:%b}"


def build_timeline(
    span: Span, zone: tzinfo, now: Sequence[Row], then: Sequence[Row], compared: Span | None
) -> Timeline:
    """Combine the rows of the unit's query for the span and for the compared span."""
    unit = unit_of(span)
    rows, rows_then = ({row[unit.column]: row for row in result} for result in (now, then))
    # Events that arrived in the span may have happened up to a day earlier.
    early = {
        text: at
        for text, at in _moments(Span(span.since - DAY, span.since), zone, unit).items()
        if text >= min(rows, default="~")
    }
    own = _moments(span, zone, unit)
    place = dict(zip(own, _moments(compared, zone, unit) if compared else (), strict=False))
    found = {
        at: (rows.get(text, {}), rows_then.get(place.get(text, ""), {})) for text, at in (early | own).items()
    }
    return Timeline(unit, found)


def _moments(span: Span, zone: tzinfo, unit: Unit) -> dict[str, datetime]:
    """Return the start of each hour, day or month in the zone, by its text in the query's column.

    An hour that the clocks repeat is one column, as its text is the same.
    """
    found: dict[str, datetime] = {}
    at = span.since
    while at < span.until:
        local = at.astimezone(zone)
        found.setdefault(local.strftime(unit.text), local)
        at += QUARTER if unit is HOURS else HOUR
    return found
