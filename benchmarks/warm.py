"""What a request costs where the function is warm: CPU, wall time and log, by clicks per request.

    python -m benchmarks.warm [--rounds 60] [--requests 50]

Each design in a process of its own, in many short turns: what else the machine does falls on all alike.
"""

import argparse
from collections import defaultdict
from random import Random
from statistics import mean, median, quantiles
from typing import NamedTuple

from benchmarks.bundles import bundles
from benchmarks.cold import pins
from benchmarks.designs import DESIGNS, OURS, Design
from benchmarks.events import make_body, make_event
from benchmarks.firehose import firehose
from benchmarks.function import Function, Sample
from benchmarks.publish import Table, publish
from ingest_app import create_app
from ingest_app.settings import IngestSettings

CLICKS = (1, 10, 50, 500)
STARTS = 6
"""Of each design's process: where its memory happens to lie makes some per cent."""


class Cost(NamedTuple):
    """A request's."""

    cpu_us: float
    wall_us: float
    p99_us: float
    log_bytes: float


Costs = dict[Design, dict[int, Cost]]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--requests", type=int, default=50, help="of one click, a round")
    options = parser.parse_args()
    costs = measure(options.rounds, options.requests)
    rounds = f"{options.rounds} interleaved rounds of {options.requests} requests"
    above = f"Medians of {rounds}, in {STARTS} processes."
    figures = {
        design.name: {str(clicks): cost._asdict() for clicks, cost in by_clicks.items()}
        for design, by_clicks in costs.items()
    }
    figures["sizes"] = {str(clicks): sizes(clicks) for clicks in CLICKS}
    publish("warm", [one_click(costs, above), more_clicks(costs)], figures, pins())


def measure(rounds: int, requests: int) -> Costs:
    events = {clicks: make_event(make_body(clicks)) for clicks in CLICKS}
    samples: defaultdict[tuple[Design, int], list[Sample]] = defaultdict(list)
    chance = Random(1)  # noqa: S311 (so that a run can be repeated)
    with firehose() as address:
        for _ in range(STARTS):
            functions = {design: Function(bundle, design.handler, address) for design, bundle in bundles()}
            for number in range(1 + rounds // STARTS):
                for clicks, event in events.items():
                    # In another order each time: it matters whose turn was before.
                    for design, function in chance.sample(list(functions.items()), len(functions)):
                        function(event, 1)  # finds the machine's caches as another's turn left them
                        sample = function(event, max(5, requests // clicks))
                        if number:  # the first is to warm up
                            samples[design, clicks].append(sample)
            for function in functions.values():
                function.close()
    return {design: {clicks: cost(samples[design, clicks]) for clicks in CLICKS} for design in DESIGNS}


def cost(samples: list[Sample]) -> Cost:
    return Cost(
        median(sample.cpu_us for sample in samples),
        median(median(sample.walls_us) for sample in samples),
        median(quantiles(sample.walls_us, n=100)[98] for sample in samples),
        mean(sample.log_bytes for sample in samples),
    )


def sizes(clicks: int) -> dict[str, int]:
    """Bytes of our record and of our answer, its headers included: what Firehose and the way out bill."""
    records: list[bytes] = []

    class Kept:
        def put(self, record: bytes) -> None:
            records.append(record)

    client = create_app(IngestSettings("clicklake-dev"), Kept()).test_client()
    event = make_event(make_body(clicks))
    answer = client.put("/clicks", data=event["body"], headers=event["headers"])
    return {"record": len(records[0]), "answer": len(answer.data) + len(str(answer.headers))}


def one_click(costs: Costs, above: str) -> Table:
    ours = costs[OURS][1]
    rows = [
        [
            design.title,
            f"{it[1].cpu_us:.0f}",
            f"{ours.cpu_us / it[1].cpu_us:.2f}",
            f"{it[1].wall_us:.0f}",
            f"{it[1].p99_us:.0f}",
            f"{it[1].log_bytes:,.0f}",
        ]
        for design, it in costs.items()
    ]
    columns = [
        "one click per request",
        "CPU, µs",
        "ours ÷ this",
        "wall, µs",
        "wall p99, µs",
        "log, B per click",
    ]
    return Table(columns, rows, above)


def more_clicks(costs: Costs) -> Table:
    rows = []
    for design in DESIGNS:
        per_click = {clicks: cost.cpu_us / clicks for clicks, cost in costs[design].items()}
        figures = [f"{per_click[clicks]:.1f}" for clicks in CLICKS]
        figures += [f"{per_click[clicks] / per_click[1]:.3f}" for clicks in CLICKS[1:]]
        rows.append([design.title, *figures])
    columns = ["CPU per click, µs, by clicks per request:", *map(str, CLICKS)]
    return Table([*columns, *(f"{clicks} ÷ 1" for clicks in CLICKS[1:])], rows)


if __name__ == "__main__":
    main()
