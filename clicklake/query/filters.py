"""Filters: which events a view selects. A filter selects events; visitors and sessions are those with one.

Two filters of one dimension that say `is` select the events of either; all others must hold at once.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from sqlglot import exp

MAX_VALUE_CHARACTERS = 512

# What can be filtered by: its name in a URL, what a person calls it, and its column.
DIMENSIONS: Mapping[str, tuple[str, str]] = {
    "item": ("Item", "itemid"),
    "page": ("Page", "path"),
    "site": ("Own site", "host"),
    "type": ("Event type", "type"),
    "channel": ("Channel", "referrerkind"),
    "referrer": ("Referring site", "referrerhost"),
    "campaign": ("Campaign", "utmcampaign"),
    "source": ("Source", "utmsource"),
    "medium": ("Medium", "utmmedium"),
    "country": ("Country", "country"),
    "device": ("Device", "device"),
    "system": ("System", "os"),
    "browser": ("Browser", "browser"),
}
STEP_KINDS = ("type", "page", "item")
SESSION_QUESTIONS = frozenset(["entry_pages", "exit_pages"])
"""Saved questions about whole sessions: a filter selects the sessions with such an event."""
ATTRIBUTE_MARK = "catalogue."  # before the name of a catalogue's attribute


class ParameterError(ValueError):
    """A parameter of a view or a question breaks its rule."""

    def __init__(self, parameter: str, rule: str) -> None:
        super().__init__(f"{parameter}: {rule}")
        self.parameter, self.rule = parameter, rule


@dataclass(frozen=True)
class Condition:
    """A dimension that has a value, or does not have it."""

    dimension: str
    value: str
    is_negative: bool = False

    @property
    def parameter(self) -> str:
        return "not" if self.is_negative else "is"

    @property
    def text(self) -> str:
        """As the URL has it."""
        return f"{self.dimension}:{self.value}"

    @property
    def heading(self) -> str:
        if self.dimension.startswith(ATTRIBUTE_MARK):
            return self.dimension.removeprefix(ATTRIBUTE_MARK).capitalize()
        return DIMENSIONS[self.dimension][0]

    @property
    def column(self) -> str:
        if self.dimension.startswith(ATTRIBUTE_MARK):
            return self.dimension.removeprefix(ATTRIBUTE_MARK)
        return DIMENSIONS[self.dimension][1]

    def negated(self) -> "Condition":
        return replace(self, is_negative=not self.is_negative)


def parse_condition(text: str, *, negative: bool, parameter: str) -> Condition:
    """Return the condition of `dimension:value`. Raises ParameterError."""
    dimension, colon, value = text.partition(":")
    if not colon or not value:
        raise ParameterError(parameter, "a dimension and a value, such as country:DE")
    name = dimension.removeprefix(ATTRIBUTE_MARK)
    is_attribute = name != dimension and name.isidentifier() and name.isascii() and len(name) <= 64
    if dimension not in DIMENSIONS and not is_attribute:
        known = ", ".join(DIMENSIONS)
        raise ParameterError(
            parameter, f"the dimension is one of {known}, or {ATTRIBUTE_MARK} and an attribute"
        )
    if not is_filterable(value):
        raise ParameterError(
            parameter, f"a value has at most {MAX_VALUE_CHARACTERS} characters, and none is NUL"
        )
    return Condition(dimension, value, negative)


def is_filterable(value: str) -> bool:
    """Return whether a filter can have the value. DuckDB's SQL ends at a NUL character."""
    return 0 < len(value) <= MAX_VALUE_CHARACTERS and "\0" not in value


def check_attributes(conditions: Iterable[Condition], attributes: Collection[str]) -> None:
    """Raise ParameterError for a filter by a column that is not an attribute of the lake's catalogue."""
    for condition in conditions:
        if condition.dimension.startswith(ATTRIBUTE_MARK) and condition.column not in attributes:
            known = ", ".join(sorted(attributes)) or "none"
            raise ParameterError(condition.parameter, f"the attributes of this lake's catalogue are: {known}")


def condition_of(column: str, value: str, attributes: Iterable[str]) -> Condition | None:
    """Return the condition that a column has the value; None for a column without a dimension."""
    for dimension, (_, known) in DIMENSIONS.items():
        if known == column:
            return Condition(dimension, value)
    return Condition(f"{ATTRIBUTE_MARK}{column}", value) if column in attributes else None


def where(conditions: Iterable[Condition]) -> exp.Expression | None:
    """Return the conditions in SQL; None without any."""
    wanted: dict[str, list[str]] = defaultdict(list)
    unwanted: dict[str, list[str]] = defaultdict(list)
    for condition in conditions:
        (unwanted if condition.is_negative else wanted)[condition.column].append(condition.value)
    parts: list[exp.Expression] = [_is_in(column, values) for column, values in wanted.items()]
    for column, values in unwanted.items():
        missing = exp.Is(this=exp.column(column), expression=exp.Null())
        parts.append(exp.Paren(this=exp.Or(this=missing, expression=exp.Not(this=_is_in(column, values)))))
    return exp.Paren(this=exp.and_(*parts, copy=False)) if parts else None


def _is_in(column: str, values: Iterable[str]) -> exp.Expression:
    literals: list[exp.Expression] = [exp.Literal.string(value) for value in values]
    if len(literals) == 1:
        return exp.EQ(this=exp.column(column), expression=literals[0])
    return exp.In(this=exp.column(column), expressions=literals)


def select_events(query: exp.Query, condition: exp.Expression | None, *, by_session: bool) -> exp.Query:
    """Return the query over the events that meet the condition.

    `by_session` selects all events of the sessions with such an event: an entry page is a session's first
    page, whatever the filter says of the others.
    """
    if condition is None:
        return query

    def narrow(node: exp.Expression) -> exp.Expression:
        if not isinstance(node, exp.Table) or node.name not in ("events", "human_events"):
            return node
        selected = exp.select("*").from_(node.name).where(condition.copy())
        if by_session:
            sessions = exp.select("session_key").from_(node.name).where(condition.copy())
            selected = exp.select("*").from_(node.name).where(exp.column("session_key").isin(query=sessions))
        return selected.subquery(node.alias or node.name)

    narrowed: exp.Query = query.copy().transform(narrow)  # type: ignore[assignment]
    return narrowed
