"""`tail`: clicks as they land."""

import json
import time
from datetime import UTC, datetime
from typing import Any

import click
import msgspec
from botocore.exceptions import ClientError

from ops.contents import envelopes_of
from ops.escape import for_terminal
from ops.failed import FAILED, read_document
from ops.hours import Moment
from ops.lake import BROKEN, Lake, Stored
from ops.landing import Landing
from ops.options import json_option, lake_options
from ops.screen import OUT
from ops.table import with_item_lookup
from processor.enriched_event import RESERVED_NAMES


@click.command()
@click.option("--since", type=Moment(), help="Begin with what landed since then, UTC.  [default: now]")
@click.option("--interval", default=5.0, show_default=True, help="Seconds between two looks at the lake.")
@lake_options
@json_option
def command(lake: Lake, since: datetime | None, interval: float, as_json: bool) -> None:
    """Show clicks as they land, and records as they fail, until Ctrl-C.

    With --json one line of JSON each: a click's line, or a failed record's error document.
    """
    landing = Landing(lake, since or datetime.now(UTC))
    try:
        while True:
            for stored in landing.new_objects(datetime.now(UTC)):
                _show_object(lake, stored, as_json)
            time.sleep(interval)
    except KeyboardInterrupt:
        pass


def _show_object(lake: Lake, stored: Stored, as_json: bool) -> None:
    try:
        for line in lake.lines(stored.key):
            if as_json:
                OUT.out(json.dumps(_decoded(line)))
            else:
                OUT.out(failed_line(line) if stored.key.startswith(FAILED) else click_line(_decoded(line)))
    except BROKEN:
        OUT.out(for_terminal(f"unreadable: {stored.key}"))
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchKey":  # replayed or erased since it was listed
            raise


def _decoded(line: bytes) -> Any:
    """What is no JSON, as a string."""
    try:
        return msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return line.decode(errors="replace")


def click_line(line: Any) -> str:
    """When, what, whose; the item and its attributes, whatever this deployment calls them; then the rest."""
    if not isinstance(line, dict):
        return for_terminal(f"no line of a click: {line}")
    line = with_item_lookup(line)
    own = [value for name, value in line.items() if name.lower() not in RESERVED_NAMES]
    named = ("itemLookup", "path", "country", "device", "browser")
    known = [line.get(name) for name in ("receivedAt", "type", "userId")]
    rest = [line.get(name) for name in named] + [line.get("bot") and f"bot: {line['bot']}"]
    return "  ".join(for_terminal(str(value)) for value in (*known, *own, *rest) if value)


def failed_line(line: bytes) -> str:
    document = read_document(line)
    if document is None:
        return for_terminal(f"failed: {_decoded(line)}")
    clicks = sum(len(envelope.clicks) for envelope in envelopes_of(document.record or b""))
    holds = f"{clicks} clicks" if clicks else "no envelope"
    return for_terminal(f"failed  {document.error_code}  {holds}")
