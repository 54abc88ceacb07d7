"""The report's charts: every text comes from a stranger, and each is drawn as it is."""

from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clicklake.report.charts import CARD_PIXELS, TimeColumn, bars, columns, grid

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
    return [
        "".join(text.itertext()) for text in ElementTree.fromstring(svg).iter() if text.tag.endswith("text")
    ]


@pytest.mark.parametrize("label", HOSTILE)
def test_a_bars_label_is_drawn_as_it_is_and_leaves_its_neighbours_alone(label: str) -> None:
    svg = bars([("before", 5), (label, 4), ("after", 3)], 12)
    assert texts_of(svg)[:3] == ["before", texts_of(bars([(label, 4)], 12))[0], "after"]
    if len(label) < 30:  # a longer one may be cut to fit
        assert texts_of(svg)[1] == label


@given(st.lists(PRINTABLE.filter(lambda text: text == text.strip()), min_size=1, max_size=4, unique=True))
@settings(max_examples=40)
def test_every_label_stands_in_its_own_row(labels: list[str]) -> None:
    drawn = texts_of(bars([(label, 1) for label in labels], 100))
    assert len(drawn) == 3 * len(labels)


def test_a_label_over_time_and_a_grids_row_are_drawn_as_they_are() -> None:
    assert 'role="x' in texts_of(
        columns([TimeColumn('role="x', "an hour", 1, 2)], CARD_PIXELS, ("clicks", "page views"))
    )
    assert "<b>" in texts_of(grid([("<b>", "y", 1)], ["<b>"], ["y"]))


def test_a_chart_has_nothing_that_the_page_does_not_need() -> None:
    svg = ElementTree.fromstring(bars([("a", 1)], 1))
    names = {name for element in svg.iter() for name in element.attrib}
    assert not {name for name in names if name in ("class", "role") or name.startswith("aria-")}


def test_a_mark_says_its_numbers_and_the_axis_has_whole_steps() -> None:
    hours = [TimeColumn("05:00", "05:00 on 24 November", 1, 2, 3), TimeColumn("", "06:00", 0, 1, 0)]
    svg = columns(hours, CARD_PIXELS, ("clicks", "page views"))
    titles = [title.text for title in ElementTree.fromstring(svg).iter() if title.tag.endswith("title")]
    assert "05:00 on 24 November: 1 click, 2 page views, compared with 3 clicks" in titles
    assert {"0", "1", "2", "3"} <= set(texts_of(svg))
    assert not [text for text in texts_of(svg) if "." in text]
