"""Publish figures: to the terminal, docs/performance.md and benchmarks/results.json."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from benchmarks.machine import ROOT, describe

PAGE = ROOT / "docs" / "performance.md"
RESULTS = ROOT / "benchmarks" / "results.json"


class Table(NamedTuple):
    columns: Sequence[str]
    """The first column names the rows, the others hold figures."""
    rows: Sequence[Sequence[str]]
    above: str = ""

    def __str__(self) -> str:
        lines = [self.columns, ["---", *["--:"] * (len(self.columns) - 1)], *self.rows]
        text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return f"{self.above}\n\n{text}" if self.above else text


def publish(
    name: str, parts: Sequence[Table | str], figures: Mapping[str, Any], versions: Mapping[str, str]
) -> None:
    """Replace a command's tables on the page, and its figures in the results."""
    machine = describe()
    pins = ", ".join(f"{library} {version}" for library, version in versions.items())
    about = (
        f"`python -m benchmarks.{name}`, {datetime.now(UTC):%Y-%m-%d}: Python {machine['python']}, "
        f"{machine['processor']}, {machine['system']}, load {machine['load']} at the end"
        f"{f'; {pins}' if pins else ''}."
    )
    text = "\n\n".join([*map(str, parts), about])
    print(text, end="\n\n", flush=True)
    PAGE.write_text(replace_section(PAGE.read_text(), name, text))
    results = read_results()
    results[name] = {"at": f"{datetime.now(UTC):%Y-%m-%dT%H:%MZ}", "machine": machine, **figures}
    RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")


def replace_section(page: str, name: str, text: str) -> str:
    """Raise ValueError if the page has no section of this name."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"the page has no place for {name}")
    return f"{before}{begin}\n\n{text}\n\n{end}{after}"


def read_results() -> dict[str, Any]:
    results: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    return results


def tables_in(markdown: str) -> list[list[dict[str, str | float]]]:
    """Parse the tables that a command printed. A row maps its columns to cells."""
    tables = []
    for lines in re.findall(r"(?:^\|.*\|\n?)+", markdown, re.MULTILINE):
        columns, _, *rows = [
            [cell.strip() for cell in line.strip("|").split("|")] for line in lines.strip().splitlines()
        ]
        tables.append([dict(zip(columns, map(_figure, row), strict=True)) for row in rows])
    return tables


def _figure(cell: str) -> str | float:
    try:
        return float(cell.replace(",", ""))
    except ValueError:
        return cell
