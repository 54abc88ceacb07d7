"""What columns/ saves: the commands from lines and from columns, on the same events in the emulator's S3.

    .run/envs/test/bin/python -m benchmarks.columns [--events 1000000] [--days 10] [--largest-hour 5000000]

Prints CPU seconds and peaks of one day and of `--days` as large, the ratios that were asked for, and what
one hour of `--largest-hour` lines takes. CPU seconds are of the whole process; a report's fixed start is that
of a lake with hardly an event. Of 50 lines one is there twice: see benchmarks/column_lake.py.
"""

import argparse
import gzip
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import boto3

from benchmarks.column_lake import FIRST_DAY, objects
from benchmarks.reconcile import CLI_PYTHON, ROOT, peak_mib
from tests.support.emulator import KEYS, Emulator

FEW_EVENTS = 2000
RUNS = 3
BYTES_OF_A_MIB = 1.048576  # in MB

COMMANDS = {
    "report_lines": "`report --lines`",
    "report": "`report`",
    "compact": "`compact`",
    "compact_again": "`compact` again",
    "find_in_lines": "finding a person's ids in `clicks/`",
    "find_in_columns": "finding them in `columns/`",
}


class Run(NamedTuple):
    cpu_seconds: float
    peak_mib: float
    output: str


@dataclass(frozen=True)
class Measured:
    """One lake, in CPU seconds and MiB."""

    events: int
    days: int
    report_lines: Run
    compact: Run
    compact_again: Run
    report: Run
    find_in_lines: Run
    find_in_columns: Run
    stored_lines: int  # bytes
    stored_columns: int


class Lakes:
    """An emulator with lakes in it, and the commands on them."""

    def __init__(self, emulator: Emulator, folder: Path) -> None:
        self._emulator, self._folder = emulator, folder
        self.s3 = emulator.client("s3")

    def run(self, *arguments: str | Path) -> Run:
        return self.python("-m", "clicklake", *arguments)

    def report(self, bucket: str, days: int, *options: str, runs: int = RUNS) -> Run:
        last = FIRST_DAY + timedelta(days=days - 1)
        span = ("--from", f"{FIRST_DAY:%Y-%m-%d}", "--to", f"{last:%Y-%m-%d}")
        out = self._folder / "report.html"
        measured = [
            self.run("report", "--bucket", bucket, "--out", out, *span, *options) for _ in range(runs)
        ]
        return min(measured, key=lambda run: run.cpu_seconds)._replace(
            peak_mib=max(run.peak_mib for run in measured)
        )

    def find(self, bucket: str, user: str, where: str) -> Run:
        """Find one person's ids, in a process of its own."""
        return self.python("-m", "benchmarks.columns", "--find", where, bucket, user)

    def look(self, bucket: str, days: int) -> Run:
        """Look at a lake in the dashboard, in a process of its own."""
        return self.python("-m", "benchmarks.dashboard", "--look", bucket, "--days", str(days))

    def stored(self, bucket: str, prefix: str) -> int:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return sum(found["Size"] for page in pages for found in page.get("Contents", []))

    def python(self, *arguments: str | Path) -> Run:
        keys = {name.upper(): value for name, value in KEYS.items() if name.startswith("aws_")}
        keys |= {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": self._emulator.gateway}
        keys |= {"PATH": os.environ["PATH"], "XDG_CACHE_HOME": str(self._folder / "cache")}
        with (self._folder / "output").open("w+") as output:
            child = subprocess.Popen(  # noqa: S603
                [CLI_PYTHON, *arguments], cwd=ROOT, env=keys, stdout=output
            )
            _, status, used = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            output.seek(0)
            text = output.read()
        assert child.returncode == 0, text
        return Run(used.ru_utime + used.ru_stime, peak_mib(used), text)


def main() -> None:
    options = parse_options()
    if options.find:
        where, bucket, user = options.find
        print(find(where, bucket, user))
        return
    with lakes() as running:
        write(running, "few", FEW_EVENTS, 1)
        running.run("compact", "--bucket", "few")
        start = running.report("few", 1)
        start_of_find = running.find("few", "nobody", "columns")
        print(
            f"A report's fixed start takes {start.cpu_seconds:.1f} s, a search's"
            f" {start_of_find.cpu_seconds:.1f} s.\n"
        )
        one = measure(running, "one", options.events, 1)
        many = measure(running, "many", options.events, options.days)
        print_sizes([one, many])
        print_ratios(one, many, start.cpu_seconds, start_of_find.cpu_seconds)
        if options.largest_hour:
            print_largest_hour(running, options.largest_hour)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=1_000_000, help="in a day")
    parser.add_argument("--days", type=int, default=10)
    parser.add_argument("--largest-hour", type=int, default=5_000_000, help="0 leaves it out")
    parser.add_argument("--find", nargs=3, metavar=("WHERE", "BUCKET", "USER"), help=argparse.SUPPRESS)
    return parser.parse_args()


@contextmanager
def lakes() -> Iterator[Lakes]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        emulator = Emulator(folder / "emulator").start()
        try:
            yield Lakes(emulator, folder)
        finally:
            emulator.stop()


def write(running: Lakes, bucket: str, events: int, days: int) -> None:
    with ProcessPoolExecutor(1) as other:  # a child's peak begins with its parent's: ours stays small
        other.submit(write_lake, running.s3.meta.endpoint_url, bucket, events, days).result()


def write_lake(gateway: str, bucket: str, events: int, days: int, *, hours: int = 24) -> None:
    s3 = boto3.client("s3", endpoint_url=gateway, **KEYS)
    s3.create_bucket(Bucket=bucket)
    for key, body in objects(events, days, hours=hours):
        s3.put_object(Bucket=bucket, Key=key, Body=body)


def measure(running: Lakes, bucket: str, events: int, days: int) -> Measured:
    write(running, bucket, events, days)
    user = first_user(running, bucket)
    report_lines = running.report(bucket, days, "--lines", runs=RUNS if days == 1 else 1)
    find_in_lines = running.find(bucket, user, "lines")
    compact = running.run("compact", "--bucket", bucket, "--json")
    assert len(json.loads(compact.output)["written"]) == 24 * days
    again = running.run("compact", "--bucket", bucket, "--json")
    assert json.loads(again.output)["written"] == []
    running.report(bucket, days, runs=1)  # fills the cache
    find_in_columns = running.find(bucket, user, "columns")
    assert find_in_columns.output == find_in_lines.output, "the hours of the person"
    return Measured(
        events * days,
        days,
        report_lines,
        compact,
        again,
        running.report(bucket, days),
        find_in_lines,
        find_in_columns,
        running.stored(bucket, "clicks/"),
        running.stored(bucket, "columns/"),
    )


def first_user(running: Lakes, bucket: str) -> str:
    """Return a user of the first object."""
    listed = running.s3.list_objects_v2(Bucket=bucket, Prefix="clicks/", MaxKeys=1)["Contents"]
    body = running.s3.get_object(Bucket=bucket, Key=listed[0]["Key"])["Body"].read()
    return str(json.loads(gzip.decompress(body).split(b"\n")[0])["userId"])


def find(where: str, bucket: str, user: str) -> str:
    """Return the hours that hold the user, found as `erase` finds them."""
    from clicklake.erase import columns_search
    from clicklake.erase.redactor import DataSubject, Redactor
    from clicklake.erase.versions import list_versions, redacted_lines
    from clicklake.lake.bucket import find_lake
    from clicklake.lake.partitions import hour_of_key
    from clicklake.tables.database import open_database
    from clicklake.tables.parquet_cache import ParquetCache

    lake, subject = find_lake("dev", bucket), DataSubject(user_ids=frozenset([user]))
    if where == "lines":
        found = set()
        for version in list_versions(lake, "clicks/"):
            redactor = Redactor(subject)
            for _ in redacted_lines(lake, version, redactor):
                pass
            if redactor.stats.clicks:
                found.add(hour_of_key(version.key))
    else:
        files = ParquetCache(lake).fetch(columns_search.indexed_hours(lake))
        with tempfile.TemporaryDirectory() as folder, open_database(Path(folder)) as db:
            names = columns_search.files_with_ids(db, files.values(), subject)
        found = {hour for hour, file in files.items() if str(file) in names}
    return " ".join(f"{hour:%dT%H}" for hour in sorted(found))


def print_sizes(measured: Sequence[Measured]) -> None:
    print("| CPU s (peak MiB) |", " | ".join(f"{lake.events:,} events" for lake in measured), "|")
    print("| --- |", " | ".join("--:" for _ in measured), "|")
    for name in COMMANDS:
        runs = [getattr(lake, name) for lake in measured]
        cells = (f"{run.cpu_seconds:.1f} ({run.peak_mib:.0f})" for run in runs)
        print(f"| {COMMANDS[name]} |", " | ".join(cells), "|")
    for label, name in (("MB of lines, gzip", "stored_lines"), ("MB of columns", "stored_columns")):
        print(f"| {label} |", " | ".join(f"{getattr(lake, name) / 1e6:.0f}" for lake in measured), "|")
    print(flush=True)


def print_ratios(one: Measured, many: Measured, start: float, start_of_find: float) -> None:
    def ratio(above: Run, below: Run, less: float = 0.0) -> float:
        return (above.cpu_seconds - less) / (below.cpu_seconds - less)

    rows = [
        ("report, columns ÷ lines", ratio(many.report, many.report_lines), 0.20),
        ("report of one day less its start, the same", ratio(one.report, one.report_lines, start), 0.12),
        ("report, all days ÷ one day", ratio(many.report, one.report), 6),
        ("its peak, MB", many.report.peak_mib * BYTES_OF_A_MIB, 500),
        ("compact ÷ report --lines", ratio(many.compact, many.report_lines), 2.5),
        ("its peak, MB", many.compact.peak_mib * BYTES_OF_A_MIB, 450),
        ("size, columns ÷ gzip lines", many.stored_columns / many.stored_lines, 0.60),
        (
            "finding a person's ids, columns ÷ lines",
            ratio(many.find_in_columns, many.find_in_lines, start_of_find),
            1 / 50,
        ),
    ]
    print("| ratio of CPU, or MB | at most | measured |  |")
    print("| --- | --: | --: | --- |")
    for label, measured, most in rows:
        print(f"| {label} | {most:.3g} | {measured:.3g} | {'' if measured <= most else 'missed'} |")
    print(flush=True)


def print_largest_hour(running: Lakes, lines: int) -> None:
    with ProcessPoolExecutor(1) as other:
        other.submit(_write_hour, running.s3.meta.endpoint_url, lines).result()
    run = running.run("compact", "--bucket", "large", "--json")
    (hour,) = json.loads(run.output)["written"]
    peak = run.peak_mib * BYTES_OF_A_MIB
    cost = f"{run.cpu_seconds:.1f} s of CPU, a peak of {peak:.0f} MB (450 at most)"
    print(f"One hour of {hour['lines']:,} lines: {cost}.")


def _write_hour(gateway: str, lines: int) -> None:
    write_lake(gateway, "large", lines, 1, hours=1)


if __name__ == "__main__":
    main()
