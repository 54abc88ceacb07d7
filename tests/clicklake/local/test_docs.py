"""docs/local.md agrees with the code and the tests."""

import re
from dataclasses import fields

import pytest

from clicklake.local.delivery_stream.faults import FaultPlan
from clicklake.local.live.event_log import MAX_KEPT_ENTRIES
from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "local.md").read_text()


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table under a heading, without its header rows."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


KEPT = rows("Which parts of Firehose's contract are kept")
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


def test_every_cited_source_is_linked_and_every_link_is_cited() -> None:
    cited = set(re.findall(r"\[(\w+)\](?![:(])", PAGE))
    assert cited == set(SOURCES)


def test_the_table_of_faults_lists_exactly_the_faults() -> None:
    assert [row[0].split("`")[1] for row in rows("Inject faults")] == [
        field.name for field in fields(FaultPlan)
    ]


def test_the_table_of_requests_lists_exactly_the_live_pages_paths() -> None:
    docstring = (ROOT / "clicklake/local/live/server.py").read_text().split('"""')[1]
    documented = {row[0].split()[1].strip("`") for row in rows("Watch clicks land")}
    assert documented == set(re.findall(r"(?:GET|POST|^ )\s+(/\w*)", docstring, re.MULTILINE))


def test_the_page_states_how_many_entries_are_kept_in_memory() -> None:
    assert f"the last {MAX_KEPT_ENTRIES:,} of each kind" in PAGE


def test_the_version_of_ministack_is_the_same_everywhere() -> None:
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
