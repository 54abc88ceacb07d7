"""The dashboard's panels: which question each asks, and how its rows are named and filtered by."""

import tomllib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sqlglot import exp

from clicklake.dashboard.view import View
from clicklake.query.filters import Condition, condition_of, is_filterable, select_events, where
from clicklake.query.queries import parse_query, saved_query
from clicklake.report.charts import BarRow
from clicklake.report.panels import ATTRIBUTES_SECTION, Panel, Row, names_of, panel_sections

SHOWN_ROWS = 7
_KINDS = {"late": "times", "duplicates": "copies"}


@dataclass(frozen=True)
class ListPanel:
    """A question whose rows are ranked."""

    query: str
    heading: str
    tab: str
    nothing: str
    label: Sequence[str]
    count: str = "events"
    by_session: bool = False
    quality: bool = False
    """Of the data itself, so filters do not apply."""
    sql: str = ""
    """The question, if it is not a saved one."""
    drawn_sql: str = ""
    """A lighter question with the same rows, labels and counts, if a column less is not enough."""

    @cached_property
    def _named(self) -> Panel:
        kind = _KINDS.get(self.query, "ranking")
        columns = {name: name for name in self.label}
        return Panel(self.query, self.heading, "", self.nothing, kind=kind, count=self.count, columns=columns)

    def question(self, view: View) -> exp.Query:
        """Return the whole question for what the view selects, in Athena's SQL."""
        return self._selected(self._whole(), view)

    def drawn_question(self, view: View) -> exp.Query:
        """Return what is needed to draw the panel: fewer columns of the same rows.

        Visitors and sessions, which the drawing does not show, take most of the time of a question.
        """
        if self.drawn_sql:
            return self._selected(parse_query(self.drawn_sql), view)
        query = self._whole()
        kept = [each for each in query.selects if each.alias == self.count or not _counts_distinct(each)]
        query.set("expressions", kept)
        return self._selected(query, view)

    def _whole(self) -> exp.Query:
        return parse_query(self.sql) if self.sql else saved_query(self.query)

    def _selected(self, query: exp.Query, view: View) -> exp.Query:
        if self.quality:
            return query
        return select_events(query, where(view.conditions), by_session=self.by_session)

    def rows(self, found: Sequence[Row], view: View, attributes: Collection[str]) -> list[BarRow]:
        """Return the rows as they are drawn, each with a link to the view that it filters."""
        if not found:
            return []
        links = (self._link(row, view, attributes) for row in found)
        counts = (int(row[self.count]) for row in found)
        return [*map(BarRow, names_of(self._named, found), counts, links)]

    def total(self, found: Sequence[Row]) -> int:
        return int(found[0].get("total") or sum(row[self.count] for row in found)) if found else 0

    def _link(self, row: Row, view: View, attributes: Collection[str]) -> str:
        if self.quality:
            return ""
        conditions = [
            condition
            for name in self.label
            if row[name] is not None
            and is_filterable(str(row[name]))
            and (condition := condition_of(name, str(row[name]), attributes)) is not None
        ]
        return view.only(*conditions).url() if conditions else ""


def _counts_distinct(selected: exp.Expr) -> bool:
    return any(isinstance(each.this, exp.Distinct) for each in selected.find_all(exp.Count))


@dataclass(frozen=True)
class Card:
    """Panels of which one is shown; the others are tabs."""

    title: str
    panels: Sequence[ListPanel]

    def shown(self, tabs: Collection[str]) -> ListPanel:
        return next((panel for panel in self.panels if panel.query in tabs), self.panels[0])

    def tabs_with(self, panel: ListPanel, tabs: Sequence[str]) -> tuple[str, ...]:
        """Return the tabs of a view in which this card shows the panel."""
        own = {each.query for each in self.panels}
        others = tuple(tab for tab in tabs if tab not in own)
        return others if panel is self.panels[0] else (*others, panel.query)


def cards_of(attributes: Collection[str]) -> list[Card]:
    """Return the cards for a lake whose catalogue has these attributes."""
    document = tomllib.loads(Path(__file__).with_name("panels.toml").read_text())
    cards = [
        Card(card["title"], [ListPanel(**panel) for panel in card.get("panel", ())])
        for card in document["card"]
    ]
    return [
        card if card.panels else Card(card.title, _of_catalogue(attributes))
        for card in cards
        if card.panels or _of_catalogue(attributes)
    ]


def _of_catalogue(attributes: Collection[str]) -> list[ListPanel]:
    return [
        ListPanel(
            query=panel.query,
            heading=panel.heading,
            tab=panel.heading,
            nothing=panel.nothing,
            label=[next(iter(panel.columns))],
            count=panel.count,
            sql=panel.sql,
        )
        for panel in panel_sections(attributes).get(ATTRIBUTES_SECTION, ())
        if panel.sql
    ]


def items_named(conditions: Collection[Condition]) -> exp.Query | None:
    """Return the question for the names of the items that the conditions have; None without any."""
    ids = sorted({condition.value for condition in conditions if condition.dimension == "item"})
    if not ids:
        return None
    return (
        exp.select("itemid", "max(name) as name")
        .from_("events")
        .where(exp.column("itemid").isin(*(exp.Literal.string(each) for each in ids)))
        .group_by("itemid")
    )
