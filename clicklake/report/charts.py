"""Charts in Vega-Lite, drawn to SVG that takes its colours from the page's CSS: light, dark or printed.

The specifications are plain dictionaries (vega.github.io/vega-lite/docs). Altair would build the same ones,
but takes one second of a report's eight.
"""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple
from xml.etree import ElementTree

import vl_convert
from markupsafe import Markup

CARD_PIXELS = 320  # a card's inner width on every screen, so that a chart's text keeps its size
WIDE_PIXELS = 1040

INK, SOFT, LINE = "var(--ink)", "var(--soft)", "var(--line)"
ACCENT, SECOND = "var(--accent)", "var(--second)"
_TOLD = {"field": "told", "type": "nominal"}  # what a mark says when a pointer rests on it

_CONFIG = {
    "background": "transparent",
    "view": {"stroke": None},
    "text": {"fontSize": 13, "fill": INK},
    "axis": {
        "domain": False,
        "ticks": False,
        "title": None,
        "gridColor": LINE,
        "labelColor": SOFT,
        "labelFontSize": 12,
    },
}

_SVG = "http://www.w3.org/2000/svg"
# Vega writes these for scripts and screen readers. Here a chart is one image with a title and a table.
_NEEDLESS = frozenset(["class", "role", "version", "font-family", "stroke-miterlimit"])
_MARKS = frozenset(["bar", "rule mark", "rect mark"])  # Vega's names of marks that have a description
_FRAMES = frozenset(["background", "foreground"])  # classes of invisible rectangles
_GEOMETRY = frozenset(["d", "transform", "x", "y", "x1", "x2", "y1", "y2", "width", "height"])
_LONG_FRACTION = re.compile(r"(\.\d\d)\d+")

ElementTree.register_namespace("", _SVG)


class TimeColumn(NamedTuple):
    """An hour, day or month: its label (often empty), its name and its numbers."""

    label: str
    name: str
    front: int
    back: int
    before: int | None = None  # at the same place of the compared span


def bars(rows: Sequence[tuple[str, int]], total: int) -> Markup:
    """Draw one row per value: a label, its share of the total and its number, with a bar below them."""
    row, text = 36, {"type": "text", "baseline": "bottom", "dy": 3}
    bar = {"type": "rule", "yOffset": 10, "strokeWidth": 6, "stroke": ACCENT}
    length = {
        "field": "n",
        "type": "quantitative",
        "axis": None,
        "scale": {"domain": [0, max(n for _, n in rows)]},
    }
    values = [
        {
            "at": at,
            "label": label,
            "n": n,
            "shown": f"{n:,}",
            "share": share(n, total),
            "told": f"{label}: {n:,} ({share(n, total)})",
        }
        for at, (label, n) in enumerate(rows)
    ]
    chart = {
        "data": {"values": values},
        "encoding": {"y": {"field": "at", "type": "ordinal", "axis": None, "scale": {"padding": 0}}},
        "layer": [
            {"mark": bar, "encoding": {"x": length, "x2": {"datum": 0}, "description": _TOLD}},
            # The limit cuts a long label before it reaches the numbers.
            {
                "mark": text | {"align": "left", "limit": CARD_PIXELS - 110},
                "encoding": {"x": {"value": 0}, "text": {"field": "label"}},
            },
            {
                "mark": text | {"align": "right"},
                "encoding": {"x": {"value": CARD_PIXELS - 46}, "text": {"field": "shown"}},
            },
            {
                "mark": text | {"align": "right", "fill": SOFT},
                "encoding": {"x": {"value": CARD_PIXELS}, "text": {"field": "share"}},
            },
        ],
    }
    return _draw(chart, CARD_PIXELS, row * len(rows))


def columns(moments: Sequence[TimeColumn], width: int, names: tuple[str, str]) -> Markup:
    """Draw a wide column behind a narrow one, in order of time; a dash across shows the compared span."""
    height, left, right, below = 200, 44, 18, 22
    front, back = names
    values = [
        {
            "at": at,
            **moment._asdict(),
            "told": f"{moment.name}: {_counted(moment.front, front)}, {_counted(moment.back, back)}"
            + (f", compared with {_counted(moment.before, front)}" if moment.before is not None else ""),
        }
        for at, moment in enumerate(moments)
    ]
    most = max((max(moment.front, moment.back, moment.before or 0) for moment in moments), default=0)
    lines = 4
    y_axis = {"tickCount": lines, "tickMinStep": 1, "format": "~s" if most >= 10_000 else ",d"}
    y = {"axis": y_axis, "scale": {"nice": lines}}  # nice: a line stands above the highest column
    wide = {"type": "bar", "fill": SECOND}
    narrow = {"type": "bar", "fill": ACCENT, "width": {"expr": "bandwidth('x') * 0.5"}}
    label = {"type": "text", "baseline": "top", "fill": SOFT, "fontSize": 12}
    layers: list[dict[str, Any]] = [
        {"mark": wide, "encoding": {"y": _number("back", **y), "description": _TOLD}},
        {"mark": narrow, "encoding": {"y": _number("front", **y), "description": _TOLD}},
        {"mark": label, "encoding": {"y": {"value": height + 8}, "text": {"field": "label"}}},
    ]
    if any(moment.before for moment in moments):
        dash = {"type": "tick", "orient": "horizontal", "thickness": 2, "color": INK}
        layers.append({"mark": dash, "encoding": {"y": _number("before", **y)}})
    x_axis = {
        "field": "at",
        "type": "ordinal",
        "axis": None,
        "scale": {"paddingInner": 0.2, "paddingOuter": 0.1},
    }
    chart = {"data": {"values": values}, "encoding": {"x": x_axis}, "layer": layers}
    padding = {"left": left, "right": right, "top": 8, "bottom": below}
    return _draw(chart, width - left - right, height, padding)


def grid(cells: Sequence[tuple[str, str, int]], rows: Sequence[str], across: Sequence[str]) -> Markup:
    """Draw a table of numbers; a larger number has a darker cell."""
    side, left, above = 84, 62, 24
    shade = {"domain": [0, max(n for *_, n in cells)], "range": [0.06, 0.5]}
    gap = {"padding": 0.04}
    chart = {
        "data": {
            "values": [
                {
                    "row": row,
                    "column": column,
                    "n": n,
                    "shown": f"{n:,}",
                    "told": f"{row} and {column}: {n:,}",
                }
                for row, column, n in cells
            ]
        },
        "encoding": {
            "x": {
                "field": "column",
                "type": "nominal",
                "sort": list(across),
                "axis": {"orient": "top", "labelAngle": 0},
                "scale": gap | {"domain": list(across)},
            },
            "y": {
                "field": "row",
                "type": "nominal",
                "sort": list(rows),
                "scale": gap | {"domain": list(rows)},
            },
        },
        "layer": [
            {
                "mark": {"type": "rect", "fill": ACCENT},
                "encoding": {
                    "fillOpacity": _number("n", legend=None, scale=shade),
                    "description": _TOLD,
                },
            },
            {"mark": {"type": "text", "fontSize": 15}, "encoding": {"text": {"field": "shown"}}},
        ],
    }
    padding = {"left": left, "right": 0, "top": above, "bottom": 0}
    return _draw(chart, CARD_PIXELS - left, side * len(rows), padding)


def share(part: int, whole: int) -> str:
    percent = 100 * part / whole if whole else 0
    return f"{percent:.0f} %" if percent >= 9.95 or percent == 0 else f"{percent:.1f} %"


def _counted(number: int, plural: str) -> str:
    return f"{number:,} {plural.removesuffix('s') if number == 1 else plural}"


def _number(field: str, **channel: Any) -> dict[str, Any]:
    return {"field": field, "type": "quantitative", **channel}


def _draw(chart: dict[str, Any], width: int, height: int, padding: dict[str, int] | None = None) -> Markup:
    size = {"width": width, "height": height, "autosize": "none", "padding": padding or 0}
    svg = vl_convert.vegalite_to_svg(chart | size | {"config": _CONFIG})
    return Markup(_slim(svg))  # noqa: S704 (the serializer escapes every text)


def _slim(svg: str) -> str:
    """Remove what the page does not need: about half of the bytes. Texts stay as they are.

    A mark's description becomes its <title>, which browsers show when a pointer rests on it.
    """
    root = ElementTree.fromstring(svg)  # noqa: S314 (Vega made it, and wrote no document type)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag == f"{{{_SVG}}}path" and _FRAMES.intersection(child.get("class", "").split()):
                parent.remove(child)
    for element in list(root.iter()):
        described = element.get("aria-roledescription") in _MARKS
        if described and (description := element.get("aria-label")):
            title = ElementTree.Element(f"{{{_SVG}}}title")
            title.text = description
            element.insert(0, title)
        element.attrib = {
            name: _LONG_FRACTION.sub(r"\1", value) if name in _GEOMETRY else value
            for name, value in element.attrib.items()
            if name not in _NEEDLESS and not name.startswith("aria-")
        }
    return ElementTree.tostring(root, encoding="unicode")
