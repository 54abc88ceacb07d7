"""`demo`: a day of made-up clicks through the real API of a cloud on this machine, and the report of it.

The cloud is that of `make run`, in a folder that is gone afterwards. Its clocks are real: a whole day is sent
within a minute, so clicks arrive long after they happened, as from pages that could not send.
"""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import webbrowser
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile

import boto3
import click
import requests

from clicklake.cli.checkout import ENVS, ROOT
from clicklake.cli.console import OUT, progress
from clicklake.demo.traffic import SITE, Request, day_of_traffic
from clicklake.errors import CommandError
from clicklake.lake.bucket import Lake, find_lake
from clicklake.lake.partitions import HOUR, Span
from clicklake.query import duckdb_engine
from clicklake.report.command import write_report

PATIENCE_SECONDS = 60
SENDERS = 8
LOG_CHARACTERS = 2000  # of what did not start
ATTRIBUTES = "name,goodevil,lawchaos,species"  # people know a mysfit by its name
NOBODY = "http://127.0.0.1:9/{id}"  # the port of the discard service, which nobody runs
NOTE = (
    "A demo: these visits are made up, and a whole day of them was sent within a minute, so nearly all of it"
    " arrived late. From 9:00 to 10:00 the catalogue was down, from 14:00 to 15:00 the processor was broken"
    " (what failed waits to be replayed), and what was sent from 20:00 to 21:00 was delivered twice."
)


@click.command()
@click.option("--sessions", default=1200, show_default=True, help="Visits in the day.")
@click.option("--seed", default=7, show_default=True, help="The same seed makes the same visits.")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), default="build/demo.html", show_default=True
)
@click.option("--once", is_flag=True, help="End with the report, instead of by Ctrl-C.")
def command(sessions: int, seed: int, out: Path, once: bool) -> None:
    """Send a day of made-up clicks through a cloud on this machine, and open the report of it."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whatever ends us, the cloud ends with us
    with TemporaryDirectory(prefix="clicklake-demo-") as folder, _cloud(Path(folder)) as addresses:
        lake = find_lake("dev", None)
        end = datetime.now(UTC)
        with _processor_with(lake, CATALOGUE_ATTRIBUTES=ATTRIBUTES), _ingest(lake) as api:
            _send_day(api, day_of_traffic(end, sessions, seed), lake, addresses["live"])
        write_report(duckdb_engine.run_queries, lake, Span(end - 24 * HOUR, datetime.now(UTC)), out, NOTE)
        OUT.print(f"report  {out.resolve().as_uri()}", soft_wrap=True)
        if not once:
            webbrowser.open(out.resolve().as_uri())
            OUT.print(f"live    {addresses['live']}\ns3      {addresses['s3']}\n\nCtrl-C stops everything.")
            with suppress(KeyboardInterrupt):
                signal.pause()


@contextmanager
def _cloud(folder: Path) -> Iterator[dict[str, str]]:
    """What `make run` starts, on free ports; boto3 is led to it, and away from any real account."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_CONFIG_FILE": os.devnull,
    }
    os.environ |= {"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"}
    any_ports = ["--api-port", "0", "--s3-port", "0", "--live-port", "0"]
    command = [sys.executable, "-m", "clicklake", "run", "--dir", str(folder), *any_ports]
    file = folder / "addresses.json"
    with _running(command, os.environ, file.exists):
        addresses: dict[str, str] = json.loads(file.read_text())
        os.environ["AWS_ENDPOINT_URL"] = addresses["s3"]
        yield addresses


@contextmanager
def _ingest(lake: Lake) -> Iterator[Callable[[Request], None]]:
    """A second ingest app, that believes us visitors' addresses and countries, as it would its CloudFront."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    settings = {"CLICK_STREAM": lake.outputs["StreamName"]}
    settings |= {name: secrets.token_hex(32) for name in ("EDGE_SECRET", "VISITOR_KEY")}
    url = f"http://127.0.0.1:{port}"
    session = requests.Session()

    def send(request: Request) -> None:
        visitor = request.visitor
        headers = {"Origin": SITE, "Content-Type": "text/plain", "X-Clicklake-Edge": settings["EDGE_SECRET"]}
        sent_at = (datetime.now(UTC) + visitor.clock_error).isoformat()
        body = json.dumps({"sentAt": sent_at, "clicks": request.clicks})
        session.post(f"{url}/clicks", body, headers=headers | visitor.headers, timeout=30).raise_for_status()

    command = [str(ENVS / "ingest/bin/flask"), "--app", "ingest_app", "run", "--port", str(port)]
    with _running(command, os.environ | settings, lambda: _answers(f"{url}/health")):
        yield send


def _answers(url: str) -> bool:
    with suppress(requests.ConnectionError):
        return requests.get(url, timeout=5).ok
    return False


def _send_day(send: Callable[[Request], None], day: list[Request], lake: Lake, live: str) -> None:
    """In order; before a fault comes or goes, what is on its way lands."""
    faults: dict[int, Callable[[], AbstractContextManager[None]]] = {  # by the hour of the day, UTC
        9: lambda: _processor_with(lake, CATALOGUE_URL=NOBODY),
        14: lambda: _processor_with(lake, handler="processor.handler.not_there"),
        20: lambda: _delivered_twice(live),
    }
    with progress() as bar, ThreadPoolExecutor(SENDERS) as threads:
        task = bar.add_task("requests", total=len(day))
        for hour, sent in groupby(day, lambda each: each.at.hour if each.at.hour in faults else None):
            with faults.get(hour or -1, nullcontext)():
                for _ in threads.map(send, sent):
                    bar.advance(task)
                if not _eventually(lambda: requests.get(f"{live}status", timeout=5).json()["waiting"] == 0):
                    raise CommandError("the clicks do not land")


@contextmanager
def _processor_with(lake: Lake, handler: str = "", **variables: str) -> Iterator[None]:
    functions, name = boto3.client("lambda"), lake.outputs["ProcessorFunctionName"]
    before = functions.get_function_configuration(FunctionName=name)
    good = before["Environment"]["Variables"]
    functions.update_function_configuration(
        FunctionName=name, Handler=handler or before["Handler"], Environment={"Variables": good | variables}
    )
    yield
    functions.update_function_configuration(
        FunctionName=name, Handler=before["Handler"], Environment={"Variables": good}
    )


@contextmanager
def _delivered_twice(live: str) -> Iterator[None]:
    requests.post(f"{live}faults", json={"deliverTwice": True}, timeout=5).raise_for_status()
    yield
    requests.post(f"{live}faults", json={}, timeout=5).raise_for_status()


@contextmanager
def _running(command: list[str], environment: Mapping[str, str], is_up: Callable[[], bool]) -> Iterator[None]:
    if not Path(command[0]).exists():
        raise CommandError(f"{command[0]} is not there: `make demo` installs what the demo needs")
    with TemporaryFile() as log:
        process = subprocess.Popen(  # noqa: S603 (our own commands)
            command, cwd=ROOT, env=environment, start_new_session=True, stdout=log, stderr=log
        )
        try:
            if not _eventually(lambda: is_up() or process.poll() is not None) or not is_up():
                log.seek(0)
                raise CommandError(f"{command[2]} did not start: {log.read().decode()[-LOG_CHARACTERS:]}")
            yield
        finally:
            process.terminate()
            process.wait(PATIENCE_SECONDS)


def _eventually(is_so: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True
