"""Many clicks through the whole cloud, with faults at random, and then the question: is anything missing?

    .run/envs/test/bin/python -m benchmarks.soak [--clicks 1000000] [--seed 1]

A client sends over HTTP and keeps each request until it is accepted; every few seconds other faults are on.
Meanwhile every hour that has clicks is compacted again and again, although it has not ended. When all is
accepted, `replay` puts back what failed, `reconcile` must find every click, and columns/ count each once.
Prints the memory of each process in the second and in the last quarter of the run.
"""

import argparse
import random
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import duckdb

from clicklake.keeper.compaction import compact_hour
from clicklake.lake.bucket import Lake
from clicklake.lake.columns import columns_key
from clicklake.lake.partitions import hour_of_key
from tests.faults.client import Told, send
from tests.faults.cloud import Cloud
from tests.support.lakes import click

CLICKS_IN_A_REQUEST = 50
REQUESTS_IN_A_ROUND = 40
ATTEMPTS = 1000
FAULT_SECONDS = (2.0, 6.0)
FAULTS: tuple[dict[str, Any], ...] = (
    {},
    {"throttleEvery": 3},
    {"dropBeforeEvery": 5},
    {"dropAfterEvery": 7},
    {"delaySeconds": 0.2},
    {"s3DownSeconds": 4},
    {"deliverTwice": True},
    {"throttleEvery": 4, "dropAfterEvery": 9, "deliverTwice": True},
)
ROUNDS_TO_A_SAMPLE = 5
COMPACTION_PAUSE = 5.0  # seconds
PARTS = {"emulator and stream": "local.emulator", "processor": "_worker.py", "ingest app": "ingest_app"}


def main() -> None:
    options = parse_options()
    with tempfile.TemporaryDirectory() as folder:
        cloud = Cloud(Path(folder))
        cloud.start()
        try:
            run(cloud, options.clicks, random.Random(options.seed))  # noqa: S311 (seeded: a run can be repeated)
        finally:
            cloud.stop()


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clicks", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def run(cloud: Cloud, clicks: int, chance: random.Random) -> None:
    started = time.monotonic()
    memory = Memory(cloud)
    with faults_at_random(cloud, chance), compaction_beside(cloud) as compactions:
        asked_again = sum(round_of_clicks(cloud, size, memory) for size in rounds(clicks))
    sending = time.monotonic() - started
    cloud.settle()
    cloud.ops("replay")
    cloud.settle()
    found = cloud.ops("reconcile", "--no-wait")  # fails unless nothing is missing
    print(f"{clicks:,} clicks in {sending:.0f} s, {asked_again:,} of them sent more than once")
    for name in (
        "accepted",
        "delivered",
        "failed",
        "movedByReplay",
        "parked",
        "inFlight",
        "missing",
        "duplicates",
    ):
        print(f"{name:>10} {found[name]}")
    counted = counted_events(cloud)
    print(f"{sum(compactions.values()):>10} compactions meanwhile, {compactions['failed']} of which failed")
    print(f"{counted:>10} counted in columns/")
    memory.tell()
    assert (found["accepted"], found["missing"], counted) == (clicks, 0, clicks)
    assert compactions["done"]


def rounds(clicks: int) -> Iterator[int]:
    a_round = REQUESTS_IN_A_ROUND * CLICKS_IN_A_REQUEST
    yield from [a_round] * (clicks // a_round)
    if rest := clicks % a_round:
        yield rest


def round_of_clicks(cloud: Cloud, size: int, memory: "Memory") -> int:
    """How many of them had to be sent again."""
    told = Told()
    sizes = range(0, size, CLICKS_IN_A_REQUEST)
    batches = [[click() for _ in range(min(CLICKS_IN_A_REQUEST, size - start))] for start in sizes]
    assert not send(cloud.api, batches, told, ATTEMPTS)
    assert len(told.accepted) == size
    memory.sample()
    return len(told.asked_again)


@contextmanager
def faults_at_random(cloud: Cloud, chance: random.Random) -> Iterator[None]:
    over = threading.Event()

    def change() -> None:
        while not over.wait(chance.uniform(*FAULT_SECONDS)):
            cloud.plan(**chance.choice(FAULTS))

    changing = threading.Thread(target=change)
    changing.start()
    yield
    over.set()
    changing.join()
    cloud.plan()


@contextmanager
def compaction_beside(cloud: Cloud) -> Iterator[Counter[str]]:
    """Compact all hours, over and over. A compaction fails if its hour's objects change under it."""
    over, compactions = threading.Event(), Counter[str]()

    def compact() -> None:
        while not over.wait(COMPACTION_PAUSE):
            for hour in hours_with_clicks(cloud):
                try:
                    compact_hour(lake_of(cloud), hour)
                    compactions["done"] += 1
                except Exception as error:  # S3 is one of the faults
                    compactions["failed"] += 1
                    print(f"compaction: {type(error).__name__}: {error}", file=sys.stderr)

    compacting = threading.Thread(target=compact)
    compacting.start()
    try:
        yield compactions
    finally:
        over.set()
        compacting.join()


def counted_events(cloud: Cloud) -> int:
    """Compact a last time, and return how many rows of columns/ count."""
    hours, lake = hours_with_clicks(cloud), lake_of(cloud)
    for hour in hours:
        compact_hour(lake, hour)
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for number, hour in enumerate(hours):
            files.append(str(Path(folder) / f"{number}.parquet"))
            lake.s3.download_file(lake.bucket, columns_key(hour), files[-1])
        rows = duckdb.execute("select count(*) from read_parquet($1) where counted", [files]).fetchall()
    return int(rows[0][0])


def lake_of(cloud: Cloud) -> Lake:
    return Lake(cloud.lake.bucket, {}, cloud.lake.s3)


def hours_with_clicks(cloud: Cloud) -> list[datetime]:
    return sorted({hour_of_key(key) for key in cloud.lake.keys("clicks/")})


class Memory:
    """Of each part of the cloud, in KiB; and of the lake, whose objects the emulator's S3 holds in memory."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._rounds = count()
        self._samples: defaultdict[str, list[int]] = defaultdict(list)

    def sample(self) -> None:
        if next(self._rounds) % ROUNDS_TO_A_SAMPLE:
            return
        processes = self._cloud.processes()
        for part, command in PARTS.items():
            resident = [each.resident_kib for each in processes if command in each.command]
            self._samples[part].append(sum(resident))
        self._samples["objects in its S3"].append(self._cloud.lake.stored_bytes() // 1024)

    def tell(self) -> None:
        for part, kib in self._samples.items():
            quarter = max(1, len(kib) // 4)
            second, last = max(kib[quarter : 2 * quarter] or kib), max(kib[-quarter:])
            print(f"{part:>20}: {second / 1024:.0f} MiB in the second quarter, {last / 1024:.0f} in the last")


if __name__ == "__main__":
    main()
