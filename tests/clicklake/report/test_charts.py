"""The report's charts: every text comes from a stranger, and each is drawn as it is."""

from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clicklake.report.charts import (
    CARD_PIXELS,
    LINES,
    WIDE_PIXELS,
    BarRow,
    TimeColumn,
    bars,
    columns,
    grid,
)

HOSTILE = [
    'evil class="',
    '" role="img" onload="alert(1)',
    "<script>alert(1)</script>",
    '</text></svg><path class="background" d="',
    '<path class="background"/>',
    "a & b 1.23456 ]]> --> &amp;",
    'x aria-label="y" version="1.1" font-family="z"',
]
PRINTABLE = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=20)


def texts_of(svg: str) -> list[str]:
    return ["".join(text.itertext()) for text in ElementTree.fromstring(svg).iterfind(".//{*}text")]


def cells_of(html: str) -> list[list[str]]:
    """Return the texts of each row: label, number, share."""
    rows = ElementTree.fromstring(html).iter("li")
    return [["".join(span.itertext()) for span in row.findall("span")] for row in rows]


@pytest.mark.parametrize("label", HOSTILE)
def test_a_bars_label_is_shown_as_it_is_and_leaves_its_neighbours_alone(label: str) -> None:
    html = bars([BarRow("before", 5), BarRow(label, 4), BarRow("after", 3)], 12)
    assert cells_of(html) == [["before", "5", "42 %"], [label, "4", "33 %"], ["after", "3", "25 %"]]


@given(st.lists(PRINTABLE, min_size=1, max_size=4), PRINTABLE)
@settings(max_examples=40)
def test_every_label_has_a_row_and_every_link_leads_where_it_should(labels: list[str], link: str) -> None:
    html = bars([BarRow(label, 1, link) for label in labels], 100)
    assert [row[0] for row in cells_of(html)] == labels
    assert [a.get("href") for a in ElementTree.fromstring(html).iter("a")] == [link] * len(labels)


def test_the_longest_bar_is_the_greatest_number() -> None:
    html = bars([BarRow("a", 8), BarRow("b", 2), BarRow("c", 0)], 10)
    assert [rect.get("width") for rect in ElementTree.fromstring(html).iter("rect")] == ["100%", "25%", "0%"]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_label_over_time_and_a_grids_row_are_drawn_as_they_are(text: str) -> None:
    drawn = columns([TimeColumn(text, text, 1, 2, link=text)], CARD_PIXELS, ("clicks", "page views"))
    assert text in texts_of(drawn)
    assert [a.get("href") for a in ElementTree.fromstring(drawn).iterfind(".//{*}a")] == [text]
    assert text in texts_of(grid([(text, "y", 1)], [text], ["y"]))


def test_a_mark_says_its_numbers_and_the_axis_has_whole_steps() -> None:
    hours = [TimeColumn("05:00", "05:00 on 24 November", 1, 2, 3), TimeColumn("", "06:00", 0, 1, 0)]
    svg = columns(hours, CARD_PIXELS, ("clicks", "page views"))
    titles = [title.text for title in ElementTree.fromstring(svg).iterfind(".//{*}title")]
    assert titles == [
        "05:00 on 24 November: 1 click, 2 page views, compared with 3 clicks",
        "06:00: 0 clicks, 1 page view, compared with 0 clicks",
    ]
    assert {"0", "1", "2", "3"} <= set(texts_of(svg))
    assert not [text for text in texts_of(svg) if "." in text]


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), min_size=1, max_size=40))
def test_columns_are_as_high_as_their_numbers_and_end_below_the_highest_line(
    numbers: list[tuple[int, int]],
) -> None:
    svg = ElementTree.fromstring(
        columns([TimeColumn("", "x", *pair) for pair in numbers], WIDE_PIXELS, ("clicks", "page views"))
    )
    lines = sorted(float(line.get("y1", "")) for line in svg.iterfind(".//{*}line"))
    assert 2 <= len(lines) <= LINES + 1
    marks = [rect for rect in svg.iterfind(".//{*}rect") if rect.get("class") in ("front", "back")]
    heights = [float(rect.get("height", "")) for rect in marks]
    assert lines[0] <= min(float(rect.get("y", "")) for rect in marks) + 0.01
    most = max(max(pair) for pair in numbers)
    given = [number for front, back in numbers for number in (back, front)]
    for number, height in zip(given, heights, strict=True):
        assert height == pytest.approx(max(heights) * number / (most or 1), abs=0.02)


@pytest.mark.parametrize(
    ("number", "shown"), [(0, "0"), (8000, "8,000"), (10_000, "10k"), (200_000, "200k"), (2_000_000, "2M")]
)
def test_large_numbers_on_the_axis_are_short(number: int, shown: str) -> None:
    svg = columns([TimeColumn("", "x", number, 0)], WIDE_PIXELS, ("clicks", "page views"))
    assert shown in texts_of(svg)
