"""What a person looks at: a period, a zone, a comparison, filters and a funnel. The URL holds all of it.

A view is a link: whoever opens it sees the same. Every name and value is checked, and a wrong one is named
with its rule.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Literal, get_args
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from clicklake.cli.time_spans import (
    COMPARISONS,
    FIRST_YEAR,
    LAST_YEAR,
    Comparison,
    compared_span,
    start_of_day,
)
from clicklake.lake.partitions import HOUR, Span, hour_of
from clicklake.query.filters import STEP_KINDS, Condition, ParameterError, parse_condition

Period = Literal["today", "yesterday", "7d", "30d", "month", "lastmonth", "custom"]
PERIODS: Mapping[Period, str] = {  # custom is any other span of days
    "today": "Today",
    "yesterday": "Yesterday",
    "7d": "Last 7 days",
    "30d": "Last 30 days",
    "month": "This month",
    "lastmonth": "Last month",
}
DEFAULT_PERIOD: Period = "7d"
DEFAULT_COMPARISON: Comparison = "week"
MAX_DAYS = 1100  # three years: an hour's object each would be 26,400
MAX_CONDITIONS, MAX_STEPS, MAX_TABS, MAX_NAME = 20, 8, 20, 80
MINUTE = timedelta(minutes=1)
FORM_FIELDS = frozenset(["dimension", "how", "value", "kind", "target"])
"""What the forms send for a filter and a step, instead of `is`, `not` and `step`."""

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class View:
    """What the URL says, checked."""

    period: Period = DEFAULT_PERIOD
    first: date | None = None
    last: date | None = None
    zone_name: str = "UTC"
    comparison: Comparison = DEFAULT_COMPARISON
    conditions: tuple[Condition, ...] = ()
    steps: tuple[Condition, ...] = ()
    """Of the funnel, in order."""
    tabs: tuple[str, ...] = ()
    """Panels that are shown in the place of their card's first."""

    @property
    def zone(self) -> tzinfo:
        return UTC if self.zone_name == "UTC" else ZoneInfo(self.zone_name)

    def span(self, now: datetime) -> Span:
        """Return the time that is looked at. A period that goes on ends with the current hour."""
        today = now.astimezone(self.zone).date()
        first, last = self._days(today)
        end = start_of_day(last + timedelta(days=1), self.zone)
        begin = start_of_day(first, self.zone)
        return Span(begin, max(begin + HOUR, min(end, hour_of(now) + HOUR)))

    def compared(self, now: datetime) -> Span | None:
        """Return the time to compare with. A period that goes on is compared up to this minute."""
        span = self.span(now)
        until = min(span.until, now.replace(second=0, microsecond=0) + MINUTE)
        return compared_span(Span(span.since, max(until, span.since + MINUTE)), self.zone, self.comparison)

    def frozen(self, now: datetime) -> "View":
        """Return the view of the same days, whenever it is looked at."""
        first, last = self._days(now.astimezone(self.zone).date())
        return replace(self, period="custom", first=first, last=last)

    def goes_on(self, now: datetime) -> bool:
        return self.span(now).until > now

    def _days(self, today: date) -> tuple[date, date]:
        begin_of_month = today.replace(day=1)
        match self.period:
            case "today":
                return today, today
            case "yesterday":
                return today - timedelta(days=1), today - timedelta(days=1)
            case "7d":
                return today - timedelta(days=6), today
            case "30d":
                return today - timedelta(days=29), today
            case "month":
                return begin_of_month, today
            case "lastmonth":
                end = begin_of_month - timedelta(days=1)
                return end.replace(day=1), end
            case "custom":
                return self.first or today, self.last or self.first or today

    # Links to other views.

    def url(self, path: str = "") -> str:
        query = urlencode([*self.pairs()])
        return f"{path}?{query}" if query else path or "?"

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Yield the URL's parameters; those that have their default are left out."""
        if self.period == "custom":
            yield "from", f"{self.first}"
            yield "to", f"{self.last}"
        elif self.period != DEFAULT_PERIOD:
            yield "period", self.period
        if self.zone_name != "UTC":
            yield "zone", self.zone_name
        if self.comparison != DEFAULT_COMPARISON:
            yield "compare", self.comparison
        for condition in self.conditions:
            yield condition.parameter, condition.text
        for step in self.steps:
            yield "step", step.text
        for tab in self.tabs:
            yield "tab", tab

    def only(self, *conditions: Condition) -> "View":
        """Return the view with these conditions too, each in the place of its opposite."""
        kept = [
            each for each in self.conditions if each not in conditions and each.negated() not in conditions
        ]
        return replace(self, conditions=(*kept, *conditions))

    def without(self, condition: Condition) -> "View":
        return replace(self, conditions=tuple(each for each in self.conditions if each != condition))

    def negating(self, condition: Condition) -> "View":
        """Return the view with `is` and `is not` exchanged in one condition."""
        changed = (each.negated() if each == condition else each for each in self.conditions)
        return replace(self, conditions=tuple(changed))

    def cleared(self) -> "View":
        return replace(self, conditions=())

    def without_step(self, at: int) -> "View":
        return replace(self, steps=self.steps[:at] + self.steps[at + 1 :])

    def with_period(self, period: Period) -> "View":
        return replace(self, period=period, first=None, last=None)

    def with_tabs(self, tabs: tuple[str, ...]) -> "View":
        return replace(self, tabs=tabs)

    def of_day(self, day: date) -> "View":
        return replace(self, period="custom", first=day, last=day)


def parse_view(pairs: Pairs) -> View:
    """Return the view of a URL's parameters. Raises ParameterError naming the parameter and its rule."""
    given: dict[str, str] = {}
    conditions: list[Condition] = []
    steps: list[Condition] = []
    tabs: list[str] = []
    for name, value in pairs:
        if name in ("is", "not"):
            if value:
                conditions.append(parse_condition(value, negative=name == "not", parameter=name))
        elif name == "step":
            if value:
                steps.append(_step(value, name))
        elif name == "tab":
            if not value.isidentifier() or len(value) > MAX_NAME or len(tabs) == MAX_TABS:
                raise ParameterError("tab", f"the name of a panel; at most {MAX_TABS}")
            tabs.append(value)
        elif name in ("period", "from", "to", "zone", "compare", *FORM_FIELDS):
            given[name] = value.strip()
        elif name:
            raise ParameterError(
                name[:MAX_NAME],
                "is not a part of a view; those are period, from, to, zone, compare, is, not, step and tab",
            )
    # What the two forms add: a filter of three fields, a step of two.
    if given.get("dimension") and given.get("value"):
        text = f"{given['dimension']}:{given['value']}"
        conditions.append(parse_condition(text, negative=given.get("how") == "not", parameter="value"))
    if given.get("kind") and given.get("target"):
        steps.append(_step(f"{given['kind']}:{given['target']}", "target"))
    conditions = [*dict.fromkeys(conditions)]
    if len(conditions) > MAX_CONDITIONS:
        raise ParameterError("is", f"at most {MAX_CONDITIONS} filters")
    if len(steps) > MAX_STEPS:
        raise ParameterError("step", f"at most {MAX_STEPS} steps")
    period, first, last = _period(given)
    return View(
        period,
        first,
        last,
        _zone(given),
        _comparison(given),
        tuple(conditions),
        tuple(steps),
        tuple(dict.fromkeys(tabs)),
    )


def _step(text: str, parameter: str) -> Condition:
    step = parse_condition(text, negative=False, parameter=parameter)
    if step.dimension not in STEP_KINDS:
        raise ParameterError(parameter, f"a step is one of {', '.join(STEP_KINDS)}, such as type:adopted")
    return step


def _period(given: Mapping[str, str]) -> tuple[Period, date | None, date | None]:
    period = "custom" if given.get("from") else given.get("period") or DEFAULT_PERIOD
    if period not in get_args(Period):
        raise ParameterError("period", f"one of {', '.join(PERIODS)}, or the days from and to")
    if given.get("to") and not given.get("from"):
        raise ParameterError("from", "a day such as 2026-11-24, if there is a day in to")
    if period != "custom":
        return period, None, None  # type: ignore[return-value]
    if not given.get("from"):
        raise ParameterError("from", "a day such as 2026-11-24, if the period is custom")
    first = _day("from", given["from"])
    last = _day("to", given["to"]) if given.get("to") else first
    if last < first:
        raise ParameterError("to", f"not before from, which is {first}")
    if (last - first).days >= MAX_DAYS:
        raise ParameterError("to", f"at most {MAX_DAYS} days with from")
    return "custom", first, last


def _day(name: str, value: str) -> date:
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise ParameterError(name, "a day such as 2026-11-24") from None
    if not FIRST_YEAR <= day.year < LAST_YEAR:
        raise ParameterError(name, f"a day of the years {FIRST_YEAR} to {LAST_YEAR - 1}")
    return day


def _zone(given: Mapping[str, str]) -> str:
    name = given.get("zone") or "UTC"
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ParameterError("zone", "a time zone such as UTC, Europe/Berlin or Asia/Kolkata") from None
    return name


def _comparison(given: Mapping[str, str]) -> Comparison:
    comparison = given.get("compare") or DEFAULT_COMPARISON
    if comparison not in COMPARISONS:
        raise ParameterError("compare", f"one of {', '.join(COMPARISONS)}")
    return comparison
