"""What Athena would read, and bill, for one look at the dashboard: all panels of the first view.

    .run/envs/test/bin/python -m benchmarks.dashboard_bytes [--events 370371] [--days 27]

Athena bills the bytes of the columns that a query needs, and at least 10 MB for each query. One day of
`--events` is written and compacted in the emulator. The sizes of its columns are those in the Parquet files,
and a view of `--days` reads as many times as much. The figures and the chart are asked for twice: for the
view's days, and for those that it is compared with.
"""

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import duckdb
from sqlglot import exp

from benchmarks.column_lake import FIRST_DAY
from benchmarks.columns import Lakes, lakes, write
from clicklake.dashboard.panels import cards_of
from clicklake.dashboard.view import parse_view
from clicklake.query.athena_results import DOLLARS_PER_TB, MIN_BILLED_BYTES
from clicklake.query.queries import referenced_tables, saved_query

ATTRIBUTES = ("name", "species")
STORED_AS = {"local_time": "event_time", "arrival_delay_seconds": "arrival_delay_seconds"}
FREE = ("dt", "hr")  # partitions


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=370_371, help="in a day")
    parser.add_argument("--days", type=int, default=27)
    options = parser.parse_args()
    with lakes() as running:
        write(running, "day", options.events, 1)
        running.run("compact", "--bucket", "day")
        sizes = column_bytes(running, "day")
    print(f"{options.events * options.days:,} events in {options.days} days, from columns/.\n")
    print("| question | columns | read, MB | billed, MB |")
    print("| --- | --- | --: | --: |")
    total = 0
    for name, query, times in questions():
        needed = columns_of(query, sizes)
        read = options.days * sum(sizes[column] for column in needed)
        billed = times * max(read, MIN_BILLED_BYTES)
        total += billed
        print(f"| {name} | {', '.join(sorted(needed))} | {times * read / 1e6:,.0f} | {billed / 1e6:,.0f} |")
    dollars = total / 1e12 * DOLLARS_PER_TB
    print(f"\nOne look: {total / 1e9:.2f} GB billed, {100 * dollars:.2g} cents.")


def questions() -> Iterable[tuple[str, exp.Query, int]]:
    """Yield the questions of the first view, each with how often it is asked."""
    yield "figures", saved_query("totals"), 2
    yield "over time", saved_query("days"), 2
    for card in cards_of(ATTRIBUTES):
        panel = card.panels[0]
        yield panel.heading, panel.drawn_question(parse_view([])), 1


def columns_of(query: exp.Query, sizes: Counter[str]) -> set[str]:
    """Return the stored columns that Athena reads: those that the query and the views need."""
    named = {column.name.lower() for column in query.find_all(exp.Column)}
    needed = {STORED_AS.get(name, name) for name in named} | {"counted"}
    if "human_events" in referenced_tables([query]):
        needed.add("bot")
    return {name for name in needed if name in sizes and name not in FREE}


def column_bytes(running: Lakes, bucket: str) -> Counter[str]:
    """Return the compressed size of each column, of all objects of the first day."""
    sizes: Counter[str] = Counter()
    prefix = f"columns/dt={FIRST_DAY:%Y-%m-%d}/"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "events.parquet")
        for page in running.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for found in page.get("Contents", []):
                file.write_bytes(running.s3.get_object(Bucket=bucket, Key=found["Key"])["Body"].read())
                rows = duckdb.execute(
                    "select path_in_schema, sum(total_compressed_size) from parquet_metadata(?) group by 1",
                    [str(file)],
                ).fetchall()
                for path, size in rows:
                    sizes[path.split(",")[0].lower()] += int(size)
    return sizes


if __name__ == "__main__":
    main()
