"""`run`: start the local cloud, print its addresses and what to try next, and show each click as it lands."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import click

from clicklake.cli.checkout import ROOT
from clicklake.errors import CommandError
from clicklake.lake.loopback import open_url
from clicklake.local.launcher import LocalCloud, running_cloud
from clicklake.local.ports import Ports

EVANGELINE = "4e53920c-505a-4a90-a694-b9300791f0ae"  # an item of the sample site's catalogue


@click.command()
@click.option("--api-port", default=5050, show_default=True, help="The ingest app's port; 0: any free one.")
@click.option("--s3-port", default=4566, show_default=True, help="The emulator's port; 0: any free one.")
@click.option("--live-port", default=4567, show_default=True, help="The live page's port; 0: any free one.")
@click.option(
    "--dir",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=ROOT / ".run",
    help="Where state, logs and addresses.json go.  [default: .run in the checkout]",
)
def command(api_port: int, s3_port: int, live_port: int, folder: Path) -> None:
    """Run the whole cloud on this machine.

    Starts the emulator with the delivery stream in it, deploys the lake, publishes the site and starts the
    ingest app. Needs neither Docker nor an AWS account. Ctrl-C stops everything; landed clicks stay.
    """
    # A closed terminal stops us as Ctrl-C does. SIGINT is ignored in a job that a script started with &.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    click.echo("starting …")
    try:
        with running_cloud(folder, Ports(api_port, s3_port, live_port)) as cloud:
            click.echo(welcome(cloud.addresses))
            _show_clicks(cloud)
    except KeyboardInterrupt:
        click.echo("\nstopped")
        return
    raise CommandError(f"a process ended by itself; see the logs in {folder / 'log'}")


def welcome(addresses: dict[str, str]) -> str:
    """Return the addresses, and commands to send a click and see it, with the ports in use."""
    return f"""
   site   {addresses["site"]}       open it and click a mysfit
   api    {addresses["api"]}
   live   {addresses["live"]}       each click as it lands
   lake   s3://{addresses["bucket"]}/clicks/       for its keys: eval "$(.run/bin/clicklake env)"

Send a click from another terminal. Two seconds later, see what landed:

   curl -X PUT {addresses["api"]}/clicks -H 'Content-Type: application/json' \\
     -d '{{"userId":"guest","mysfitId":"{EVANGELINE}"}}'
   curl {addresses["live"]}delivered

Ctrl-C stops everything."""


def _show_clicks(cloud: LocalCloud) -> None:
    """Print each click that lands, until a process of the cloud ends."""
    with open_url(cloud.addresses["live"] + "events", timeout=30) as events:
        for event, data in _server_sent_events(events):
            if any(process.has_ended() for process in cloud.processes):
                return
            if event in ("delivered", "failed"):
                click.echo(_one_line(event, json.loads(data)))


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


def _one_line(event: str, document: dict[str, object]) -> str:
    shown = {name: value for name, value in document.items() if name != "rawData"}
    return f"{event}  {json.dumps(shown)}"  # ASCII only, so that no control character reaches the terminal
