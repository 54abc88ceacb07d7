"""What files of whole days save: questions over a month from 27 files, against the same from 648 of hours.

    .run/envs/test/bin/python -m benchmarks.day_files [--events 37038]

`--events` are those of a day. Prints the CPU seconds of each question, the quickest of five.
"""

import argparse
import json
import resource
from datetime import timedelta
from unittest.mock import patch

from benchmarks.column_lake import FIRST_DAY
from benchmarks.columns import lakes, write
from clicklake.lake.bucket import find_lake
from clicklake.lake.partitions import Span
from clicklake.query import span_database
from clicklake.query.queries import saved_query
from clicklake.query.span_database import SpanDatabase
from clicklake.tables.day_files import DayFiles

DAYS = 27
ASKED = ("totals", "days", "items", "pages", "countries", "devices", "referrer_kinds")
RUNS = 5


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=37_038, help="in a day")
    parser.add_argument("--look", metavar="BUCKET", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.look:
        print(json.dumps(look(options.look)))
        return
    with lakes() as running:
        write(running, "month", options.events, DAYS)
        running.run("compact", "--bucket", "month")
        found = json.loads(running.python("-m", "benchmarks.day_files", "--look", "month").output)
    print(f"{options.events * DAYS:,} events in {DAYS} days\n")
    print("| question | hours, CPU s | days, CPU s | days ÷ hours |\n| --- | --: | --: | --: |")
    for name in (*ASKED, "making the files"):
        hours, days = found["hours"].get(name), found["days"][name]
        print(f"| {name} | {hours or 0:.3f} | {days:.3f} | {days / hours if hours else 0:.2f} |")


def look(bucket: str) -> dict[str, dict[str, float]]:
    with patch.object(
        span_database, "merge_days", lambda _db, _cache, hours, *_a, **_k: DayFiles([], [*hours.values()])
    ):
        _ask(bucket)  # fills the cache
        hours = _ask(bucket)
    opening = _cpu_seconds()
    first = _ask(bucket)
    making = _cpu_seconds() - opening - sum(first.values())
    return {"hours": hours, "days": _ask(bucket) | {"making the files": making}}


def _ask(bucket: str) -> dict[str, float]:
    lake = find_lake("dev", bucket)
    with SpanDatabase(lake, Span(FIRST_DAY, FIRST_DAY + timedelta(days=DAYS))) as database:
        return {name: min(_seconds(database, name) for _ in range(RUNS)) for name in ASKED}


def _seconds(database: SpanDatabase, name: str) -> float:
    before = _cpu_seconds()
    database.run(saved_query(name))
    return _cpu_seconds() - before


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
