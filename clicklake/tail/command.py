"""`tail`: show clicks as they land."""

import json
import time
from datetime import UTC, datetime
from typing import Any

import click
import msgspec

from clicklake.cli.console import OUT
from clicklake.cli.options import FiniteRange, json_option, lake_options
from clicklake.cli.sanitize import for_terminal
from clicklake.cli.time_spans import UtcTimeParam
from clicklake.lake.bucket import Lake, S3Object
from clicklake.lake.error_documents import FAILED, parse_document
from clicklake.lake.json_lines import NotJsonError, decode_json
from clicklake.lake.object_stream import ObjectGoneError, UnreadableObjectError
from clicklake.lake.old_lines import with_item_lookup
from clicklake.lake.records import envelopes_in
from clicklake.tail.poller import NewObjectPoller
from processor.enriched_event import RESERVED_NAMES

_VALUES = msgspec.json.Decoder()


@click.command()
@click.option("--since", type=UtcTimeParam(), help="Begin with what landed since then, UTC.  [default: now]")
@click.option(
    "--interval",
    type=FiniteRange(0.1, 3600),
    default=5.0,
    show_default=True,
    help="Seconds between two polls of the lake.",
)
@lake_options
@json_option
def command(lake: Lake, since: datetime | None, interval: float, as_json: bool) -> None:
    """Show clicks and failures as they land.

    Runs until Ctrl-C. With --json it prints one line of JSON for each: a click's line, or a failed record's
    error document.
    """
    poller = NewObjectPoller(lake, since or datetime.now(UTC))
    try:
        while True:
            for found in poller.poll(datetime.now(UTC)):
                _show_object(lake, found, as_json)
            time.sleep(interval)
    except KeyboardInterrupt:
        pass


def _show_object(lake: Lake, found: S3Object, as_json: bool) -> None:
    try:
        for line in lake.lines(found.key):
            if as_json:
                OUT.out(json.dumps(_decoded(line)))
            else:
                OUT.out(failed_line(line) if found.key.startswith(FAILED) else click_line(_decoded(line)))
    except ObjectGoneError:  # replayed or erased since it was listed
        return
    except UnreadableObjectError as error:
        OUT.out(for_terminal(f"unreadable: {found.key}: {error}"))


def _decoded(line: bytes) -> Any:
    """Return the line's value; text for a line that is not JSON."""
    try:
        return decode_json(_VALUES, line)
    except NotJsonError:
        return line.decode(errors="replace")


def click_line(line: Any) -> str:
    """Show when, what and who, then the item and its attributes under any names, then the rest."""
    if not isinstance(line, dict):
        return for_terminal(f"not a click: {line}")
    line = with_item_lookup(line)
    own = [value for name, value in line.items() if name.lower() not in RESERVED_NAMES]
    named = ("itemLookup", "path", "country", "device", "browser")
    known = [line.get(name) for name in ("receivedAt", "type", "userId")]
    rest = [line.get(name) for name in named] + [line.get("bot") and f"bot: {line['bot']}"]
    return "  ".join(for_terminal(str(value)) for value in (*known, *own, *rest) if value)


def failed_line(line: bytes) -> str:
    document = parse_document(line)
    if document is None:
        return for_terminal(f"failed: {_decoded(line)}")
    clicks = sum(len(envelope.clicks) for envelope in envelopes_in(document.record or b""))
    content = f"{clicks} clicks" if clicks else "no envelope"
    return for_terminal(f"failed  {document.error_code}  {content}")
