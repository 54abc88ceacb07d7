"""Change the tracker in one place, again and again, and see whether a test notices.

    python tracker/mutate.py --sample 100 --nearest  # after `make tracker`; 20 s for a change
    python tracker/mutate.py --only 17 204           # the changes with these numbers, and all tests

tracker/mutants.mjs makes the changes. Each is served to the tests in place of both builds, unminified. The
tests that are about the changed function run first. A change that all tests pass survives. Prints a line for
each change, and exits with 1 if one survives that tracker/survivors.json does not explain.
"""

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FULL = "typeof CLICKLAKE_LITE === 'undefined'"
MODULES = [
    *("clicks", "delivery", "consent", "manners", "with_the_ingest_app", "waiting", "autocapture", "leaving"),
    *("ordinary_pages", "hostile_pages", "many"),
]
NEAREST = {
    "warn guard": "hostile_pages manners -k 'console or nonsense or unknown or convention'",
    "of ofDocument attribute is": "hostile_pages clicks -k 'named or item_says or links'",
    "script isTaken stub storage locks target": (
        "hostile_pages manners -k 'script or variable or base or queue or where'"
    ),
    "read write remove keys": "consent delivery -k 'consent or down or choice or opting'",
    "queue stamp isAhead textOf": "delivery many -k 'queue or clock or answer or once or own or bounded'",
    "asksForPrivacy status choose": "consent",
    "uuid session id toJson": "clicks hostile_pages -k 'says or emoji or session or zero or json'",
    "linkOf address": "hostile_pages clicks consent -k 'links or address or long or says or privacy'",
    "textOfNode short": "hostile_pages clicks -k 'text or says'",
    "nameOf selectorOf": "autocapture",
    "describe record": (
        "clicks hostile_pages consent -k 'says or none or download or page or strict or privacy'"
    ),
    "ready isDue flush": "waiting many delivery",
    "leave": "leaving consent",
    "take size": (
        "delivery leaving many hostile_pages"
        " -k 'bytes or keepalive or bad or 413 or fit or once or own or count'"
    ),
    "send": "delivery leaving -k 'answer or beacon or preflight or closed or fit or bytes'",
    "settle acknowledge retry": (
        "delivery with_the_ingest_app hostile_pages"
        " -k '413 or refus or pause or named or without or retry or again or day'"
    ),
    "pathOf clicked": (
        "hostile_pages manners clicks autocapture -k 'pointer or drag or click or link or outbound'"
    ),
    "viewed": "clicks hostile_pages -k 'pages or page_view or path or seen'",
    "listen start clicks": (
        "autocapture hostile_pages manners consent leaving clicks"
        " -k 'navigation or pointer or cache or hidden or unknown or tab'"
    ),
}
"""The tests that are about a function, which run first: modules, and an expression for pytest's -k."""

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


def noticing_test(mutant: Mutant, only_nearest: bool) -> str | None:
    """Return the first test that fails, or None."""
    with tempfile.TemporaryDirectory() as name:
        write_builds(mutant, Path(name))
        modules, _, expression = nearest_tests(mutant["line"]).partition(" -k ")
        nearest = [*_paths(modules.split()), *(["-k", expression.strip("'")] if expression else [])]
        for tests in (nearest, [] if only_nearest else _paths(MODULES)):
            if tests and (failed := _first_failure(tests, name)):
                return failed
    return None


def nearest_tests(line: int) -> str:
    """Return the tests of the function that this line is in. The first lines are constants."""
    before = (ROOT / "web/tracker.js").read_text().splitlines()[:line]
    names = re.findall(r"^  (?:const|let) (\w+) =", "\n".join(before), re.MULTILINE)
    for functions, tests in NEAREST.items():
        if names and names[-1] in functions.split():
            return tests
    return " ".join(MODULES)


def _paths(modules: Sequence[str]) -> list[str]:
    return [f"tests/tracker/test_{module}.py" for module in modules]


def _first_failure(tests: Sequence[str], web: str, is_again: bool = False) -> str | None:
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
    found = re.search(r"^(?:FAILED|ERROR) (\S+::\w+(?:\[.*\])?)", done.stdout, re.MULTILINE)
    failed = found[1] if found else "a test that ran out of time"
    # On a busy machine a test may fail once without a reason.
    if found and not is_again and failed not in tests and not _first_failure([failed], web, is_again=True):
        print(f"{failed} failed once, and passed then", file=sys.stderr)
        return None
    return failed


def describe(mutant: Mutant) -> str:
    """A text that stays the same while the line does not change."""
    line = (ROOT / "web/tracker.js").read_text().splitlines()[mutant["line"] - 1].strip()
    return f"{line} | {mutant['from'].strip()} -> {mutant['to'].strip()}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sample", type=int, help="this many changes, chosen at random")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, nargs="+", help="the changes with these numbers")
    parser.add_argument("--nearest", action="store_true", help="only the tests that are about the function")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    mutants = all_mutants()
    chosen = [mutants[number] for number in options.only] if options.only else mutants
    if options.sample:
        chosen = random.Random(options.seed).sample(mutants, options.sample)  # noqa: S311
    explained: dict[str, str] = json.loads((ROOT / "tracker/survivors.json").read_text())
    unexplained = 0

    def run(mutant: Mutant) -> None:
        nonlocal unexplained
        test = noticing_test(mutant, options.nearest)
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
