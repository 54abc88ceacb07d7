"""docs/json.md lists the keys that each command prints with --json: no fewer and no others."""

import json
import re
from typing import Any

import pytest
from click.testing import CliRunner

from clicklake.cli.group import COMMANDS, main
from tests.support.lakes import NOON, TestLake, click, document, envelope, line, new_id
from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "json.md").read_text()
SPAN = ("--from", f"{NOON:%Y-%m-%d}", "--to", f"{NOON:%Y-%m-%d}")

# What each of these is called with. `run`, `demo`, `deploy`, `undeploy` and `verify` have their own tests.
CALLS = {
    "cost": (),
    "report": SPAN,
    "compact": SPAN,
    "reconcile": SPAN,
    "status": (),
    "replay": ("--dry-run",),
    "reenrich": (*SPAN, "--dry-run"),
    "erase": ("--user-id", "u-1", "--dry-run"),
}


def documented(command: str) -> set[str]:
    """Return the keys in the first column of the command's table."""
    section = PAGE.partition(f"\n### {command}\n")[2].partition("\n### ")[0]
    rows = re.findall(r"^\| (`.+?`) \|", section, re.MULTILINE)
    return {key for row in rows for key in re.findall(r"`(\w+)`", row)}


def test_every_command_has_a_section() -> None:
    sections = re.findall(r"^### (.+)$", PAGE, re.MULTILINE)
    assert set(sections) == {*COMMANDS, "deploy --plan"} - {"mcp"}


@pytest.mark.emulator
@pytest.mark.parametrize("name", CALLS)
@pytest.mark.usefixtures("clicklake")
def test_the_keys_are_those_of_the_page(name: str, lake: TestLake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CATALOGUE_URL", "http://127.0.0.1:9/{id}")  # nobody listens there
    ids = [new_id() for _ in range(3)]
    lake.put("raw", [envelope([click(each) for each in ids])])
    lake.put("clicks", [line(ids[0]), line(ids[0])])
    lake.put("failed", [document(envelope([click(ids[1])]))])
    lake.put("parked", [document(envelope([click(ids[1])]))])
    where = () if name == "cost" else ("--bucket", lake.bucket)
    result = CliRunner().invoke(main, [name, *where, *CALLS[name], "--json"], catch_exceptions=False)
    printed: dict[str, Any] = json.loads(result.stdout)
    assert printed.keys() == documented(name)
