"""The bytes that Athena would read for each saved question: from columns/, and from the lines in clicks/.

    .run/envs/test/bin/python -m benchmarks.athena_bytes [--events 1000000]

Athena cannot be run here, and the emulator's reports the size of a result. So the bytes are added up. Of the
lines, they are the objects', which every question reads whole. Of columns/, they are those of the compressed
chunks of the columns that a question's SQL reads, as the Parquet files' own metadata lists them.
"""

import argparse
import os
import subprocess
import tempfile
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from pathlib import Path

import boto3
import duckdb
from sqlglot import exp, parse_one
from sqlglot.optimizer.pushdown_projections import pushdown_projections
from sqlglot.optimizer.qualify import qualify

from benchmarks.column_lake import FIRST_DAY, objects
from benchmarks.machine import ENVS, ROOT
from benchmarks.publish import Table, publish
from clicklake.lake.bucket import Lake
from clicklake.lake.columns import COUNTED_COLUMNS, SpanSources, list_columns
from clicklake.lake.partitions import Span
from clicklake.query.athena_engine import DOLLARS_PER_TB, MIN_BILLED_BYTES
from clicklake.query.athena_sql import to_athena
from clicklake.query.queries import DIALECT, NAMES, saved_query
from clicklake.tables.schema import PARTITIONS, line_table
from tests.support.emulator import KEYS, Emulator

SPAN = Span(FIRST_DAY, FIRST_DAY + timedelta(days=1))
QUESTIONS = [name for name in NAMES if name != "failures"]  # which DuckDB answers, of Firehose's documents
BUCKET = "lake"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=1_000_000)
    events = parser.parse_args().events
    with tempfile.TemporaryDirectory() as name:
        emulator = Emulator(Path(name) / "emulator").start()
        try:
            with ProcessPoolExecutor(1) as other:
                line_bytes = other.submit(write_lake, emulator.gateway, events).result()
            compact(emulator)
            chunks = chunk_bytes(emulator, Path(name))
        finally:
            emulator.stop()
    show(events, line_bytes, {name: read_bytes(name, chunks) for name in QUESTIONS}, chunks)


def write_lake(gateway: str, events: int) -> int:
    """Return the size of the objects in clicks/."""
    s3 = boto3.client("s3", endpoint_url=gateway, **KEYS)
    s3.create_bucket(Bucket=BUCKET)
    size = 0
    for key, body in objects(events, 1):
        s3.put_object(Bucket=BUCKET, Key=key, Body=body)
        size += len(body)
    return size


def compact(emulator: Emulator) -> None:
    command = [ENVS / "cli" / "bin" / "python", "-m", "clicklake", "compact", "--bucket", BUCKET]
    keys = {name.upper(): value for name, value in KEYS.items() if name.startswith("aws_")}
    keys |= {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": emulator.gateway}
    with tempfile.TemporaryDirectory() as cache:
        environment = keys | {"PATH": os.environ["PATH"], "XDG_CACHE_HOME": cache}
        subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)  # noqa: S603


def chunk_bytes(emulator: Emulator, folder: Path) -> dict[str, int]:
    """Return the compressed bytes of each column, in all objects of the day together."""
    lake = Lake(BUCKET, {}, emulator.client("s3"))
    for hour, found in list_columns(lake, SPAN).items():
        lake.s3.download_file(BUCKET, found.key, str(folder / f"{hour:%H}.parquet"))
    sizes = duckdb.sql(
        "select split_part(path_in_schema, ',', 1) as name, sum(total_compressed_size)::bigint"  # noqa: S608
        f" from parquet_metadata('{folder}/*.parquet') group by 1"
    )
    return dict(sizes.fetchall())


def read_bytes(name: str, chunks: dict[str, int]) -> int:
    return sum(chunks.get(column, 0) for columns in columns_read(name) for column in columns)


def columns_read(name: str) -> list[set[str]]:
    """Return the columns of columns/ that each scan reads, once the views' unused ones are removed."""
    table = line_table(Lake(BUCKET, {}, None))  # type: ignore[arg-type]
    table = table._replace(glue_name="lines", glue_columns=frozenset(table.columns))
    hours = {SPAN.since: None, SPAN.until - timedelta(hours=1): None}
    sources = SpanSources(hours, {}, {}, {})  # type: ignore[arg-type]
    query = parse_one(to_athena(saved_query(name), table, "stored", SPAN, sources), dialect=DIALECT)
    inline_ctes(query)
    known = [*table.columns, *PARTITIONS, *COUNTED_COLUMNS]
    schema = {"stored": dict.fromkeys(known, "varchar")}
    query = pushdown_projections(
        qualify(query, schema=schema, dialect=DIALECT, validate_qualify_columns=False)
    )
    scans = [select for select in query.find_all(exp.Select) if is_scan(select)]
    return [{column.name for column in scan.find_all(exp.Column)} - PARTITIONS.keys() for scan in scans]


def inline_ctes(query: exp.Query) -> None:
    """Put each CTE where it is named. Athena does so too, and reads its tables once for each place."""
    defined = {cte.alias: cte.this for cte in query.ctes}
    query.set("with_", None)
    while named := [table for table in query.find_all(exp.Table) if table.name in defined]:
        for table in named:
            table.replace(
                exp.Subquery(this=defined[table.name].copy(), alias=exp.to_identifier(table.alias_or_name))
            )


def is_scan(select: exp.Select) -> bool:
    source = select.args.get("from_")
    return source is not None and isinstance(source.this, exp.Table) and source.this.name == "stored"


def show(events: int, line_bytes: int, read: dict[str, int], chunks: dict[str, int]) -> None:
    rows = [
        [
            name,
            f"{size / 1e6:.2f}",
            f"{line_bytes / size:.0f}",
            "; ".join(", ".join(sorted(columns)) for columns in columns_read(name)),
        ]
        for name, size in sorted(read.items(), key=lambda pair: -pair[1])
    ]
    lines, columns = line_bytes * len(read), sum(read.values())
    rows.append(["all", f"{columns / 1e6:.1f}", f"{lines / columns:.1f}", ""])
    above = (
        f"{events:,} events, 2 % of them landed twice. The lines are {line_bytes / 1e6:.1f} MB of gzip, which"
        f" each of the {len(read)} questions reads whole. columns/ has {sum(chunks.values()) / 1e6:.1f} MB."
    )
    table = Table(["question", "MB read from columns/", "lines ÷ columns", "columns"], rows, above)
    dollars = {
        "lines": sum(max(line_bytes, MIN_BILLED_BYTES) for _ in read),
        "columns": sum(max(size, MIN_BILLED_BYTES) for size in read.values()),
    }
    costs = {name: size / 1e12 * DOLLARS_PER_TB for name, size in dollars.items()}
    below = (
        f"At {DOLLARS_PER_TB:.0f} USD per TB and at least {MIN_BILLED_BYTES // 10**6} MB per question, all"
        f" questions cost {costs['lines']:.4f} USD from lines and {costs['columns']:.4f} USD from columns/."
    )
    figures = {"ratio": lines / columns, "line_bytes": line_bytes, "read": read, "usd": costs}
    publish("athena_bytes", [table, below], figures, {"duckdb": duckdb.__version__})


if __name__ == "__main__":
    main()
