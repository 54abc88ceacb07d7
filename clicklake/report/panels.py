"""How the report shows a query result: a number, a sentence, a chart, a table. panels.toml has the words."""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from markupsafe import Markup

from clicklake.cli.sanitize import for_terminal
from clicklake.report.charts import bars, grid

SHOWN_BARS = 8
MAX_TEXT_CHARACTERS = 120
COVERED = 0.95  # the share of events that a panel of times speaks about
GOOD_TO_EVIL, LAW_TO_CHAOS = ("Good", "Neutral", "Evil"), ("Lawful", "Neutral", "Chaotic")

Row = Mapping[str, Any]
Rows = Sequence[Row]


@dataclass(frozen=True)
class Panel:
    query: str
    heading: str
    title: str
    nothing: str
    kind: str = "ranking"
    count: str = "events"
    columns: Mapping[str, str] = field(
        default_factory=lambda: {"seconds": "seconds, at most", "events": "events"}
    )


def read_sections() -> dict[str, list[Panel]]:
    """Return the panels of each section, by the section's title."""
    document = tomllib.loads(Path(__file__).with_name("panels.toml").read_text())
    return {
        section["title"]: [Panel(**panel) for panel in section["panel"]] for section in document["section"]
    }


def number_of(panel: Panel, rows: Rows) -> str:
    """Return the large number before the title."""
    counts = [row[panel.count] for row in rows]
    if panel.kind == "times":
        kept = [sum(counts[: at + 1]) for at in range(len(rows))]
        return _names(panel, rows)[
            next(at for at, events in enumerate(kept) if events >= COVERED * sum(counts))
        ]
    if panel.kind == "copies":
        return f"{sum(row['events'] for row in rows if row['copies'] > 1):,}"
    return share(counts[0], rows[0]["total"])


def title_of(panel: Panel, rows: Rows) -> str:
    top = rows[0]
    numbers = {"total": sum(row[panel.count] for row in rows)} | {
        name: n for name, n in top.items() if isinstance(n, int)
    }
    return panel.title.format(top=_names(panel, rows)[0], **{name: f"{n:,}" for name, n in numbers.items()})


def chart_of(panel: Panel, rows: Rows) -> Markup:
    if panel.kind == "grid":
        cells = [(row["goodevil"], row["lawchaos"], row["clicks"]) for row in rows]
        if all(good in GOOD_TO_EVIL and law in LAW_TO_CHAOS for good, law, _ in cells):
            return grid(cells, GOOD_TO_EVIL, LAW_TO_CHAOS)
    return bars([*zip(_names(panel, rows), (row[panel.count] for row in rows), strict=True)][:SHOWN_BARS])


def plain(value: object) -> str:
    """Return a stranger's text on one line, with control characters made visible; the template escapes it."""
    text = for_terminal(str(value))
    return text if len(text) <= MAX_TEXT_CHARACTERS else text[: MAX_TEXT_CHARACTERS - 1] + "…"


def share(part: int, whole: int) -> str:
    percent = 100 * part / whole if whole else 0
    return f"{percent:.0f} %" if percent >= 9.95 or percent == 0 else f"{percent:.1f} %"


def _names(panel: Panel, rows: Rows) -> list[str]:
    if panel.kind == "times":
        return _bounds([row["seconds"] for row in rows])
    name = _NAMES.get(panel.query, _joined("", next(iter(panel.columns))))
    return [plain(name(row)) for row in rows]


def _item(row: Row) -> str:
    """Name an item. The first eight characters of a UUID are enough to tell items apart."""
    item: str = row["itemid"] if len(row["itemid"]) <= 20 else row["itemid"][:8]
    return str(row["name"] or (f"{row['species']} {item}" if row["species"] else item))


def _joined(separator: str, *columns: str) -> Callable[[Row], str]:
    return lambda row: separator.join(dict.fromkeys(row[column] for column in columns if row[column]))


# Values of the first column, as they read in a sentence.
_WORDS = {
    "search": "a search engine",
    "social": "a social network",
    "ai": "an AI assistant",
    "other": "another site",
    "direct": "no page",
    "found": "its attributes",
    "not_found": "that there is no such item",
    "unavailable": "no answer",
    "not_asked": "nothing, because it was not asked",
}

# How to name a row, if its first column is not enough.
_NAMES: Mapping[str, Callable[[Row], str]] = {
    "items": _item,
    "alignment": lambda row: f"{row['goodevil']} and {row['lawchaos']}",
    "paths": _joined(" → ", "path", "item"),
    "referrer_kinds": lambda row: str(_WORDS.get(row["referrerkind"], row["referrerkind"])),
    "enrichment": lambda row: str(_WORDS.get(row["itemlookup"], row["itemlookup"])),
    "campaigns": _joined(" / ", "utmcampaign", "utmsource", "utmmedium"),
    "browsers": _joined(" on ", "browser", "os"),
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
