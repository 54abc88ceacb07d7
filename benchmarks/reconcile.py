"""How long `reconcile` takes and how much memory: the command on a lake of a given size in the emulator's S3.

    .run/envs/test/bin/python -m benchmarks.reconcile [--clicks 1000000] [--hours 24] [--times 10]

Prints a row for the lake and two for lakes `--times` as large: more clicks in the same hours, and as many an
hour for more hours. In each, one line is left out: it must be named.
"""

import argparse
import gzip
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import boto3

from tests.support.emulator import KEYS, Emulator
from tests.support.lakes import click, compact, envelope, line

ROOT = Path(__file__).resolve().parent.parent
CLI_PYTHON = ROOT / ".run" / "envs" / "cli" / "bin" / "python"
CLICKS_IN_A_RECORD = 10
OBJECTS_AN_HOUR = 12
PLACEHOLDER = "00000000-0000-0000-0000-000000000000"
BEGIN = datetime(2026, 11, 1, tzinfo=UTC)


class Run(NamedTuple):
    clicks: int
    hours: int
    seconds: float
    peak_mib: float


def main() -> None:
    options = parse_options()
    sizes = [(options.clicks, options.hours)]
    if options.times > 1:
        sizes += [
            (options.clicks * options.times, options.hours),
            (options.clicks * options.times, options.hours * options.times),
        ]
    print(f"{'clicks':>12} {'hours':>6} {'seconds':>8} {'peak MiB':>9} {'× memory':>9}")
    first = None
    for clicks, hours in sizes:
        with tempfile.TemporaryDirectory() as folder:
            run = measure(Path(folder), clicks, hours)
        first = first or run
        ratio = run.peak_mib / first.peak_mib
        row = f"{run.clicks:>12,} {run.hours:>6} {run.seconds:>8.1f} {run.peak_mib:>9.0f} {ratio:>9.2f}"
        print(row, flush=True)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clicks", type=int, default=1_000_000)
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--times", type=int, default=10, help="1 measures the one lake alone")
    return parser.parse_args()


def measure(folder: Path, clicks: int, hours: int) -> Run:
    emulator = Emulator(folder).start()
    try:
        with ProcessPoolExecutor(1) as other:  # a child's peak begins with its parent's: ours stays small
            removed = other.submit(write_lake, emulator.gateway, clicks, hours).result()
        found, seconds, peak_mib = reconcile(emulator, hours)
    finally:
        emulator.stop()
    assert found["accepted"] == clicks, found
    assert [each["eventId"] for each in found["missingClicks"]] == [removed]
    return Run(clicks, hours, seconds, peak_mib)


def write_lake(gateway: str, clicks: int, hours: int) -> str:
    """Answers the id of the one click that is in raw/ and not in clicks/."""
    s3 = boto3.client("s3", endpoint_url=gateway, **KEYS)
    s3.create_bucket(Bucket="lake")
    removed = str(uuid.uuid4())
    for number in range(hours * OBJECTS_AN_HOUR):
        at = BEGIN + timedelta(hours=1) * number / OBJECTS_AN_HOUR
        ids = [str(uuid.uuid4()) for _ in range(clicks // hours // OBJECTS_AN_HOUR)]
        if number == 0:
            ids += [str(uuid.uuid4()) for _ in range(clicks - len(ids) * hours * OBJECTS_AN_HOUR)]
            ids[0] = removed
        for prefix, records in (("raw", raw_records(ids, at)), ("clicks", lines(ids, at, removed))):
            name = f"clicklake-dev-1-{at:%Y-%m-%d-%H-%M-%S}-{uuid.uuid4()}.gz"
            key = f"{prefix}/dt={at:%Y-%m-%d}/hr={at:%H}/{name}"
            s3.put_object(Bucket="lake", Key=key, Body=gzip.compress(b"".join(records), 1))
    return removed


FIELDS: dict[str, Any] = {
    "sessionId": "s-1",
    "url": "https://mysfits.example/index.html?utm_source=news&utm_medium=mail",
    "referrer": "https://www.google.com/",
    "title": "Mythical Mysfits",
    "element": {"tag": "button", "id": "evangeline", "text": "Evangeline"},
    "properties": {"position": "3", "featured": "true"},
}
ENRICHMENT: dict[str, Any] = json.loads(
    '{"goodevil":"Evil","lawchaos":"Lawful","species":"Chimera","host":"mysfits.example","path":"/index.html",'
    '"utmSource":"news","utmMedium":"mail","referrerHost":"www.google.com","referrerKind":"search","lagMs":61000,'
    '"browser":"Chrome","browserVersion":"142.0","os":"Linux","device":"desktop","country":"DE","skewMs":223,'
    '"address":"203.0.113.0","visitorId":"9e1c6f5e6b0f4f0a8f4b2f7d0f2c9b61a0b3c4d5e6f708192a3b4c5d6e7f8091",'
    '"requestId":"5f0c1d7e-6f3a-4c0f-9d6e-2f1f5b6f2a11"}'
)


def raw_records(ids: list[str], at: datetime) -> Iterator[bytes]:
    one = compact(click(PLACEHOLDER, **FIELDS))
    head = envelope([], at, userAgent="Mozilla/5.0 (X11; Linux x86_64) Chrome/142.0.0.0").removesuffix(
        b"[]}\n"
    )
    for start in range(0, len(ids), CLICKS_IN_A_RECORD):
        some = ids[start : start + CLICKS_IN_A_RECORD]
        yield (
            head
            + b"["
            + b",".join(one.replace(PLACEHOLDER.encode(), each.encode()) for each in some)
            + b"]}\n"
        )


def lines(ids: list[str], at: datetime, removed: str) -> Iterator[bytes]:
    before, after = line(PLACEHOLDER, at, **FIELDS, **ENRICHMENT).split(PLACEHOLDER.encode())
    return (before + each.encode() + after for each in ids if each != removed)


def reconcile(emulator: Emulator, hours: int) -> tuple[Any, float, float]:
    """What the command says, its seconds, and its greatest resident memory in MiB."""
    until = BEGIN + timedelta(hours=hours)
    command = [CLI_PYTHON, "-m", "clicklake", "reconcile", "--bucket", "lake", "--json"]
    command += ["--from", BEGIN.isoformat(), "--to", until.isoformat()]
    keys = {name.upper(): value for name, value in KEYS.items() if name.startswith("aws_")}
    env = {"PATH": os.environ["PATH"], **keys, "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"}
    started = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen(  # noqa: S603
            command, cwd=ROOT, env=env | {"AWS_ENDPOINT_URL": emulator.gateway}, stdout=output
        )
        _, status, used = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - started
        output.seek(0)
        found = json.load(output)
    child.returncode = os.waitstatus_to_exitcode(status)
    return found, seconds, peak_mib(used)


def peak_mib(used: resource.struct_rusage) -> float:
    return used.ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main()
