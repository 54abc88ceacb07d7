"""Honest clicks land complete during every attack. `make attacks` writes docs/attacks.md from these rows."""

import os
import re
from collections.abc import Iterator

import pytest

from tests.attacks.attacks import ATTACKS
from tests.attacks.matrix import (
    SHORTEST_BUFFER_SECONDS,
    Attack,
    AttackedCloud,
    AttackRow,
    ShopCatalogue,
    to_markdown,
)
from tests.faults.cloud import Cloud
from tests.support.paths import ROOT

IS_WRITING = bool(os.environ.get("CLICKLAKE_WRITE_ATTACKS"))
PAGE = ROOT / "docs" / "attacks.md"
CASES = [
    pytest.param(attack, id=attack.name, marks=[] if attack.is_quick else [pytest.mark.long])
    for attack in ATTACKS
]


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AttackedCloud]:
    buffer_seconds = SHORTEST_BUFFER_SECONDS / 2 if IS_WRITING else None
    cloud, catalogue = Cloud(tmp_path_factory.mktemp("cloud"), buffer_seconds), ShopCatalogue()
    cloud.start()
    with cloud.settings(CATALOGUE_URL=catalogue.url):
        yield AttackedCloud(cloud, catalogue)
    cloud.stop()
    catalogue.close()


@pytest.fixture(scope="module")
def rows() -> Iterator[list[AttackRow]]:
    collected: list[AttackRow] = []
    yield collected
    if IS_WRITING and len(collected) == len(ATTACKS):
        PAGE.write_text(to_markdown(collected))


@pytest.mark.e2e
@pytest.mark.timeout(300)
@pytest.mark.parametrize("attack", CASES)
def test_honest_clicks_land_complete(attack: Attack, attacked: AttackedCloud, rows: list[AttackRow]) -> None:
    row = attacked.run(attack)
    rows.append(row)
    assert row.lost == 0
    assert row.sent == row.accepted == row.complete
    assert (row.hostile_requests > 0) == (attack.name != "none")


def test_the_page_names_every_attack_and_no_loss() -> None:
    cells = [
        re.split(r" *\| *", line)[1:-1] for line in PAGE.read_text().splitlines() if line.startswith("| ")
    ]
    lost = {row[0]: row[-1] for row in cells if len(row) == len(AttackRow._fields)}
    assert lost.pop("attack") == "lost"
    assert lost.pop("---") == "---:"
    assert lost == {attack.name: "0" for attack in ATTACKS}
