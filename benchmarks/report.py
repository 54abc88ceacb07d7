"""How long `report` takes, its memory and the size of its file: the command on a day in the emulator's S3.

    .run/envs/test/bin/python -m benchmarks.report [--clicks 1000000] [--times 10]

Prints a row for a day of so many events, the quickest of three runs (what others do on the machine makes some
slower by up to a half, and none quicker), and one for `--times` as many, a single run. Of 50 lines one is
there twice.
"""

import argparse
import gzip
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from pathlib import Path
from random import Random
from typing import NamedTuple
from uuid import UUID

import boto3

from benchmarks.reconcile import CLI_PYTHON, ROOT, peak_mib
from tests.support.emulator import KEYS, Emulator
from tests.support.lakes import compact, to_text

DAY = datetime(2026, 11, 1, tzinfo=UTC)
RUNS = 3
OBJECTS = 288  # one delivery every five minutes
EVENTS_OF_A_VISITOR = 20
LINES_OF_ONE_TWICE = 50


class Run(NamedTuple):
    events: int
    seconds: float
    cpu_seconds: float
    peak_mib: float
    kilobytes: float


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clicks", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=10, help="1 measures the one day alone")
    options = parser.parse_args()
    print(f"{'events':>12} {'seconds':>8} {'× time':>7} {'CPU s':>6} {'peak MiB':>9} {'file KB':>8}")
    first = None
    for events in dict.fromkeys((options.clicks, options.clicks * options.times)):
        with tempfile.TemporaryDirectory() as folder:
            run = measure(Path(folder), events, 1 if first else RUNS)
        first = first or run
        ratio = run.seconds / first.seconds
        print(
            f"{run.events:>12,} {run.seconds:>8.1f} {ratio:>7.1f} {run.cpu_seconds:>6.1f}"
            f" {run.peak_mib:>9.0f} {run.kilobytes:>8.0f}",
            flush=True,
        )


def measure(folder: Path, events: int, runs: int) -> Run:
    """The quickest, with the highest peak of all."""
    emulator = Emulator(folder / "emulator").start()
    try:
        with ProcessPoolExecutor(1) as other:  # a child's peak begins with its parent's: ours stays small
            other.submit(write_lake, emulator.gateway, events).result()
        measured = [report(emulator, events, folder / "report.html") for _ in range(runs)]
        return min(measured, key=attrgetter("seconds"))._replace(
            peak_mib=max(run.peak_mib for run in measured)
        )
    finally:
        emulator.stop()


def report(emulator: Emulator, events: int, out: Path) -> Run:
    command = [CLI_PYTHON, "-m", "clicklake", "report", "--bucket", "lake", "--out", out]
    command += ["--from", f"{DAY:%Y-%m-%d}", "--to", f"{DAY:%Y-%m-%d}"]
    keys = {name.upper(): value for name, value in KEYS.items() if name.startswith("aws_")}
    keys |= {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": emulator.gateway}
    started = time.perf_counter()
    child = subprocess.Popen(  # noqa: S603
        command, cwd=ROOT, env=keys | {"PATH": os.environ["PATH"]}, stdout=subprocess.DEVNULL
    )
    _, status, used = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - started
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0
    assert f"{events:,} events are of the type" in out.read_text()
    cpu_seconds = used.ru_utime + used.ru_stime
    return Run(events, seconds, cpu_seconds, peak_mib(used), out.stat().st_size / 1000)


def write_lake(gateway: str, events: int) -> None:
    s3 = boto3.client("s3", endpoint_url=gateway, **KEYS)
    s3.create_bucket(Bucket="lake")
    random = Random(7)  # noqa: S311
    kinds = [kind_of_line(random) for _ in range(500)]
    for number in range(OBJECTS):
        at = DAY + timedelta(days=1) * number / OBJECTS
        count = events * (number + 1) // OBJECTS - events * number // OBJECTS
        key = f"clicks/dt={at:%Y-%m-%d}/hr={at:%H}/clicklake-dev-1-{at:%Y-%m-%d-%H-%M-%S}-{number}.gz"
        body = gzip.compress(b"".join(lines(random, kinds, at, count, events)), 1)
        s3.put_object(Bucket="lake", Key=key, Body=body)


def kind_of_line(random: Random) -> bytes:
    """What a line says beside its ids and times; with a comma before it."""
    path = f"/page-{random.randrange(60)}.html"
    line = {
        "userId": "guest",
        "url": f"https://mysfits.example{path}?utm_source=news&utm_medium=mail&utm_campaign=autumn",
        "referrer": "https://www.google.com/",
        "title": "Mythical Mysfits, adopt one today",
        "element": {"tag": "button", "id": "adopt", "text": "Adopt this one"},
        "properties": {"position": "3", "featured": "true"},
        "host": "mysfits.example",
        "path": path,
        "utmSource": "news",
        "utmMedium": "mail",
        "utmCampaign": random.choice(["autumn", "winter", "dragons"]),
        "referrerHost": random.choice(["www.google.com", "www.reddit.com", "www.bing.com"]),
        "referrerKind": random.choice(["search", "social", "other", "direct"]),
        "browser": random.choice(["Chrome", "Firefox", "Safari"]),
        "browserVersion": "142.0",
        "os": random.choice(["Linux", "Windows", "Android", "iOS"]),
        "device": random.choice(["desktop", "mobile", "tablet"]),
        "country": random.choice(["DE", "FR", "US", "GB", "JP"]),
        "address": f"203.0.{random.randrange(256)}.0",
        "v": 1,
    }
    if random.random() < 0.5:
        return b"," + compact(line | {"type": "pageview", "itemLookup": "none"})[1:]
    item = {"mysfitId": str(UUID(int=random.randrange(40))), "itemLookup": "found", "species": "Chimera"}
    alignment = {
        "goodevil": random.choice(["Good", "Evil"]),
        "lawchaos": random.choice(["Lawful", "Chaotic"]),
    }
    return b"," + compact(line | {"type": "click"} | item | alignment)[1:]


def lines(random: Random, kinds: list[bytes], at: datetime, count: int, events: int) -> Iterator[bytes]:
    for number in range(count):
        received = at + timedelta(minutes=5) * number / count
        visitor = random.randrange(max(1, events // EVENTS_OF_A_VISITOR))
        lag = random.randrange(60_000)
        ids = (
            f'{{"eventId":"{UUID(int=random.getrandbits(128))}","requestId":"{UUID(int=random.getrandbits(128))}",'
            f'"sessionId":"{visitor:032x}","visitorId":"{visitor * 7919:064x}",'
            f'"occurredAt":"{to_text(received - timedelta(seconds=2))}","sentAt":"{to_text(received)}",'
            f'"receivedAt":"{to_text(received)}","skewMs":0,"lagMs":{lag},'
            f'"processedAt":"{to_text(received + timedelta(milliseconds=lag))}"'
        )
        line = ids.encode() + random.choice(kinds) + b"\n"
        yield line * 2 if number % LINES_OF_ONE_TWICE == 0 else line


if __name__ == "__main__":
    main()
