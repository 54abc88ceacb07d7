"""`run`: start the local cloud, print its addresses and what to try next, and show each click as it lands."""

import json
import signal
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import click

from clicklake.cli.checkout import ROOT
from clicklake.cli.sanitize import for_terminal
from clicklake.errors import CommandError
from clicklake.lake.loopback import open_url
from clicklake.local.launcher import LocalCloud, running_cloud
from clicklake.local.ports import Ports
from clicklake.local.shop import Shop

MAX_LINE_CHARACTERS = 160
KEYS = (
    "accessKeyId",
    "secretAccessKey",
    "dashboard",
)  # only addresses.json has them, which others cannot read
UNUSUAL_LOOKUPS = ("not_found", "unavailable", "not_asked")


@click.command()
@click.option("--api-port", default=5050, show_default=True, help="The ingest app's port; 0: any free one.")
@click.option("--s3-port", default=4566, show_default=True, help="The emulator's port; 0: any free one.")
@click.option("--live-port", default=4567, show_default=True, help="The live page's port; 0: any free one.")
@click.option(
    "--dashboard-port", default=4568, show_default=True, help="The dashboard's port; 0: any free one."
)
@click.option(
    "--dir",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=ROOT / ".run",
    help="Where state, logs and addresses.json go.  [default: .run in the checkout]",
)
@click.option(
    "--item-id-field",
    envvar="ITEM_ID_FIELD",
    help="Your clicks' field with the item's id, instead of mysfitId.  [env: ITEM_ID_FIELD]",
)
@click.option(
    "--catalogue-url",
    envvar="CATALOGUE_URL",
    help="Your catalogue, with {id} in place of the item's id, or none.  [env: CATALOGUE_URL]",
)
@click.option(
    "--catalogue-attributes",
    envvar="CATALOGUE_ATTRIBUTES",
    help="Your catalogue's attributes, separated by commas.  [env: CATALOGUE_ATTRIBUTES]",
)
@click.option("--verbose", is_flag=True, help="Print each click as a line of JSON.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print lines of JSON, for scripts: addresses, then each click."
)
def command(
    api_port: int,
    s3_port: int,
    live_port: int,
    dashboard_port: int,
    folder: Path,
    item_id_field: str | None,
    catalogue_url: str | None,
    catalogue_attributes: str | None,
    verbose: bool,
    as_json: bool,
) -> None:
    """Run the whole cloud on this machine.

    Starts the emulator with the delivery stream in it, deploys the lake, publishes the site and starts the
    ingest app. Needs neither Docker nor an AWS account. Ctrl-C stops everything; landed clicks stay.
    """
    # A closed terminal stops us as Ctrl-C does. SIGINT is ignored in a job that a script started with &.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    ports = Ports(api_port, s3_port, live_port, dashboard_port)
    shop = Shop(item_id_field, catalogue_url, catalogue_attributes)
    click.echo("starting …", err=as_json)
    show = _json_line if as_json else _verbose_line if verbose else partial(summary_of, shop.item_field)
    try:
        with running_cloud(folder, ports, shop) as cloud:
            click.echo(
                json.dumps(_without_keys(cloud.addresses)) if as_json else welcome(cloud.addresses, shop)
            )
            _show_clicks(cloud, show)
    except KeyboardInterrupt:
        click.echo("\nstopped", err=as_json)
        return
    raise CommandError(f"a process ended by itself; see the logs in {folder / 'log'}")


def welcome(addresses: dict[str, str], shop: Shop) -> str:
    """Return the addresses, and commands to send a click and see it, with the ports in use."""
    return f"""
   dashboard   {addresses["dashboard"]}
   site        {addresses["site"]}       open it and click a mysfit
   live        {addresses["live"]}       each click as it lands
   api         {addresses["api"]}
   lake        s3://{addresses["bucket"]}/clicks/       for its keys: eval "$(.run/bin/clicklake env)"
   keeper      .run/log/keeper.log       what it found, every two minutes

Send a click from another terminal. Two seconds later, see what landed:

   curl -X PUT {addresses["api"]}/clicks -H 'Content-Type: application/json' \\
     -d '{shop.example_click()}'
   curl {addresses["live"]}delivered

Ctrl-C stops everything."""


def _without_keys(addresses: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in addresses.items() if name not in KEYS}


def _show_clicks(cloud: LocalCloud, show: Callable[[str, Any], str]) -> None:
    """Print each click that lands, until a process of the cloud ends."""
    with open_url(cloud.addresses["live"] + "events", timeout=30) as events:
        for event, data in _server_sent_events(events):
            if any(process.has_ended() for process in cloud.processes):
                return
            if event in ("delivered", "failed"):
                click.echo(show(event, json.loads(data)))


def _server_sent_events(stream: Iterator[bytes]) -> Iterator[tuple[str, str]]:
    """Yield (event, data) from a text/event-stream. A keep-alive comment yields ("", "")."""
    event = ""
    for raw in stream:
        name, _, value = raw.decode().rstrip("\n").partition(": ")
        if name == "event":
            event = value
        elif name == "data":
            yield event, value
        elif not name:
            yield "", ""


def summary_of(item_field: str, event: str, document: Any) -> str:
    """Return one line for people: when, what, which item, by whom, where, and what is unusual about it."""
    if not isinstance(document, dict):
        return f"{event}  {for_terminal(str(document))}"[:MAX_LINE_CHARACTERS]
    if event == "failed":
        words = ["failed", document.get("errorCode"), document.get("errorMessage")]
    else:
        place = f"{document.get('host', '')}{document.get('path', '')}"
        lookup, bot = document.get("itemLookup"), document.get("bot")
        words = [
            _clock(document.get("receivedAt")),
            document.get("type"),
            document.get("name") or document.get(item_field),
            document.get("userId"),
            place,
            document.get("browser"),
            f"item {lookup}" if lookup in UNUSUAL_LOOKUPS else "",
            f"bot: {bot}" if bot else "",
        ]
    line = "  ".join(for_terminal(str(word)) for word in words if word)
    return line if len(line) <= MAX_LINE_CHARACTERS else line[: MAX_LINE_CHARACTERS - 1] + "…"


def _clock(received_at: Any) -> str:
    """Return the time of the day on this machine's clock."""
    try:
        return datetime.fromisoformat(received_at).astimezone().strftime("%H:%M:%S")
    except (TypeError, ValueError, OverflowError):
        return ""


def _verbose_line(event: str, document: Any) -> str:
    # ASCII only, so that no control character of a click reaches the terminal.
    return f"{event}  {json.dumps(_without_payload(document))}"


def _json_line(event: str, document: Any) -> str:
    return json.dumps({"event": event, "document": _without_payload(document)})


def _without_payload(document: Any) -> Any:
    if not isinstance(document, dict):
        return document
    return {name: value for name, value in document.items() if name != "rawData"}
