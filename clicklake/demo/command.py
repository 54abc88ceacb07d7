"""`demo`: send a made-up day of clicks through the real API of a local cloud, and report that day.

The cloud is that of `clicklake run`, in a folder that is deleted afterwards, unless the demo fails. Its
clocks are real: the whole day is sent within a minute, so clicks arrive long after they happened, as from
pages that could not send.
"""

import json
import os
import signal
import sys
import webbrowser
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request as HttpRequest

import click

from clicklake.cli.console import ERR, OUT, print_json, progress
from clicklake.cli.options import json_option
from clicklake.compact.compactor import Compactor
from clicklake.compact.plan import read_state
from clicklake.demo.cloud import local_client, running_cloud, running_ingest_app
from clicklake.demo.traffic import Request, day_of_traffic
from clicklake.demo.waiting import PATIENCE_SECONDS, folder_kept_on_failure, wait_while_moving
from clicklake.errors import CommandError
from clicklake.lake.bucket import Lake, find_lake
from clicklake.lake.columns import GRACE
from clicklake.lake.loopback import open_url
from clicklake.lake.partitions import HOUR, Span, hour_of
from clicklake.query import duckdb_engine
from clicklake.report.command import write_report
from clicklake.report.page import ReportSpan

SENDERS = 8
NO_CATALOGUE = "http://127.0.0.1:9/{id}"  # the port of the discard service, where no server listens
NOTE = (
    "A demo: these visits are made up, and the whole day was sent within a minute, so nearly all of it"
    " arrived late. From 9:00 to 10:00 the catalogue was down, from 14:00 to 15:00 the processor was broken"
    " (its failed records wait to be replayed), and clicks sent from 20:00 to 21:00 were delivered twice."
)


@click.command()
@click.option("--sessions", default=1200, show_default=True, help="Visits in the day.")
@click.option("--seed", default=7, show_default=True, help="The same seed makes the same visits.")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), default="build/demo.html", show_default=True
)
@click.option("--once", is_flag=True, help="End after the report instead of at Ctrl-C.")
@json_option
def command(sessions: int, seed: int, out: Path, once: bool, as_json: bool) -> None:
    """Send a made-up day of clicks, and report it.

    The clicks go through the whole cloud on this machine, with a few faults on the way. They are compacted,
    and the report of the day opens in your browser.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the cloud ends with us
    ERR.print("starting the local cloud …")
    with folder_kept_on_failure() as folder, running_cloud(folder) as addresses:
        lake = find_lake("dev", None, local_client(addresses))
        end = datetime.now(UTC)
        with running_ingest_app(lake, addresses, folder) as send:
            _send_day(send, day_of_traffic(end, sessions, seed), lake, addresses["live"])
        os.environ["XDG_CACHE_HOME"] = str(folder)  # what reports keep of closed hours goes with the folder
        span = Span(hour_of(end - 24 * HOUR), hour_of(datetime.now(UTC)) + HOUR)
        _compact(lake, span)
        ERR.print("writing the report …")
        write_report(duckdb_engine.run_queries, lake, ReportSpan(span, UTC, None, "none"), out, NOTE)
        report = out.resolve().as_uri()
        if as_json:
            print_json({"report": report, "live": addresses["live"], "s3": addresses["s3"]})
            sys.stdout.flush()  # into a pipe, before waiting for Ctrl-C
        else:
            OUT.print(f"report  {report}", soft_wrap=True)
        if not once:
            webbrowser.open(report)
            if not as_json:
                OUT.print(
                    f"live    {addresses['live']}\ns3      {addresses['s3']}\n\nCtrl-C stops everything."
                )
            with suppress(KeyboardInterrupt):
                signal.pause()


def _compact(lake: Lake, span: Span) -> None:
    """Compact the hours of the demo, as if they were closed: everything has landed."""
    ERR.print("compacting the day …")
    compactor = Compactor(lake, read_state(lake, span, None))
    for hour in compactor.hours(span, span.until + GRACE):
        compactor.compact(hour)


def _send_day(send: Callable[[Request], None], day: list[Request], lake: Lake, live: str) -> None:
    """Send the requests in order. Everything in flight lands before a fault begins or ends."""
    faults: dict[int, Callable[[], AbstractContextManager[None]]] = {  # by the hour of the day, UTC
        9: lambda: _processor_with(lake, CATALOGUE_URL=NO_CATALOGUE),
        14: lambda: _processor_with(lake, handler="processor.handler.not_there"),
        20: lambda: _delivered_twice(live),
    }
    with _sending(len(day)) as advance, ThreadPoolExecutor(SENDERS) as threads:
        for hour, group in groupby(
            day, lambda request: request.at.hour if request.at.hour in faults else None
        ):
            with faults.get(hour or -1, nullcontext)():
                for _ in threads.map(send, group):
                    advance()
                _wait_until_landed(live)


@contextmanager
def _sending(total: int) -> Iterator[Callable[[], None]]:
    """Show progress: as a bar on a terminal, otherwise as a line per tenth."""
    ERR.print(f"sending {total:,} requests …")
    with progress() as bar:
        task, sent = bar.add_task("requests", total=total), 0

        def advance() -> None:
            nonlocal sent
            sent += 1
            bar.advance(task)
            if not ERR.is_terminal and 10 * sent // total > 10 * (sent - 1) // total:
                ERR.print(f"  {100 * sent // total} % sent")

        yield advance


def _wait_until_landed(live: str) -> None:
    """Return when nothing is in flight. Raises CommandError if nothing has landed for PATIENCE_SECONDS."""
    status: dict[str, int] = {}

    def ask() -> dict[str, int]:
        with (
            suppress(URLError, OSError),
            open_url(f"{live}status", timeout=30) as response,
        ):  # busy: ask again
            counts = json.load(response)
            status.update({name: counts[name] for name in ("delivered", "failed", "raw", "waiting")})
        return dict(status)

    if not wait_while_moving(lambda: status.get("waiting") == 0, progress=ask):
        waiting = status.get("waiting", "an unknown number of")
        raise CommandError(
            f"the clicks do not land: {waiting} records are in flight, and none has landed for"
            f" {PATIENCE_SECONDS:.0f} s"
        )


@contextmanager
def _processor_with(lake: Lake, handler: str = "", **variables: str) -> Iterator[None]:
    functions, name = lake.client("lambda"), lake.outputs["ProcessorFunctionName"]
    before = functions.get_function_configuration(FunctionName=name)
    original = before["Environment"]["Variables"]
    functions.update_function_configuration(
        FunctionName=name,
        Handler=handler or before["Handler"],
        Environment={"Variables": original | variables},
    )
    yield
    functions.update_function_configuration(
        FunctionName=name, Handler=before["Handler"], Environment={"Variables": original}
    )


@contextmanager
def _delivered_twice(live: str) -> Iterator[None]:
    _set_faults(live, {"deliverTwice": True})
    yield
    _set_faults(live, {})


def _set_faults(live: str, plan: dict[str, bool]) -> None:
    body = json.dumps(plan).encode()
    request = HttpRequest(f"{live}faults", body, method="POST")  # noqa: S310 (our own live page)
    with open_url(request, timeout=30):
        pass
