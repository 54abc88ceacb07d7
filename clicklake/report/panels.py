"""How the report shows a query result: a number, a sentence, a chart, a table. panels.toml has the words."""

import tomllib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from markupsafe import Markup

from clicklake.cli.sanitize import for_terminal
from clicklake.report.charts import BarRow, bars, grid, share
from clicklake.report.words import meaning_of, sentence

SHOWN_BARS = 8
MAX_TEXT_CHARACTERS = 120
COVERED = 0.95  # the share of events that a panel of times speaks about
GOOD_TO_EVIL, LAW_TO_CHAOS = ("Good", "Neutral", "Evil"), ("Lawful", "Neutral", "Chaotic")
ATTRIBUTES_SECTION = "Catalogue attributes"
NAMED_BY = "name"  # the attribute that people know an item by

Row = Mapping[str, Any]
Rows = Sequence[Row]


@dataclass(frozen=True)
class Panel:
    query: str
    heading: str
    title: str
    nothing: str
    more: str = ""
    kind: str = "ranking"
    count: str = "events"
    columns: Mapping[str, str] = field(
        default_factory=lambda: {"seconds": "seconds, at most", "events": "events"}
    )
    needs: tuple[str, ...] = ()
    """Attributes of the catalogue without which the panel makes no sense."""
    sql: str = ""
    """The query's SQL, if it is not a saved query."""


def panel_sections(attributes: Collection[str]) -> dict[str, list[Panel]]:
    """Return the panels of each section, by its title, for a lake whose catalogue has these attributes."""
    document = tomllib.loads(Path(__file__).with_name("panels.toml").read_text())
    sections = {
        section["title"]: [Panel(**panel) for panel in section["panel"]] for section in document["section"]
    }
    of_attributes = [_attribute_panel(name) for name in attributes if name != NAMED_BY]
    sections[ATTRIBUTES_SECTION] = of_attributes + sections[ATTRIBUTES_SECTION]
    shown = {
        title: [panel for panel in panels if set(panel.needs) <= set(attributes)]
        for title, panels in sections.items()
    }
    return {title: panels for title, panels in shown.items() if panels}


def _attribute_panel(name: str) -> Panel:
    """Return the panel of a catalogue attribute, whose name holds only letters, digits and _."""
    column = name.lower()
    sql = (
        f"select {column}, count(*) as clicks, sum(count(*)) over () as total,"  # noqa: S608 (a checked name)
        " count(distinct visitor_key) as visitors from human_events"
        f" where type = 'click' and {column} is not null group by {column}"
        f" order by clicks desc, {column} limit 50"
    )
    return Panel(
        query=f"attribute_{column}",
        heading=name.capitalize(),
        title="of {total:click/clicks} on items with this attribute went to {top}",
        nothing=f"No clicked item has the attribute {name}.",
        count="clicks",
        columns={column: name, "clicks": "clicks", "visitors": "visitors"},
        sql=sql,
    )


def number_of(panel: Panel, rows: Rows) -> str:
    """Return the large number before the title."""
    counts = [row[panel.count] for row in rows]
    if panel.kind == "times":
        kept = [sum(counts[: at + 1]) for at in range(len(rows))]
        return names_of(panel, rows)[
            next(at for at, events in enumerate(kept) if events >= COVERED * sum(counts))
        ]
    if panel.kind == "copies":
        return f"{sum(row['events'] for row in rows if row['copies'] > 1):,}"
    return share(counts[0], rows[0]["total"])


def title_of(panel: Panel, rows: Rows) -> str:
    return _sentence(panel.title, panel, rows)


def more_of(panel: Panel, rows: Rows) -> str:
    """Return a second sentence; none where a number in it is 0."""
    top = rows[0]
    is_needed = panel.more and all(top[name] != 0 for name in top if f"{{{name}" in panel.more)
    return _sentence(panel.more, panel, rows) if is_needed else ""


def _sentence(template: str, panel: Panel, rows: Rows) -> str:
    numbers = {"total": sum(row[panel.count] for row in rows)}
    numbers |= {name: number for name, number in rows[0].items() if isinstance(number, int)}
    return sentence(template, **(numbers | {"top": names_of(panel, rows)[0]}))


def chart_of(panel: Panel, rows: Rows) -> Markup:
    if panel.kind == "grid":
        cells = [(row["goodevil"], row["lawchaos"], row["clicks"]) for row in rows]
        if all(good in GOOD_TO_EVIL and law in LAW_TO_CHAOS for good, law, _ in cells):
            return grid(cells, GOOD_TO_EVIL, LAW_TO_CHAOS)
    counts = [row[panel.count] for row in rows]
    total = rows[0].get("total") or sum(counts)
    shown = [*map(BarRow, names_of(panel, rows), counts)][:SHOWN_BARS]
    return bars(shown, total)


def cell_of(panel: Panel, row: Row, column: str) -> Any:
    """Return what a table shows in a column: names instead of ids and codes."""
    if column == "itemid":
        return _item(row)
    return meaning_of(column, row[column])


def plain(value: object) -> str:
    """Return a stranger's text on one line, with control characters visible; the template escapes it."""
    text = for_terminal(str(value))
    return text if len(text) <= MAX_TEXT_CHARACTERS else text[: MAX_TEXT_CHARACTERS - 1] + "…"


def names_of(panel: Panel, rows: Rows) -> list[str]:
    """Name each row as people do: items by their name, countries in English."""
    if panel.kind == "times":
        return _bounds([row["seconds"] for row in rows])
    column = next(iter(panel.columns))
    name: Callable[[Row], Any] = _NAMES.get(panel.query, lambda row: meaning_of(column, row[column]))
    return [plain(name(row)) for row in rows]


def _item(row: Row) -> str:
    """Name an item. The first eight characters of a UUID are enough to tell items apart."""
    item: str = row["itemid"] if len(row["itemid"]) <= 20 else row["itemid"][:8]
    return str(row["name"] or (f"{row['species']} {item}" if row["species"] else item))


def _joined(separator: str, *columns: str) -> Callable[[Row], str]:
    return lambda row: separator.join(dict.fromkeys(row[column] for column in columns if row[column]))


# How to name a row, if its first column is not enough.
_NAMES: Mapping[str, Callable[[Row], Any]] = {
    "items": _item,
    "alignment": lambda row: f"{row['goodevil']} and {row['lawchaos']}",
    "paths": _joined(" → ", "path", "item"),
    "campaigns": _joined(" / ", "utmcampaign", "utmsource", "utmmedium"),
    "browsers": _joined(" on ", "browser", "os"),
    "properties": lambda row: f"{row['type']}: {row['property']} = {row['value']}",
    "duplicates": lambda row: "once" if row["copies"] == 1 else f"{row['copies']:,} times",
}


def _bounds(seconds: Sequence[int | None]) -> list[str]:
    """Name the rows of times. The last may have no bound; the bound 0 means a browser's clock is ahead."""
    known = [bound for bound in seconds if bound is not None]
    beyond = f"> {_duration(known[-1])}" if known else "longer"
    return [f"≤ {_duration(bound)}" if bound else "clock ahead" for bound in known] + [beyond] * (
        len(seconds) - len(known)
    )


def _duration(seconds: int) -> str:
    for unit, length in (("day", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
