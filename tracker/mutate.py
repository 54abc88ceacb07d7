"""Change the tracker in one place, again and again, and see whether a test notices.

    python tracker/mutate.py --sample 100 --nearest  # after `make tracker`; about 5 s for a change
    python tracker/mutate.py --only 17 204           # the changes with these numbers, and all tests
    python tracker/mutate.py --log build/mutants.txt # all; a second run goes on where the first was stopped

tracker/mutants.mjs makes the changes. Each is served to the tests in place of both builds, unminified. The
tests that are about the changed function run first. A change that all tests pass survives. A test that fails
without any change is left out, and named. Prints a line for each change, and exits with 1 if one survives
that tracker/survivors.json does not explain.
"""

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from threading import Timer
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
FULL = "typeof CLICKLAKE_LITE === 'undefined'"
MODULES = [
    *("clicks", "delivery", "consent", "manners", "with_the_ingest_app", "waiting", "autocapture", "leaving"),
    *("ordinary_pages", "hostile_pages", "many"),
]
# The tests that are about a function, which run first: modules, and words of the tests' names ("": all).
NEAREST = {
    "warn guard": ("consent hostile_pages manners", "strict console nonsense unknown convention"),
    "of ofDocument attribute is": ("hostile_pages clicks", "named item_says links"),
    "script isTaken stub storage locks target": ("hostile_pages manners waiting many", ""),
    "read write remove keys": ("consent delivery", "consent down choice opting"),
    "queue stamp isAhead textOf": ("delivery many consent leaving", ""),
    "asksForPrivacy status choose": ("consent", ""),
    "uuid session id toJson": ("clicks hostile_pages", "says emoji session zero json none"),
    "linkOf address": ("clicks hostile_pages consent autocapture", ""),
    "textOfNode short": ("hostile_pages clicks", "text says"),
    "nameOf selectorOf": ("autocapture", ""),
    "describe record": ("clicks waiting autocapture many hostile_pages consent", ""),
    "ready isDue flush": ("waiting many delivery hostile_pages", ""),
    "leave": ("leaving consent", ""),
    "take size": ("delivery waiting leaving many hostile_pages", ""),
    "send": ("delivery leaving manners", ""),
    "settle acknowledge retry": ("delivery consent with_the_ingest_app hostile_pages", ""),
    "pathOf clicked": ("clicks hostile_pages manners autocapture", ""),
    "viewed": ("clicks hostile_pages", "pages page_view path seen"),
    "listen start clicks": ("clicks consent leaving autocapture manners many hostile_pages", ""),
}
LAST = ("200_clicks", "thousand", "two_tabs_send")  # tests that take seconds
WAIT_SECONDS = 6  # for what a changed tracker may never send; nothing of the tests takes so long
SECONDS_PER_TEST = 60  # a change may make one wait for ever
SECONDS_PER_CHANGE = 900

Mutant = dict[str, Any]
UNCHANGED: Mutant = {"start": 0, "end": 0, "to": ""}


def all_mutants() -> list[Mutant]:
    made = subprocess.run(["node", ROOT / "tracker/mutants.mjs"], capture_output=True, check=True)  # noqa: S603, S607
    mutants: list[Mutant] = json.loads(made.stdout)
    return [mutant | {"number": number} for number, mutant in enumerate(mutants)]


def write_builds(mutant: Mutant, folder: Path) -> None:
    source = (ROOT / "web/tracker.js").read_text()
    changed = source[: mutant["start"]] + mutant["to"] + source[mutant["end"] :]
    for name, is_full in (("tracker.min.js", "false"), ("tracker.full.min.js", "true")):
        (folder / name).write_text(changed.replace(FULL, is_full))
    (folder / "tracker.js").write_text(changed)


def nearest_tests(line: int) -> tuple[str, str]:
    """Return the tests of the function that this line is in. The first lines are constants."""
    before = (ROOT / "web/tracker.js").read_text().splitlines()[:line]
    names = re.findall(r"^  (?:const|let) (\w+) =", "\n".join(before), re.MULTILINE)
    for functions, tests in NEAREST.items():
        if names and names[-1] in functions.split():
            return tests
    return " ".join(MODULES), ""


class MutantRunner:
    """A pytest plugin that runs the tests once for each change that a line on stdin names.

    One process and one import for all changes: a start of pytest takes longer than most tests.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.has_failed = False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.has_failed |= report.failed

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        for line in sys.stdin:
            asked = json.loads(line)
            write_builds(asked["mutant"], self.folder)
            items = [item for item in session.items if item.nodeid not in asked["left_out"]]
            modules, words = asked["nearest"]
            chosen = self.in_order(items, modules, words, asked["only_nearest"])
            answer = [*islice(self.failing(chosen), None if asked["all"] else 1)]
            print(f"\nANSWER {json.dumps(answer)}", flush=True)
        return True

    def in_order(
        self, items: list[pytest.Item], modules: str, words: str, only_nearest: bool
    ) -> list[pytest.Item]:
        paths = {f"test_{module}.py" for module in modules.split()}
        nearest = [
            item
            for item in items
            if item.path.name in paths and (not words or any(word in item.name for word in words.split()))
        ]
        others = [] if only_nearest else [item for item in items if item not in nearest]
        slow = [item for item in others if any(name in item.name for name in LAST)]
        return [*nearest, *(item for item in others if item not in slow), *slow]

    def failing(self, items: list[pytest.Item]) -> Iterator[str]:
        """Yield the tests that fail twice. Once, one may fail on a busy machine."""
        for item, following in zip(items, [*items[1:], None], strict=True):
            if self.fails(item, following) and self.fails(item, None):  # None: close the browser
                yield item.nodeid

    def fails(self, item: pytest.Item, following: pytest.Item | None) -> bool:
        self.has_failed = False
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        return self.has_failed


def serve_changes(folder: Path) -> int:
    """Be the process that runs the tests."""
    paths = [str(ROOT / f"tests/tracker/test_{module}.py") for module in MODULES]
    options = ["-q", "-s", "-p", "no:cacheprovider", "--timeout", str(SECONDS_PER_TEST), "--tb=no"]
    return int(pytest.main([*options, *paths], plugins=[MutantRunner(folder)]))


class Runner:
    """One such process, started again when a change has brought it to a halt."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="clicklake-mutants-"))
        for path in (ROOT / "web").iterdir():
            if not path.name.startswith("tracker."):
                (self.folder / path.name).symlink_to(path)
        self.process: subprocess.Popen[str] | None = None

    def failing_tests(self, asked: dict[str, Any]) -> list[str]:
        """Return what the process answers, or that a test takes for ever."""
        if self.process is None:
            self.process = subprocess.Popen(  # noqa: S603
                [sys.executable, __file__, "--serve", self.folder],
                cwd=ROOT,
                env=os.environ | {"CLICKLAKE_WEB": str(self.folder), "CLICKLAKE_WAIT": str(WAIT_SECONDS)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                start_new_session=True,  # so that its browsers end with it
            )
        assert self.process.stdin
        assert self.process.stdout
        limit = Timer(SECONDS_PER_CHANGE, self.stop)
        limit.start()
        try:
            self.process.stdin.write(json.dumps(asked) + "\n")
            self.process.stdin.flush()
            for line in self.process.stdout:
                if line.startswith("ANSWER "):
                    answer: list[str] = json.loads(line.removeprefix("ANSWER "))
                    return answer
        finally:
            limit.cancel()
        if self.process.wait() != -signal.SIGKILL:
            raise RuntimeError(f"pytest ended with {self.process.returncode}")
        self.process = None
        return ["a test that ran out of time"]

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self.folder)


def describe(mutant: Mutant) -> str:
    """A text that stays the same while the line does not change."""
    line = (ROOT / "web/tracker.js").read_text().splitlines()[mutant["line"] - 1].strip()
    return f"{line} | {mutant['from'].strip()} -> {mutant['to'].strip()}"


def run_all(mutants: list[Mutant], runners: int, only_nearest: bool) -> Iterator[tuple[Mutant, str | None]]:
    idle: SimpleQueue[Runner] = SimpleQueue()
    everyone = [Runner() for _ in range(runners)]
    for runner in everyone:
        idle.put(runner)
    left_out: list[str] = []

    def failing_tests(mutant: Mutant, nearest: tuple[str, str], **asked: Any) -> list[str]:
        runner = idle.get()
        try:
            return runner.failing_tests(
                {
                    "mutant": mutant,
                    "nearest": nearest,
                    "left_out": left_out,
                    "only_nearest": only_nearest,
                    **asked,
                }
            )
        finally:
            idle.put(runner)

    def run(mutant: Mutant) -> tuple[Mutant, str | None]:
        found = failing_tests(mutant, nearest_tests(mutant["line"]), all=False)
        return mutant, found[0] if found else None

    try:
        left_out += failing_tests(UNCHANGED, (" ".join(MODULES), ""), all=True)
        for test in left_out:
            print(f"left out, because it fails without a change: {test}", flush=True)
        with ThreadPoolExecutor(runners) as pool:
            yield from pool.map(run, mutants)
    finally:
        for runner in everyone:
            runner.close()


def numbers_in(log: Path) -> Iterable[int]:
    return (int(line.split()[0]) for line in log.read_text().splitlines()) if log.exists() else ()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sample", type=int, help="this many changes, chosen at random")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, nargs="+", help="the changes with these numbers")
    parser.add_argument("--nearest", action="store_true", help="only the tests that are about the function")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument(
        "--log", type=Path, default=Path(os.devnull), help="adds the lines; leaves out what it has"
    )
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        return serve_changes(options.serve)
    mutants = all_mutants()
    chosen = [mutants[number] for number in options.only] if options.only else mutants
    if options.sample:
        chosen = random.Random(options.seed).sample(mutants, options.sample)  # noqa: S311
    done = {*numbers_in(options.log)}
    chosen = [mutant for mutant in chosen if mutant["number"] not in done]
    explained: dict[str, str] = json.loads((ROOT / "tracker/survivors.json").read_text())
    unexplained = 0
    with options.log.open("a") as log:
        for mutant, test in run_all(chosen, options.processes, options.nearest):
            reason = test or explained.get(describe(mutant)) or "SURVIVED"
            unexplained += reason == "SURVIVED"
            line = f"{mutant['number']:4} line {mutant['line']:3} {describe(mutant)[:150]!r}: {reason}"
            print(line, flush=True)
            print(line, file=log, flush=True)
    print(f"{len(chosen)} of {len(mutants)} changes: {unexplained} survived without an explanation")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
