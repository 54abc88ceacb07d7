"""docs/local.md says what is so."""

import re
from dataclasses import fields

import pytest

from clicklake.local.delivery_stream.faults import Plan
from clicklake.local.live.feed import MAX_KEPT_ENTRIES
from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "local.md").read_text()


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading, without its head."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


KEPT = rows("What is kept of Firehose's contract")
SOURCES = dict(re.findall(r"^\[(\w+)\]: (https://\S+)$", PAGE, re.MULTILINE))


@pytest.mark.parametrize("row", KEPT, ids=[row[0][:50] for row in KEPT])
def test_kept_row_names_a_source_and_a_test_that_exists(row: list[str]) -> None:
    _, source, tests = row
    names = re.findall(r"`(test_\w+\.py)::(test_\w+)`", tests)
    assert names
    for file, name in names:
        (path,) = (ROOT / "tests/clicklake/local").rglob(file)
        text = path.read_text()
        assert f"\ndef {name}(" in text, f"{file} has no {name}"
    assert re.findall(r"\[(\w+)\]", source)


def test_every_source_that_is_cited_is_linked_and_the_other_way_round() -> None:
    cited = set(re.findall(r"\[(\w+)\](?![:(])", PAGE))
    assert cited == set(SOURCES)


def test_every_fault_is_in_the_table_and_no_other() -> None:
    assert [row[0].split("`")[1] for row in rows("Break")] == [each.name for each in fields(Plan)]


def test_every_path_of_the_live_page_is_in_the_table() -> None:
    docstring = (ROOT / "clicklake/local/live/server.py").read_text().split('"""')[1]
    documented = {row[0].split()[1].strip("`") for row in rows("Watch")}
    assert documented == set(re.findall(r"(?:GET|POST|^ )\s+(/\w*)", docstring, re.MULTILINE))


def test_number_kept_in_memory_is_the_one_in_force() -> None:
    assert f"the last {MAX_KEPT_ENTRIES:,} of each kind" in PAGE


def test_version_of_ministack_is_the_same_wherever_it_stands() -> None:
    required = re.search(
        r"ministack\[full\]==(\S+)", (ROOT / "clicklake/local/emulator/requirements.in").read_text()
    )
    asserted = re.search(
        r'MINISTACK_VERSION = "(\S+)"', (ROOT / "clicklake/local/emulator/ministack.py").read_text()
    )
    assert required
    assert asserted
    assert required[1] == asserted[1]
    assert f"exactly {required[1]}" in PAGE
