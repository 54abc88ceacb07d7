"""`replay`: put failed records back onto the delivery stream."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

import click
from rich.table import Table

from clicklake.cli.console import OUT, print_json, progress
from clicklake.cli.options import json_option, lake_options
from clicklake.cli.sanitize import for_terminal
from clicklake.cli.time_spans import UtcTimeParam
from clicklake.errors import CommandError
from clicklake.lake.bucket import Lake
from clicklake.lake.error_documents import FAILED, PARKED
from clicklake.replay.batch_writer import FirehoseBatchWriter
from clicklake.replay.replayer import Replayer, ReplayFilter
from clicklake.replay.triage import triage, triage_parked


@click.command()
@click.option(
    "--type", "error_type", help="An error type (processing-failed) or an error code. [default: all]"
)
@click.option(
    "--from", "since", type=UtcTimeParam(), help="Records that arrived from then on, UTC. [default: all]"
)
@click.option(
    "--to", "until", type=UtcTimeParam(is_end=True), help="Records that arrived until then. [default: all]"
)
@click.option("--parked", is_flag=True, help="Put parked records back once, whatever they are.")
@click.option("--dry-run", is_flag=True, help="Count what would be put back or parked; change nothing.")
@click.option("--stream", help="The delivery stream, if --bucket selects the lake. [default: the stack's]")
@lake_options
@json_option
def command(
    lake: Lake,
    error_type: str | None,
    since: datetime | None,
    until: datetime | None,
    parked: bool,
    dry_run: bool,
    stream: str | None,
    as_json: bool,
) -> None:
    """Put failed records back onto the delivery stream.

    Run it once the cause is fixed. Garbage before an envelope is cut off. Records that were put back move
    from failed/ to replayed/, so a second run does nothing. Records that failed again after five replays, and
    records without an envelope to count replays in (legacy clicks, garbage), move to parked/.
    """
    writer = None if dry_run else FirehoseBatchWriter(lake.client("firehose"), _stream_of(lake, stream))
    wanted = ReplayFilter(error_type, since, until)
    source, decide = (PARKED, triage_parked) if parked else (FAILED, triage)
    replayer = Replayer(lake, source, decide, wanted, writer)
    keys = [found.key for found in lake.objects(source) if wanted.may_match_key(found.key)]
    with progress() as bar:
        for key in bar.track(keys, description="objects"):
            replayer.replay_object(key)
    if as_json:
        print_json({"bucket": lake.bucket, "dryRun": dry_run, "objects": len(keys), **to_json(replayer)})
    else:
        _show(replayer, len(keys), dry_run)
    if replayer.unreadable:
        raise SystemExit(1)


def _stream_of(lake: Lake, given: str | None) -> str:
    name = given or lake.outputs.get("StreamName")
    if name is None:
        raise CommandError("pass --stream with --bucket, or --stage in place of both")
    return name


def to_json(replayer: Replayer) -> dict[str, Any]:
    return {
        "byErrorCode": {code: asdict(counts) for code, counts in replayer.counts.items()},
        "unreadable": replayer.unreadable,
    }


def _show(replayer: Replayer, objects: int, dry_run: bool) -> None:
    for key in replayer.unreadable:
        OUT.print(f"unreadable, skipped: {for_terminal(key)}")
    if not replayer.counts:
        OUT.print("nothing to replay")
        return
    table = Table("error code", "put back", "records", "parked", box=None)
    for code, counts in sorted(replayer.counts.items()):
        numbers = (counts.replayed, counts.records, counts.parked)
        table.add_row(for_terminal(code), *(f"{number:,}" for number in numbers))
    OUT.print(table)
    OUT.print(f"in {objects:,} objects" + (": nothing was changed" if dry_run else ""))
