"""Change the tracker in one place, again and again, and see whether a test notices.

    python tracker/mutate.py --sample 100    after `make tracker`; 20 s for a change, minutes for a survivor
    python tracker/mutate.py --only 17 204   the changes with these numbers

Each change (tracker/mutants.mjs makes them) is served to the tests in place of both builds, unminified. Tests
that have noticed the most changes run first. A change that all tests pass survives: docs/tracker.md explains
every one. Prints a line for each change, and exits with 1 if a change survives that is not in
tracker/survivors.json.
"""

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FULL = "typeof CLICKLAKE_LITE === 'undefined'"
MODULES = [
    *("clicks", "delivery", "consent", "manners", "with_the_ingest_app", "waiting", "autocapture", "leaving"),
    *("hostile_pages", "many"),
]
FIRST = 12  # tests that run before all others, because they have noticed the most changes
SECONDS = 60  # for one test; a change may make it wait for ever

Mutant = dict[str, Any]


def all_mutants() -> list[Mutant]:
    made = subprocess.run(["node", ROOT / "tracker/mutants.mjs"], capture_output=True, check=True)  # noqa: S603, S607
    mutants: list[Mutant] = json.loads(made.stdout)
    return [mutant | {"number": number} for number, mutant in enumerate(mutants)]


def write_builds(mutant: Mutant, folder: Path) -> None:
    source = (ROOT / "web/tracker.js").read_text()
    changed = source[: mutant["start"]] + mutant["to"] + source[mutant["end"] :]
    for path in (ROOT / "web").iterdir():
        (folder / path.name).symlink_to(path)
    for name, is_full in (("tracker.min.js", "false"), ("tracker.full.min.js", "true")):
        (folder / name).unlink()
        (folder / name).write_text(changed.replace(FULL, is_full))


def noticing_test(mutant: Mutant, noticed: Counter[str]) -> str | None:
    """Return the first test that fails, or None."""
    with tempfile.TemporaryDirectory() as name:
        write_builds(mutant, Path(name))
        first = [test for test, _ in noticed.most_common(FIRST)]
        modules = [f"tests/tracker/test_{module}.py" for module in MODULES]
        for tests in (first, modules):
            if tests and (failed := _first_failure(tests, name)):
                return failed
    return None


def _first_failure(tests: Sequence[str], web: str) -> str | None:
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(  # noqa: S603
        [*command, "--timeout", str(SECONDS), *tests],
        cwd=ROOT,
        env=os.environ | {"CLICKLAKE_WEB": web},
        capture_output=True,
        text=True,
    )
    if done.returncode == 0:
        return None
    found = re.search(r"^(?:FAILED|ERROR) (\S+::[^ \n]*(?:\[.*?\])?)", done.stdout, re.MULTILINE)
    return found[1] if found else "a test that ran out of time"


def describe(mutant: Mutant) -> str:
    """A text that stays the same while the line does not change."""
    line = (ROOT / "web/tracker.js").read_text().splitlines()[mutant["line"] - 1].strip()
    return f"{line} | {mutant['from'].strip()} -> {mutant['to'].strip()}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sample", type=int, help="this many changes, chosen at random")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, nargs="+", help="the changes with these numbers")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    mutants = all_mutants()
    chosen = [mutants[number] for number in options.only] if options.only else mutants
    if options.sample:
        chosen = random.Random(options.seed).sample(mutants, options.sample)  # noqa: S311
    explained: dict[str, str] = json.loads((ROOT / "tracker/survivors.json").read_text())
    noticed: Counter[str] = Counter()
    unexplained = 0

    def run(mutant: Mutant) -> None:
        nonlocal unexplained
        test = noticing_test(mutant, noticed)
        if test:
            noticed[test] += 1
        reason = test or explained.get(describe(mutant)) or "SURVIVED"
        unexplained += reason == "SURVIVED"
        print(
            f"{mutant['number']:4} line {mutant['line']:3} {describe(mutant)[:150]!r}: {reason}", flush=True
        )

    with ThreadPoolExecutor(options.processes) as pool:
        list(pool.map(run, chosen))
    print(f"{len(chosen)} of {len(mutants)} changes: {unexplained} survived without an explanation")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
