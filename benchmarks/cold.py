"""How long a cold start is: each design's bundle as its tool ships it.

    python -m benchmarks.cold [--rounds 15]

The whole process, from its start to its end: import and one event. And under awslambdaric: init, the first
request, and a warm one.
"""

import argparse
import json
import subprocess
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

from benchmarks.bundles import bundles
from benchmarks.designs import DESIGNS, OURS, Design
from benchmarks.events import make_body, make_event
from benchmarks.firehose import firehose
from benchmarks.function import SUBJECT, environment
from benchmarks.machine import PYTHON, SUBJECTS_CORE, pinned, versions
from benchmarks.publish import Table, publish
from benchmarks.runtime_api import live

WARM_REQUESTS = 30


class Start(NamedTuple):
    """In milliseconds."""

    whole: float
    init: float
    first: float
    warm: float


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    packed = list(bundles())
    starts: dict[Design, list[Start]] = {design: [] for design in DESIGNS}
    with firehose() as address:
        for _ in range(1 + rounds):
            for design, bundle in packed:
                starts[design].append(start(design, bundle, environment(address)))
    medians = {design: Start(*map(median, zip(*found[1:], strict=True))) for design, found in starts.items()}
    sizes = {design: bundle.with_suffix(".zip").stat().st_size / 1e6 for design, bundle in packed}
    show(medians, sizes, rounds)


def start(design: Design, bundle: Path, variables: dict[str, str]) -> Start:
    event = make_event(make_body(1))
    whole = start_whole(design, bundle, variables, event)
    life = live(bundle, design.handler, [event] * (1 + WARM_REQUESTS), variables)
    return Start(whole, life.init, life.requests[0], median(life.requests[1:]))


def start_whole(design: Design, bundle: Path, variables: dict[str, str], event: Any) -> float:
    order = json.dumps({"event": json.dumps(event), "times": 1})
    command = [
        *pinned(SUBJECTS_CORE),
        PYTHON,
        "-I",
        "-S",
        "-B",
        str(SUBJECT),
        str(bundle),
        design.handler,
        "1",
    ]
    begun = perf_counter()
    subprocess.run(command, env=variables, input=order, capture_output=True, text=True, check=True)  # noqa: S603
    return (perf_counter() - begun) * 1000


def show(medians: dict[Design, Start], sizes: dict[Design, float], rounds: int) -> None:
    ours = medians[OURS]
    rows = [
        [
            design.title,
            f"{sizes[design]:.1f}",
            f"{it.whole:.0f}",
            f"{ours.whole / it.whole:.2f}",
            f"{it.init:.0f}",
            f"{it.first:.1f}",
            f"{ours.first / it.first:.3f}",
            f"{it.warm:.2f}",
        ]
        for design, it in medians.items()
    ]
    columns = ["bundle as shipped", "zipped, MB", "whole process, ms", "ours ÷ this", "init, ms"]
    columns += ["first request, ms", "ours ÷ this", "warm request, ms"]
    above = f"Medians of {rounds} interleaved starts. The last four columns were measured under awslambdaric."
    figures = {
        design.name: {**it._asdict(), "zipped_mb": sizes[design], "whole_ratio": ours.whole / it.whole}
        | {"first_ratio": ours.first / it.first}
        for design, it in medians.items()
    }
    publish("cold", [Table(columns, rows, above)], figures, pins())


def pins() -> dict[str, str]:
    """Of all designs."""
    found = versions("benchmarks/requirements-zappa.txt", "zappa", "flask", "boto3", "msgspec")
    for name, *libraries in (
        ("lambda", "awslambdaric"),
        ("fastapi", "fastapi", "mangum"),
        ("apig-wsgi", "apig-wsgi"),
        ("powertools", "aws-lambda-powertools"),
        ("chalice", "chalice"),
    ):
        found |= versions(f"benchmarks/requirements-{name}.txt", *libraries)
    return found


if __name__ == "__main__":
    main()
