"""Charts drawn to SVG that takes its colours from the page's CSS: light, dark or printed."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import altair as alt
import vl_convert
from markupsafe import Markup

CARD_PIXELS = 320  # a card's inside, on a phone as on a desk: a chart keeps its size, and its letters theirs
WIDE_PIXELS = 1040

INK, SOFT, LINE, ACCENT = "var(--ink)", "var(--soft)", "var(--line)", "var(--accent)"
LETTER_PIXELS = 13

_CONFIG = alt.Config(
    background="transparent",
    view=alt.ViewConfig(stroke=None),
    text=alt.MarkConfig(fontSize=LETTER_PIXELS, fill=INK),
    axis=alt.AxisConfig(
        domain=False, ticks=False, title=None, gridColor=LINE, labelColor=SOFT, labelFontSize=12
    ),
)

# What Vega writes for scripts and screen readers: here a chart is one image, told by its title and its table.
_NEEDLESS = re.compile(
    r' (?:class|role|aria-[a-z]+|xmlns:xlink|version|font-family|stroke-miterlimit)="[^"]*"'
    r'|<path class="(?:background|foreground)"[^>]*/>'
)
_LONG_FRACTION = re.compile(r"(\.\d\d)\d+")


class Moment(NamedTuple):
    """An hour or a day: what is written under it (mostly nothing), and its numbers."""

    label: str
    front: int
    back: int
    before: int | None = None  # at the same place of the span before


def bars(rows: Sequence[tuple[str, int]]) -> Markup:
    """One below the other: a label, its number, and under both a bar as long as the number is large."""
    row, thick = 36, 6
    data = alt.InlineData(
        [{"at": at, "label": label, "n": n, "shown": f"{n:,}"} for at, (label, n) in enumerate(rows)]
    )
    base = alt.Chart(data).encode(y=alt.Y("at:O", axis=None, scale=alt.Scale(padding=0)))
    length = alt.X("n:Q", axis=None, scale=alt.Scale(domain=[0, max(n for _, n in rows)]))
    # The limit cuts a long label before it runs into its number.
    label = base.mark_text(align="left", baseline="bottom", dy=3, limit=CARD_PIXELS - 70)
    number = base.mark_text(align="right", baseline="bottom", dy=3, fill=SOFT)
    layers = (
        base.mark_rule(yOffset=10, strokeWidth=thick, stroke=LINE).encode(
            x=alt.value(0), x2=alt.value(CARD_PIXELS)
        ),
        base.mark_rule(yOffset=10, strokeWidth=thick, stroke=ACCENT).encode(x=length, x2=alt.datum(0)),
        label.encode(x=alt.value(0), text="label:N"),
        number.encode(x=alt.value(CARD_PIXELS), text="shown:N"),
    )
    return _draw(alt.layer(*layers), CARD_PIXELS, row * len(rows))


def columns(moments: Sequence[Moment], width: int) -> Markup:
    """In the order of time: a broad pale column, a slim dark one in front, dashes for the span before."""
    height, left, right, below = 200, 44, 18, 22
    data = alt.InlineData([{"at": at, **moment._asdict()} for at, moment in enumerate(moments)])
    base = alt.Chart(data).encode(
        x=alt.X("at:O", axis=None, scale=alt.Scale(paddingInner=0.2, paddingOuter=0.1))
    )
    y_axis = alt.Axis(tickCount=4, format="~s", grid=True)
    layers = [
        base.mark_bar(fill=ACCENT, fillOpacity=0.3).encode(y=alt.Y("back:Q", axis=y_axis)),
        base.mark_bar(fill=ACCENT).encode(y="front:Q", size=alt.value(alt.ExprRef("bandwidth('x') * 0.5"))),
        base.mark_text(align="center", baseline="top", fill=SOFT, fontSize=12).encode(
            y=alt.value(height + 8), text="label:N"
        ),
    ]
    if any(moment.before for moment in moments):
        layers.append(
            base.mark_line(interpolate="step", stroke=INK, strokeWidth=1.5, strokeDash=[4, 3]).encode(
                y="before:Q"
            )
        )
    padding = {"left": left, "right": right, "top": 8, "bottom": below}
    return _draw(alt.layer(*layers), width - left - right, height, padding)


def grid(cells: Sequence[tuple[str, str, int]], rows: Sequence[str], across: Sequence[str]) -> Markup:
    """A table whose cells are the darker the larger their number is."""
    side, left, above = 84, 62, 24
    data = alt.InlineData(
        [{"row": row, "column": column, "n": n, "shown": f"{n:,}"} for row, column, n in cells]
    )
    base = alt.Chart(data).encode(
        x=alt.X(
            "column:N",
            sort=list(across),
            axis=alt.Axis(orient="top", labelAngle=0),
            scale=alt.Scale(padding=0.04),
        ),
        y=alt.Y("row:N", sort=list(rows), axis=alt.Axis(), scale=alt.Scale(padding=0.04)),
    )
    shade = alt.FillOpacity(
        "n:Q", legend=None, scale=alt.Scale(domain=[0, max(n for *_, n in cells)], range=[0.06, 0.5])
    )
    layers = (
        base.mark_rect(fill=ACCENT).encode(fillOpacity=shade),
        base.mark_text(fontSize=15).encode(text="shown:N"),
    )
    padding = {"left": left, "right": 0, "top": above, "bottom": 0}
    return _draw(alt.layer(*layers), CARD_PIXELS - left, side * len(rows), padding)


def _draw(
    chart: alt.LayerChart | alt.FacetChart, width: int, height: int, padding: dict[str, int] | None = None
) -> Markup:
    sized = chart.properties(
        width=width, height=height, autosize="none", padding=padding or 0, config=_CONFIG
    )
    svg = vl_convert.vegalite_to_svg(sized.to_dict())
    return Markup(_LONG_FRACTION.sub(r"\1", _NEEDLESS.sub("", svg)))  # noqa: S704 (Vega escapes its texts)
