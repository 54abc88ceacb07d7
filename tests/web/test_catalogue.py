"""The catalogue's answers, which the processor reads, say what the page shows."""

import json
from typing import Any

import pytest

from tests.support.paths import ROOT

WEB = ROOT / "web"
MYSFITS: list[dict[str, Any]] = json.loads((WEB / "mysfits.json").read_text())
BY_ID = pytest.mark.parametrize("mysfit", MYSFITS, ids=lambda mysfit: mysfit["name"])

# The workshop's ids and attributes: lines that landed years ago carry them.
WORKSHOP = {
    ("4e53920c-505a-4a90-a694-b9300791f0ae", "Evangeline", "Chimera", "Evil", "Lawful"),
    ("2b473002-36f8-4b87-954e-9a377e0ccbec", "Pauly", "Cyclops", "Neutral", "Lawful"),
    ("0e37d916-f960-4772-a25a-01b762b5c1bd", "CoCo", "Dragon", "Good", "Chaotic"),
    ("da5303ae-5aba-495c-b5d6-eb5c4a66b941", "Gretta", "Gorgon", "Evil", "Neutral"),
    ("a901bb08-1985-42f5-bb77-27439ac14300", "Hasla", "Haetae", "Good", "Neutral"),
    ("b41ff031-141e-4a8d-bb56-158a22bea0b3", "Snowflake", "Yeti", "Evil", "Neutral"),
    ("3f0f196c-4a7b-43af-9e29-6522a715342d", "Gary", "Kraken", "Neutral", "Chaotic"),
    ("a68db521-c031-44c7-b5ef-bfa4c0850e2a", "Nessi", "Plesiosaurus", "Neutral", "Neutral"),
    ("c0684344-1eb7-40e7-b334-06d25ac9268c", "Atlantis", "Mandrake", "Neutral", "Neutral"),
    ("ac3e95f3-eb40-4e4e-a605-9fdd0224877c", "Twilight Glitter", "Pegasus", "Good", "Lawful"),
    ("33e1fbd4-2fd8-45fb-a42f-f92551694506", "Cole", "Phoenix", "Good", "Chaotic"),
    ("b6d16e02-6aeb-413c-b457-321151bb403d", "Rujin", "Troll", "Evil", "Chaotic"),
}


def test_mysfits_are_the_workshops_twelve() -> None:
    named = [(m["mysfitId"], m["name"], m["species"], m["goodevil"], m["lawchaos"]) for m in MYSFITS]
    assert set(named) == WORKSHOP
    assert len(named) == len(WORKSHOP)


@BY_ID
def test_catalogue_answers_with_what_the_grid_shows(mysfit: dict[str, Any]) -> None:
    assert json.loads((WEB / "mysfits" / mysfit["mysfitId"]).read_text()) == mysfit


def test_catalogue_answers_for_no_other_id() -> None:
    assert {file.name for file in (WEB / "mysfits").iterdir()} == {m["mysfitId"] for m in MYSFITS}


@BY_ID
def test_mysfit_has_a_text_and_a_picture_of_its_own(mysfit: dict[str, Any]) -> None:
    assert mysfit["description"].endswith(".")
    assert (WEB / mysfit["picture"]).is_file()
    assert [other["picture"] for other in MYSFITS].count(mysfit["picture"]) == 1


def test_site_declares_that_it_honours_global_privacy_control() -> None:
    assert json.loads((WEB / ".well-known" / "gpc.json").read_text()) == {
        "gpc": True,
        "lastUpdate": "2026-11-24",
    }
