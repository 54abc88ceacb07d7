"""The keeper's bundle under awslambdaric: its size, its start, an hour and a day of a million events.

By prices.json it says what they cost.

    python -m benchmarks.keeper [--events 1000000]

It runs on one core, which is what Lambda gives a function of 1,769 MB. S3 is the emulator's.
"""

import argparse
import gzip
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import boto3

from benchmarks.column_lake import FIRST_DAY, objects
from benchmarks.function import environment
from benchmarks.machine import ROOT, versions
from benchmarks.publish import Table, publish
from benchmarks.runtime_api import Life, live
from clicklake.compact.compactor import Compactor
from clicklake.compact.plan import read_state
from clicklake.lake.bucket import Lake
from clicklake.lake.columns import ColumnsMetadata, head_columns
from clicklake.lake.partitions import HOUR, Span, hour_of_key, hours_between
from tests.support.emulator import KEYS, Emulator
from tests.support.lakes import compact as compact_json

BUNDLE = ROOT / ".run" / "stage" / "build" / "keeper"
HANDLER = "clicklake.keeper.handler.lambda_handler"
MEMORY_MIB, STORAGE_GB = 1769, 10.0  # as in lake.yaml
FREE_STORAGE_GB = 0.5
HOURS_A_MONTH = 730
PARTITION = "dt=2026-11-01/hr=05"
CLICKS_A_RECORD = 10
SENT = (
    "eventId",
    "type",
    "userId",
    "sessionId",
    "mysfitId",
    "occurredAt",
    "url",
    "referrer",
    "title",
    "element",
)
SMALL = 24  # a day of --events has so many hours
LIMIT_SECONDS = 900
PRICES: Any = json.loads((ROOT / "clicklake" / "cost" / "prices.json").read_text())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=1_000_000)
    events = parser.parse_args().events
    day, account = run_day(events)
    large, lines = run_hour(events)
    small, _ = run_hour(events // SMALL)
    show(events, lines, large, small, day, account)


def run_hour(events: int) -> tuple[Life, int]:
    """Compact one hour of so many events, then look for what is due. Return the hour's lines too."""
    with tempfile.TemporaryDirectory() as name:
        emulator = Emulator(Path(name) / "emulator").start()
        try:
            with ProcessPoolExecutor(1) as other:
                other.submit(write_hour, emulator.gateway, events).result()
            variables = variables_of(emulator, name)
            compact = {"job": "compact", "hour": "2026-11-01T05:00:00Z"}
            steps = [compact, compact, {"job": "compact"}]
            life = live(BUNDLE, HANDLER, steps, variables, LIMIT_SECONDS)
            return life, metadata_of(emulator).lines
        finally:
            emulator.stop()


def run_day(events: int) -> tuple[Life, Any]:
    """Reconcile a compacted day with that many events. Return the measurement and the day's result."""
    with tempfile.TemporaryDirectory() as name:
        emulator = Emulator(Path(name) / "emulator").start()
        try:
            with ProcessPoolExecutor(1) as other:
                other.submit(write_day, emulator.gateway, events, name).result()
            reconcile = {"job": "reconcile", "day": str(FIRST_DAY.date())}
            life = live(BUNDLE, HANDLER, [reconcile], variables_of(emulator, name), LIMIT_SECONDS)
            s3 = emulator.client("s3")
            found = s3.get_object(Bucket="lake", Key=f"keeper/dt={FIRST_DAY:%Y-%m-%d}/reconcile.json")
            return life, json.loads(found["Body"].read())
        finally:
            emulator.stop()


def variables_of(emulator: Emulator, folder: str) -> dict[str, str]:
    variables = environment(emulator.gateway) | {"BUCKET_NAME": "lake", "XDG_CACHE_HOME": folder}
    variables |= {"CLICKLAKE_DUCKDB_MEMORY": "1000MB", "TMPDIR": folder}
    variables |= {"AWS_ACCESS_KEY_ID": KEYS["aws_access_key_id"]}
    return variables | {"AWS_SECRET_ACCESS_KEY": KEYS["aws_secret_access_key"]}


def write_day(gateway: str, events: int, folder: str) -> None:
    """Write the day's lines, the records that they came from, and its columns."""
    s3 = boto3.client("s3", endpoint_url=gateway, **KEYS)
    s3.create_bucket(Bucket="lake")
    known: set[str] = set()
    for key, body in objects(events, 1):
        s3.put_object(Bucket="lake", Key=key, Body=body)
        s3.put_object(Bucket="lake", Key=key.replace("clicks/", "raw/", 1), Body=records_of(body, known))
    lake = Lake("lake", {}, s3)
    span = Span(FIRST_DAY, FIRST_DAY + 24 * HOUR)
    compactor = Compactor(lake, read_state(lake, span, None))
    os.environ["XDG_CACHE_HOME"] = f"{folder}/of the writer"
    for hour in hours_between(span.since, span.until):
        compactor.compact(hour)


def records_of(lines: bytes, known: set[str]) -> bytes:
    """Return the envelopes of an object's lines, gzipped: ten clicks each, and each click once."""
    clicks = [json.loads(line) for line in gzip.decompress(lines).splitlines()]
    new = {click["eventId"]: click for click in clicks if click["eventId"] not in known}
    known.update(new)
    envelopes = []
    for some in batched([*new.values()], CLICKS_A_RECORD):
        sender = {name: some[0].get(name) for name in ("requestId", "receivedAt", "sentAt", "visitorId")}
        sent = [{name: click[name] for name in SENT if name in click} for click in some]
        envelopes.append(compact_json({"v": 1, **sender, "replays": 0, "clicks": sent}) + b"\n")
    return gzip.compress(b"".join(envelopes), 6)


def batched(clicks: list[Any], size: int) -> Iterator[list[Any]]:
    return (clicks[start : start + size] for start in range(0, len(clicks), size))


def write_hour(gateway: str, events: int) -> None:
    s3 = boto3.client("s3", endpoint_url=gateway, **KEYS)
    s3.create_bucket(Bucket="lake")
    for key, body in objects(events, 1):
        s3.put_object(Bucket="lake", Key=f"clicks/{PARTITION}/{key.rpartition('/')[2]}", Body=body)


def metadata_of(emulator: Emulator) -> ColumnsMetadata:
    lake = Lake("lake", {}, emulator.client("s3"))
    found = head_columns(lake, hour_of_key(f"/{PARTITION}/"))
    assert found, "the hour was not written"
    return found[1]


def show(events: int, lines: int, large: Life, small: Life, day: Life, account: Any) -> None:
    zipped = zipped_mb()
    seconds, small_seconds = large.requests[0] / 1000, small.requests[0] / 1000
    idle, reconciled = large.requests[2] / 1000, day.requests[0] / 1000
    assert (account["accepted"], account["missing"], account["columns"]["compared"]) == (events, 0, 24)
    rows = [
        ["bundle, zipped, MB", f"{zipped:.1f}"],
        ["init, ms", f"{large.init:.0f}"],
        [f"an hour of {lines:,} lines, s", f"{seconds:.1f}"],
        [f"an hour of {events // SMALL:,} events, s", f"{small_seconds:.2f}"],
        ["an hour that is up to date, ms", f"{large.requests[1]:.0f}"],
        ["an event that finds nothing due, ms", f"{large.requests[2]:.0f}"],
        ["peak memory, MiB", f"{large.peak_mib:.0f}"],
        [f"reconcile: a day of {account['accepted']:,} events in 24 hours, s", f"{reconciled:.1f}"],
        ["reconcile: peak memory, MiB", f"{day.peak_mib:.0f}"],
    ]
    usd = {
        "no events": month(idle, large.init / 1000),
        f"{events:,} events a day": month(small_seconds + idle, large.init / 1000),
        f"{events:,} events a day, with reconcile": month(
            small_seconds + idle + 2 * reconciled / 24, large.init / 1000
        ),
        f"{events:,} events an hour": month(seconds + idle, large.init / 1000),
    }
    costs = [[name, f"{cost:.2f}"] for name, cost in usd.items()]
    figures = {"zipped_mb": zipped, "init_ms": large.init, "seconds": seconds, "lines": lines}
    figures |= {"small_seconds": small_seconds, "peak_mib": max(large.peak_mib, small.peak_mib), "usd": usd}
    figures |= {"reconcile_seconds": reconciled, "reconcile_peak_mib": day.peak_mib}
    tables = [
        Table(["the keeper under awslambdaric", "one run"], rows),
        Table(["the keeper's cost", "USD per month"], costs, f"By prices.json, arm64, {MEMORY_MIB:,} MB:"),
    ]
    publish("keeper", tables, figures, versions("clicklake/requirements.txt", "duckdb", "isal", "boto3"))


def month(seconds: float, init_seconds: float) -> float:
    """Return what one cold start and so many seconds an hour cost in a month."""
    billed = HOURS_A_MONTH * (seconds + init_seconds)
    storage = (STORAGE_GB - FREE_STORAGE_GB) * PRICES["lambda_storage_per_gb_second"]
    memory: float = MEMORY_MIB / 1024 * PRICES["lambda_per_gb_second"]["arm64"]
    requests: float = HOURS_A_MONTH / 1e6 * (PRICES["lambda_per_million"] + PRICES["scheduler_per_million"])
    return billed * (memory + storage) + requests


def zipped_mb() -> float:
    with tempfile.TemporaryFile() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
            for path in sorted(filter(Path.is_file, BUNDLE.rglob("*"))):
                package.write(path, path.relative_to(BUNDLE))
        return file.seek(0, 2) / 1e6


if __name__ == "__main__":
    main()
