"""How much more than a normal input a hostile one can cost: the named ones, and what a search finds.

    python -m benchmarks.worst_case [--side NAME] [--search-seconds 60]

Prints Markdown. CPU time of one process, medians. Every input is measured in turns with a normal one of its
size, and meets the same empty caches. The limit is 4 times a normal input.

To add a side, write a module with the names of `AttackedSide`, and list it in SIDES.
"""

import argparse
import importlib
import random
import statistics
import sys
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol, cast

ROUNDS = 9
LIMIT = 4.0
SIDES = {"ingest app": "benchmarks.hostile_requests", "processor": "benchmarks.hostile_batches"}


class AttackedSide(Protocol):
    """What a side's module has. An input is whatever its `run` takes."""

    NORMAL: str  # describes the normal input
    INPUTS: Mapping[str, Any]  # name to rule

    def opened(self) -> AbstractContextManager[None]: ...  # starts what the side needs, such as a server

    def build_normal(self) -> Any: ...  # an input

    def build(self, rule: Any) -> Any: ...  # an input, outside of the clock

    def run(self, given: Any) -> None: ...

    def forget(self) -> None: ...  # empties the caches

    def mutate(self, chance: random.Random, genome: Any) -> Any: ...  # another genome; None begins anew

    def to_rule(self, genome: Any) -> Any: ...

    def describe(self, genome: Any) -> str: ...

    def print_more(self) -> None: ...  # figures that are no ratio


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--side", choices=sorted(SIDES), action="append")
    arguments.add_argument("--search-seconds", type=float, default=60)
    arguments.add_argument("--seed", type=int, default=0)
    given = arguments.parse_args()
    worst = 0.0
    for name in given.side or SIDES:
        side = cast(AttackedSide, importlib.import_module(SIDES[name]))
        with side.opened():
            print(f"## The {name}\n\nNormal: {side.NORMAL}. Python {sys.version.split()[0]}.\n", flush=True)
            worst = max(worst, print_named(side), print_search(side, given.search_seconds, given.seed))
            side.print_more()
    print(f"\nThe worst input costs {worst:.1f} times a normal one; the limit is {LIMIT:.0f}.")
    return worst > LIMIT


def print_named(side: AttackedSide) -> float:
    """Return the highest ratio."""
    print("| input | CPU, ms | × normal |\n| --- | --: | --: |")
    inputs = {"normal": side.build_normal()} | {name: side.build(rule) for name, rule in side.INPUTS.items()}
    costs: dict[str, list[float]] = {name: [] for name in inputs}
    for _ in range(1 + ROUNDS):
        for name, given in inputs.items():
            costs[name].append(cpu_seconds(side, given))
    medians = {name: statistics.median(times[1:]) for name, times in costs.items()}
    for name, cost in medians.items():
        print(f"| {name} | {cost * 1000:.1f} | {cost / medians['normal']:.1f} |", flush=True)
    return max(medians.values()) / medians["normal"]


def print_search(side: AttackedSide, seconds: float, seed: int) -> float:
    """Climb from made-up inputs to worse ones. Return the highest ratio."""
    if not seconds:
        return 0.0
    chance, usual = random.Random(seed), side.build_normal()  # noqa: S311
    best, best_ratio, tried = None, 0.0, 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        genome = side.mutate(chance, None if chance.random() < 0.1 else best)
        given = side.build(side.to_rule(genome))
        tried += 1
        if ratio(side, given, usual, rounds=1) > best_ratio:  # a lucky round is not enough
            confirmed = ratio(side, given, usual, rounds=5)
            if confirmed > best_ratio:
                best, best_ratio = genome, confirmed
    print(f"\nThe search tried {tried:,} inputs. The worst one costs {best_ratio:.1f} times a normal one:\n")
    print(f"    {side.describe(best)}\n")
    return best_ratio


def ratio(side: AttackedSide, given: Any, usual: Any, rounds: int) -> float:
    pairs = [(cpu_seconds(side, given), cpu_seconds(side, usual)) for _ in range(rounds)]
    hostile, normal = zip(*pairs, strict=True)
    return float(statistics.median(hostile) / statistics.median(normal))


def cpu_seconds(side: AttackedSide, given: Any) -> float:
    side.forget()
    started = time.process_time()
    side.run(given)
    return time.process_time() - started


if __name__ == "__main__":
    sys.exit(main())
