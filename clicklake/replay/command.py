"""`replay`: what failed goes back onto the stream, one object at a time.

An object's documents are put; then they are kept under replayed/ or parked/; then they leave failed/. So a
run that ends anywhere leaves each document somewhere, and the next puts at most one object's a second time.
"""

import re
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import click
from rich.table import Table

from clicklake.cli.console import OUT, print_json, progress
from clicklake.cli.options import json_option, lake_options
from clicklake.cli.sanitize import for_terminal
from clicklake.errors import CommandError
from clicklake.lake.appendable_object import Pile
from clicklake.lake.bucket import Lake
from clicklake.lake.error_documents import FAILED, PARKED, REPLAYED, Document, add_replay, read_document
from clicklake.lake.partitions import Moment
from clicklake.replay.batch_writer import Puts
from clicklake.replay.triage import Verdict, judge, judge_parked

_TYPE_AND_DAY = re.compile(r"failed/([^/]+)/dt=(\d{4}-\d{2}-\d{2})/")


@click.command()
@click.option(
    "--type", "error_type", help="An error type (processing-failed) or an error code. [default: all]"
)
@click.option("--from", "since", type=Moment(), help="What arrived from then on, UTC. [default: all]")
@click.option("--to", "until", type=Moment(is_end=True), help="What arrived until then. [default: all]")
@click.option("--parked", is_flag=True, help="Put back what was parked, once more, whatever it is.")
@click.option("--dry-run", is_flag=True, help="Count what would be put back or parked, and change nothing.")
@click.option("--stream", help="The delivery stream, where --bucket says which lake. [default: the stack's]")
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
    """Put failed records back onto the delivery stream, once their cause is mended.

    A record that begins with garbage and holds an envelope behind it is mended on the way. What was put back
    moves from failed/ to replayed/, so that a second run does nothing. What failed again after five replays,
    and what holds no envelope that could count them (a bare click, garbage), moves to parked/.
    """
    wanted = Wanted(error_type, since, until)
    puts = None if dry_run else Puts(_stream_of(lake, stream))
    replay = Replay(lake, PARKED if parked else FAILED, judge_parked if parked else judge, wanted, puts)
    keys = [each.key for each in lake.objects(replay.source) if wanted.may_be_in(each.key)]
    with progress() as bar:
        for key in bar.track(keys, description="objects"):
            replay.of_object(key)
    if as_json:
        print_json({"bucket": lake.bucket, "dryRun": dry_run, "objects": len(keys), **to_json(replay)})
    else:
        _show(replay, len(keys), dry_run)
    if replay.unreadable:
        raise SystemExit(1)


def _stream_of(lake: Lake, given: str | None) -> str:
    name = given or lake.outputs.get("StreamName")
    if name is None:
        raise CommandError(
            "name the --stream that this bucket's records go back to, or the --stage in place of both"
        )
    return name


@dataclass(frozen=True)
class Wanted:
    """Which documents a run is about; None means all."""

    error_type: str | None
    since: datetime | None
    until: datetime | None

    def may_be_in(self, key: str) -> bool:
        """An object's folder is the day of its oldest record: others may be of the next."""
        named = _TYPE_AND_DAY.search(key)
        if named is None:
            return True
        day = datetime.fromisoformat(named[2]).replace(tzinfo=UTC)
        too_old = self.since is not None and day + timedelta(days=2) <= self.since
        too_young = self.until is not None and day >= self.until
        return not (too_old or too_young)

    def includes(self, key: str, document: Document | None) -> bool:
        named = _TYPE_AND_DAY.search(key)
        types = {named and named[1], document and document.error_code}
        if self.error_type is not None and self.error_type not in types:
            return False
        if document is None or document.arrival_timestamp is None:
            return True
        arrived = datetime.fromtimestamp(document.arrival_timestamp / 1000, UTC)
        return (self.since is None or arrived >= self.since) and (self.until is None or arrived < self.until)


@dataclass
class Counts:
    """Documents that were put back or parked, and the records that went onto the stream."""

    replayed: int = 0
    records: int = 0
    parked: int = 0


class Replay:
    """Without `puts` it only counts."""

    def __init__(
        self,
        lake: Lake,
        source: str,
        judge: Callable[[bytes | None], Verdict],
        wanted: Wanted,
        puts: Puts | None,
    ) -> None:
        self.source = source
        self.counts: defaultdict[str, Counts] = defaultdict(Counts)
        self.unreadable: list[str] = []
        self._lake, self._judge, self._wanted, self._puts = lake, judge, wanted, puts

    def of_object(self, key: str) -> None:
        if not self._lake.is_whole(key):  # else a part of it would be put at each run
            self.unreadable.append(key)
            return
        name = key.removeprefix(self.source)
        with ExitStack() as stack:
            replayed = stack.enter_context(closing(Pile.of(self._lake, REPLAYED + name)))
            parked = stack.enter_context(closing(Pile.of(self._lake, PARKED + name)))
            rest = stack.enter_context(closing(Pile(self._lake, key)))
            settled = 0
            for line in self._lake.lines(key):
                document = read_document(line)
                if self._wanted.includes(key, document) and self._settle(line, document, replayed, parked):
                    settled += 1
                else:
                    rest.add(line)
            if settled and self._puts:
                self._puts.flush()
                self._move(replayed, parked, rest)

    def _move(self, replayed: Pile, parked: Pile, rest: Pile) -> None:
        if replayed.added:
            add_replay(replayed.metadata, datetime.now(UTC))
            replayed.write()
        if parked.added:
            parked.write()
        rest.write()

    def _settle(self, line: bytes, document: Document | None, replayed: Pile, parked: Pile) -> bool:
        """Put and keep what shall be; False for what stays where it is."""
        verdict = self._judge(document.record if document else None)
        counts = self.counts[document.error_code if document else "no error document"]
        if verdict.records and replayed.add(line):
            counts.replayed += 1
            counts.records += len(verdict.records)
            self._put(verdict.records)
        if verdict.parks and parked.add(line):
            counts.parked += 1
        return bool(verdict.records) or verdict.parks

    def _put(self, records: list[bytes]) -> None:
        if self._puts:
            for record in records:
                self._puts.add(record)


def to_json(replay: Replay) -> dict[str, Any]:
    return {
        "byErrorCode": {code: asdict(counts) for code, counts in replay.counts.items()},
        "unreadable": replay.unreadable,
    }


def _show(replay: Replay, objects: int, dry_run: bool) -> None:
    for key in replay.unreadable:
        OUT.print(f"unreadable, skipped: {for_terminal(key)}")
    if not replay.counts:
        OUT.print("nothing to replay")
        return
    table = Table("error code", "put back", "records", "parked", box=None)
    for code, counts in sorted(replay.counts.items()):
        numbers = (counts.replayed, counts.records, counts.parked)
        table.add_row(for_terminal(code), *(f"{number:,}" for number in numbers))
    OUT.print(table)
    OUT.print(f"in {objects:,} objects" + (": nothing was changed" if dry_run else ""))
