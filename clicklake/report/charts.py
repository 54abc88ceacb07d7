"""Charts as HTML and SVG that take their colours from the page's CSS: light, dark or printed.

There are three shapes, and the report and the dashboard draw them with the same functions. A library would
cost more than it saves: vl-convert has 84 MB and no place in a Lambda function, and Vega in the browser has
285 KB gzipped. Every text and title comes from a stranger, so `Markup.format` escapes it.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from markupsafe import Markup

CARD_PIXELS = 320  # a card's inner width on every screen, so that a chart's text keeps its size
WIDE_PIXELS = 1040

HEIGHT, LEFT, RIGHT, ABOVE, BELOW = 200, 44, 18, 8, 22  # of a chart over time, around its columns: pixels
LINES = 4  # of a chart over time, at most, above the one of 0
GAP, NARROW = 0.2, 0.5  # between columns, and the front one's width: parts of a column
SIDE, ROW_LABELS, COLUMN_LABELS = (
    84,
    62,
    24,
)  # of a grid's cell, and what is beside and above the cells: pixels


class TimeColumn(NamedTuple):
    """An hour, day or month: its label (often empty), its name and its numbers."""

    label: str
    name: str
    front: int
    back: int
    before: int | None = None  # at the same place of the compared span
    link: str = ""  # where a click on it leads


class BarRow(NamedTuple):
    """A value, how often it occurred, and where a click on it leads."""

    label: str
    number: int
    link: str = ""


def bars(rows: Sequence[BarRow], total: int) -> Markup:
    """Draw one row per value: its label, number and share of the total, with a bar below them."""
    most = max(row.number for row in rows)
    return Markup('<ol class="bars">{}</ol>').format(_join(_bar(row, most, total) for row in rows))


def _bar(row: BarRow, most: int, total: int) -> Markup:
    label = (
        Markup('<a href="{}" title="{}"><bdi>{}</bdi></a>').format(row.link, row.label, row.label)
        if row.link
        else Markup('<bdi title="{}">{}</bdi>').format(row.label, row.label)
    )
    return Markup(
        '<li><span class="label">{}</span> <span>{}</span> <span class="share">{}</span>'
        '<svg aria-hidden="true"><rect width="{}%" height="100%"/></svg></li>'
    ).format(label, f"{row.number:,}", share(row.number, total), _short(100 * row.number / (most or 1)))


def columns(moments: Sequence[TimeColumn], width: int, names: tuple[str, str]) -> Markup:
    """Draw a wide column behind a narrow one, in order of time; a dash across shows the compared span."""
    most = max((max(moment.front, moment.back, moment.before or 0) for moment in moments), default=0)
    step = _step(most)
    top = step * max(1, -(-most // step))
    band = (width - LEFT - RIGHT) / max(1, len(moments))
    lines = _join(
        Markup(
            '<line x1="{}" x2="{}" y1="{}" y2="{}"/><text class="axis end" x="{}" y="{}">{}</text>'
        ).format(LEFT, width - RIGHT, _short(y), _short(y), LEFT - 6, _short(y + 4), _axis_number(number))
        for number in range(0, top + 1, step)
        for y in (ABOVE + HEIGHT * (1 - number / top),)
    )
    has_before = any(moment.before for moment in moments)
    drawn = _join(
        _moment(moment, LEFT + at * band, band, top, names, has_before=has_before)
        for at, moment in enumerate(moments)
    )
    return _svg(width, ABOVE + HEIGHT + BELOW, lines + drawn)


def _moment(
    moment: TimeColumn, left: float, band: float, top: int, names: tuple[str, str], *, has_before: bool
) -> Markup:
    wide = band * (1 - GAP)
    parts = [
        # The whole height can be pointed at, also above a low column.
        Markup('<rect class="reach" x="{}" y="{}" width="{}" height="{}"/>').format(
            _short(left), ABOVE, _short(band), HEIGHT
        ),
        _column("back", left + band / 2, wide, moment.back, top),
        _column("front", left + band / 2, wide * NARROW, moment.front, top),
    ]
    if has_before and moment.before is not None:
        y = _short(ABOVE + HEIGHT * (1 - moment.before / top))
        parts.append(
            Markup('<line class="before" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(
                _short(left + band * GAP / 2), _short(left + band * (1 - GAP / 2)), y, y
            )
        )
    if moment.label:
        parts.append(
            Markup('<text class="axis" x="{}" y="{}">{}</text>').format(
                _short(left + band / 2), ABOVE + HEIGHT + 17, moment.label
            )
        )
    front, back = names
    told = f"{moment.name}: {_counted(moment.front, front)}, {_counted(moment.back, back)}"
    if has_before and moment.before is not None:
        told += f", compared with {_counted(moment.before, front)}"
    inner = Markup("<title>{}</title>{}").format(told, _join(parts))
    if moment.link:
        return Markup('<a href="{}" aria-label="{}">{}</a>').format(moment.link, told, inner)
    return Markup("<g>{}</g>").format(inner)


def _column(name: str, middle: float, width: float, number: int, top: int) -> Markup:
    height = HEIGHT * number / top
    return Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>').format(
        name, _short(middle - width / 2), _short(ABOVE + HEIGHT - height), _short(width), _short(height)
    )


def grid(cells: Sequence[tuple[str, str, int]], rows: Sequence[str], across: Sequence[str]) -> Markup:
    """Draw a table of numbers; a larger number has a darker cell."""
    most = max(number for *_, number in cells) or 1
    side = (CARD_PIXELS - ROW_LABELS) / len(across)
    heads = _join(
        Markup('<text class="axis" x="{}" y="{}">{}</text>').format(
            _short(ROW_LABELS + side * (at + 0.5)), COLUMN_LABELS - 8, name
        )
        for at, name in enumerate(across)
    )
    names = _join(
        Markup('<text class="axis end" x="{}" y="{}">{}</text>').format(
            ROW_LABELS - 8, _short(COLUMN_LABELS + SIDE * (at + 0.5) + 4), name
        )
        for at, name in enumerate(rows)
    )
    drawn = _join(
        Markup(
            '<g><title>{}</title><rect class="front" x="{}" y="{}" width="{}" height="{}" fill-opacity="{}"/>'
            '<text class="cell" x="{}" y="{}">{}</text></g>'
        ).format(
            f"{row} and {column}: {number:,}",
            _short(left + 2),
            _short(above + 2),
            _short(side - 4),
            SIDE - 4,
            _short(0.06 + 0.44 * number / most),
            _short(left + side / 2),
            _short(above + SIDE / 2 + 5),
            f"{number:,}",
        )
        for row, column, number in cells
        for left in (ROW_LABELS + side * across.index(column),)
        for above in (COLUMN_LABELS + SIDE * rows.index(row),)
    )
    return _svg(CARD_PIXELS, COLUMN_LABELS + SIDE * len(rows), heads + names + drawn)


def share(part: int, whole: int) -> str:
    percent = 100 * part / whole if whole else 0
    return f"{percent:.0f} %" if percent >= 9.95 or percent == 0 else f"{percent:.1f} %"


def _step(most: int) -> int:
    """Return the smallest of 1, 2, 5, 10, 20, 50 … with which LINES lines reach `most`."""
    power = 1
    while True:
        for step in (power, 2 * power, 5 * power):
            if step * LINES >= most:
                return step
        power *= 10


def _axis_number(number: int) -> str:
    for unit, size in (("M", 1_000_000), ("k", 10_000)):
        if number >= size:
            return f"{number / (size if unit == 'M' else 1000):g}{unit}"
    return f"{number:,}"


def _counted(number: int, plural: str) -> str:
    return f"{number:,} {plural.removesuffix('s') if number == 1 else plural}"


def _short(number: float) -> str:
    """Return a coordinate with at most two decimals."""
    return f"{number:.2f}".rstrip("0").rstrip(".")


def _join(parts: Iterable[Markup]) -> Markup:
    return Markup("").join(parts)


def _svg(width: float, height: float, content: Markup) -> Markup:
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {}" width="{}" height="{}">{}</svg>'
    ).format(width, height, width, height, content)
