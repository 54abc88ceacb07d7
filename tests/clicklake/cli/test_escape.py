"""Text of strangers is text where it goes."""

import csv
import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clicklake.cli.sanitize import for_csv, for_terminal


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Évangéline 😀 漢字", "Évangéline 😀 漢字"),
        ("\x1b[31mred\x07", r"\x1b[31mred\x07"),
        ("two\r\nlines\u2028three", r"two\x0d\x0alines\u2028three"),
        ("\u202eexe.txt\u2066", r"\u202eexe.txt\u2066"),
        ("\x9b31m", r"\x9b31m"),
        ("\U000e0001tag", r"\U000e0001tag"),
        ("[bold]markup[/]", "[bold]markup[/]"),
    ],
)
def test_what_moves_a_cursor_or_turns_text_is_written_out(text: str, shown: str) -> None:
    assert for_terminal(text) == shown


@given(st.text())
def test_nothing_that_is_no_letter_sign_or_space_is_left(text: str) -> None:
    categories = {unicodedata.category(character) for character in for_terminal(text)}
    assert not [each for each in categories if each.startswith("C") or each in ("Zl", "Zp")]


@pytest.mark.parametrize("text", ["=cmd()", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_spreadsheet_takes_no_cell_for_a_formula(text: str) -> None:
    assert for_csv(text).startswith("'")


@given(st.lists(st.text(), min_size=1))
def test_a_row_is_one_line_and_reads_back(values: list[str]) -> None:
    written = io.StringIO()
    csv.writer(written).writerow(map(for_csv, values))
    assert len(written.getvalue().splitlines()) == 1
    (row,) = csv.reader([written.getvalue()])
    assert row == [for_csv(value) for value in values]
