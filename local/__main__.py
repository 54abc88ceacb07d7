"""`make run`: start the whole cloud on this machine, say where everything is, show each click as it lands."""

import argparse
import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

from deploy.aws import DeployError
from local.cloud import ROOT, Cloud, Ports, PortTakenError, running_cloud
from local.processes import StartError


def main() -> int:
    options = _parse_options()
    # A closed terminal stops us as Ctrl-C does; and SIGINT is ignored in a job that a script began with &.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    print("starting …", flush=True)
    try:
        with running_cloud(options.dir, Ports(options.api_port, options.s3_port, options.live_port)) as cloud:
            print(welcome(cloud.addresses), flush=True)
            _show_clicks(cloud)
    except KeyboardInterrupt:
        print("\nstopped")
        return 0
    except (PortTakenError, StartError, DeployError) as error:
        print(f"clicklake: {error}", file=sys.stderr)
        return 1
    print("clicklake: a process ended by itself; see the logs in", options.dir / "log", file=sys.stderr)
    return 1


def welcome(addresses: dict[str, str]) -> str:
    return f"""
   site   {addresses["site"]}       open it and click a mysfit
   api    {addresses["api"]}
   live   {addresses["live"]}       each click as it lands
   lake   s3://{addresses["bucket"]}/clicks/       (AWS_ENDPOINT_URL={addresses["s3"]})

Ctrl-C stops everything."""


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.add_argument(
        "--dir", type=Path, default=ROOT / ".run", help="where state, logs and addresses.json go"
    )
    for name, port in (("api", 5050), ("s3", 4566), ("live", 4567)):
        parser.add_argument(f"--{name}-port", type=int, default=port, help="0 for any free port")
    return parser.parse_args()


def _show_clicks(cloud: Cloud) -> None:
    """Print what lands until a process of the cloud ends."""
    with urlopen(cloud.addresses["live"] + "events", timeout=30) as events:
        for event, data in _server_sent(events):
            if any(process.has_ended() for process in cloud.processes):
                return
            if event in ("delivered", "failed"):
                print(_one_line(event, json.loads(data)), flush=True)


def _server_sent(stream: Iterator[bytes]) -> Iterator[tuple[str, str]]:
    """(event, data) of a text/event-stream; a comment, sent to keep the connection, comes as ("", "")."""
    event = ""
    for raw in stream:
        name, _, value = raw.decode().rstrip("\n").partition(": ")
        if name == "event":
            event = value
        elif name == "data":
            yield event, value
        elif not name:
            yield "", ""


def _one_line(event: str, fact: dict[str, object]) -> str:
    shown = {name: value for name, value in fact.items() if name != "rawData"}
    return f"{event}  {json.dumps(shown)}"  # in ASCII: no control character reaches the terminal


if __name__ == "__main__":
    sys.exit(main())
