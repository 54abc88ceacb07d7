"""Whether the ingest function grows: its peak after 10,000 requests beside that after 100.

    python -m benchmarks.memory [--requests 10000]

Once with one click a request, and once with all sizes in turn.
"""

import argparse
from typing import Any

from benchmarks.bundles import bundle_of
from benchmarks.designs import OURS
from benchmarks.events import make_body, make_event
from benchmarks.firehose import firehose
from benchmarks.function import Function
from benchmarks.publish import Table, publish

FIRST = 100
MIXES = {"one click a request": (1,), "1, 10, 50 and 500 clicks a request, in turns": (1, 10, 50, 500)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=10_000)
    requests = parser.parse_args().requests
    rows, figures = [], {}
    for title, sizes in MIXES.items():
        first, last = peaks_mib([make_event(make_body(size)) for size in sizes], requests)
        rows.append([title, f"{first:.1f}", f"{last:.1f}", f"{last / first:.3f}"])
        figures[title] = {"first_mib": first, "last_mib": last, "ratio": last / first}
    columns = ["peak of the ingest function, MiB", f"after {FIRST}", f"after {requests:,} requests", "ratio"]
    publish("memory", [Table(columns, rows)], {"mixes": figures}, {})


def peaks_mib(events: list[Any], requests: int) -> tuple[float, float]:
    with firehose() as address:
        function = Function(bundle_of(OURS), OURS.handler, address)
        first = max(function(event, FIRST // len(events)).peak_kib for event in events)
        for _ in range(requests // FIRST - 1):
            last = max(function(event, FIRST // len(events)).peak_kib for event in events)
        function.close()
    return first / 1024, last / 1024


if __name__ == "__main__":
    main()
