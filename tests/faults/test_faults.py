"""Nothing that was accepted is lost, whatever breaks. `make faults` writes docs/faults.md from these rows."""

import os
import re
from collections.abc import Iterator

import pytest

from tests.faults.cloud import Cloud
from tests.faults.faults import FAULTS
from tests.faults.matrix import Fault, Row, run, to_markdown
from tests.support.paths import ROOT

PAGE = ROOT / "docs" / "faults.md"
CASES = [
    pytest.param(each, id=each.name, marks=[] if each.is_quick else [pytest.mark.long]) for each in FAULTS
]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    started = Cloud(tmp_path_factory.mktemp("cloud"))
    started.start()
    yield started
    started.stop()


@pytest.fixture(scope="module")
def rows() -> Iterator[list[Row]]:
    collected: list[Row] = []
    yield collected
    if os.environ.get("CLICKLAKE_WRITE_FAULTS") and len(collected) == len(FAULTS):
        PAGE.write_text(to_markdown(collected))


@pytest.mark.e2e
@pytest.mark.timeout(300)
@pytest.mark.parametrize("fault", CASES)
def test_no_accepted_click_is_lost(fault: Fault, cloud: Cloud, rows: list[Row]) -> None:
    row = run(fault, cloud)
    rows.append(row)
    assert row.lost == 0
    assert row.accepted + row.refused == row.sent
    assert row.delivered >= row.accepted


def test_the_page_tells_of_every_fault_and_of_no_loss() -> None:
    cells = [
        re.split(r" *\| *", line)[1:-1] for line in PAGE.read_text().splitlines() if line.startswith("| ")
    ]
    told = {row[0]: row[-1] for row in cells if len(row) == len(Row._fields)}
    assert told.pop("fault") == "lost"
    assert told.pop("---") == "---:"
    assert told == {fault.name: "0" for fault in FAULTS}


@pytest.mark.e2e
def test_the_commands_find_a_lake_and_its_processors_settings_by_its_stage(cloud: Cloud) -> None:
    assert cloud.ops("reenrich", "--dry-run")["bucket"] == cloud.addresses["bucket"]
    assert cloud.ops("erase", "--user-id", "nobody")["versions"] == []
