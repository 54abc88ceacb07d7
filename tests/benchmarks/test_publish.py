"""The page and the figures: what a command puts there, and that each has its place."""

import json
import re
from pathlib import Path

import pytest

from benchmarks import __main__ as all_of_them
from benchmarks import publish
from benchmarks.publish import Table, replace_section, tables_in
from tests.support.paths import ROOT

TABLE = Table(["design", "CPU, µs", "note"], [["ours", "1,234.5", "fast"], ["theirs", "2", ""]], "Medians.")


def test_table_is_markdown_with_figures_to_the_right() -> None:
    assert str(TABLE).splitlines() == [
        "Medians.",
        "",
        "| design | CPU, µs | note |",
        "| --- | --: | --: |",
        "| ours | 1,234.5 | fast |",
        "| theirs | 2 |  |",
    ]


def test_printed_tables_are_read_back_as_figures() -> None:
    assert tables_in(f"before\n{TABLE}\nafter\n\n{TABLE}") == 2 * [
        [
            {"design": "ours", "CPU, µs": 1234.5, "note": "fast"},
            {"design": "theirs", "CPU, µs": 2.0, "note": ""},
        ]
    ]


def test_text_without_a_table_has_none() -> None:
    assert tables_in("a | b\nno table") == []


def test_section_is_replaced_and_nothing_else() -> None:
    page = "top\n<!-- cold -->\nold\n<!-- /cold -->\n<!-- warm -->\nkept\n<!-- /warm -->\n"
    assert replace_section(page, "cold", "new") == page.replace("\nold\n", "\n\nnew\n\n")


@pytest.mark.parametrize("page", ["", "<!-- cold -->", "<!-- /cold --> <!-- cold -->"])
def test_page_without_a_place_for_it_is_refused(page: str) -> None:
    with pytest.raises(ValueError, match="no place for cold"):
        replace_section(page, "cold", "new")


def test_publishing_keeps_the_figures_of_the_other_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(publish, "PAGE", tmp_path / "page.md")
    monkeypatch.setattr(publish, "RESULTS", tmp_path / "results.json")
    (tmp_path / "page.md").write_text("<!-- cold --><!-- /cold -->")
    (tmp_path / "results.json").write_text('{"warm": {"clicklake": 1}}')
    publish.publish("cold", [TABLE], {"clicklake": 2}, {"flask": "3.1.3"})
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["warm"] == {"clicklake": 1}
    assert results["cold"]["clicklake"] == 2
    assert results["cold"]["machine"].keys() == {"processor", "system", "python", "load"}
    page = (tmp_path / "page.md").read_text()
    assert str(TABLE) in page
    assert "python -m benchmarks.cold" in page
    assert "flask 3.1.3" in page
    assert str(TABLE) in capsys.readouterr().out


def test_every_command_has_a_module_and_a_place_on_the_page() -> None:
    page = publish.PAGE.read_text()
    for name in [*all_of_them.OURS, *all_of_them.PRINTING, "targets"]:
        assert (ROOT / "benchmarks" / f"{name}.py").exists(), name
        replace_section(page, name, "")


def test_page_names_files_that_exist() -> None:
    tricks = publish.PAGE.read_text().partition("## The tricks")[2]
    files = re.findall(r"^\| `([^`]+)`", tricks, re.MULTILINE)
    assert len(files) > 5
    assert [file for file in files if not (ROOT / file).exists()] == []
