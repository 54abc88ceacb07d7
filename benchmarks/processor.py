"""How fast the processor is, beside the workshop's way and beside what cannot be beaten.

    python -m benchmarks.processor [--bundle FOLDER]

Prints Markdown. Everything in one run, the ways in turns, CPU time of one core, medians. A bundle is
what `make run` or `make bundle` builds for this machine; it is started in processes of its own.
"""

import argparse
import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import msgspec
import pybase64
import requests

from benchmarks.batches import CLICKS_PER_ENVELOPE, MAX_RAW_BYTES, Event, clicks_in, make_event

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 9
STARTS = 9
NEW_AGENTS = 3600


class Way(NamedTuple):
    title: str
    run: Callable[[], object]
    clicks: int
    prepare: Callable[[], object] = lambda: None


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--bundle", type=Path, default=ROOT / ".run/stage/build/processor")
    bundle = arguments.parse_args().bundle
    print(f"Python {sys.version.split()[0]}; CPU time of one core, medians of {ROUNDS}.\n")
    with served(serve_catalogue) as url:
        os.environ["CATALOGUE_URL"] = f"{url}/mysfits/{{id}}"
        print_speed(url)
        print_new_agents()
        print_cold_start(bundle)


def print_speed(url: str) -> None:
    single = make_event(urls=300, clicks=1, records=200)
    common = make_event(urls=300, agents=200)
    different = [make_event(seed=seed) for seed in range(10)]
    agents = sum(len(event["records"]) for event in different)
    warm = partial(process, common)
    ways = [
        Way(
            "the workshop's code: one `requests.get` per record, stdlib json",
            partial(workshop, single, url),
            200,
        ),
        Way(
            "limit: decode and encode the same clicks, enrich nothing",
            partial(limit, common),
            clicks_in(common),
        ),
        Way("the processor, warm: 300 URLs, 200 user agents", warm, clicks_in(common), prepare=warm),
        Way(
            f"the processor: every URL and all {agents:,} user agents different",
            lambda: [*map(process, different)],
            sum(map(clicks_in, different)),
            prepare=forget,
        ),
    ]
    costs = [spent / way.clicks for spent, way in zip(in_turns(ways), ways, strict=True)]
    size = f"{MAX_RAW_BYTES:,} B, {clicks_in(common):,} clicks"
    print(f"Envelopes of {CLICKS_PER_ENVELOPE} clicks, at most {size} a batch:\n")
    print("| implementation | clicks/s/core | µs per click | × the workshop's speed | × the limit's time |")
    print("| --- | --: | --: | --: | --: |")
    for way, cost in zip(ways, costs, strict=True):
        ratios = f"{costs[0] / cost:.0f} | {cost / costs[1]:.1f}"
        print(f"| {way.title} | {1 / cost:,.0f} | {cost * 1e6:.2f} | {ratios} |")


def print_new_agents() -> None:
    ways = []
    for title, urls in (("300 URLs", 300), ("every URL new", None)):
        event = make_event(urls=urls, clicks=1, records=NEW_AGENTS)
        ways.append(Way(title, partial(process, event), NEW_AGENTS, prepare=forget))
    print(f"\n| a batch of {NEW_AGENTS:,} envelopes, each with a new user agent | ms |\n| --- | --: |")
    for way, spent in zip(ways, in_turns(ways), strict=True):
        print(f"| {way.title} | {spent * 1000:.0f} |")


def print_cold_start(bundle: Path) -> None:
    if not (bundle / "processor/handler.py").exists():
        print(f"\nNo bundle at {bundle}: `make run` builds one for this machine.")
        return
    print("\n| cold start, CPU ms | init: import of the handler | whole process with its first batch |")
    print("| --- | --: | --: |")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "source")
        shutil.copytree(bundle, source, ignore=shutil.ignore_patterns("__pycache__"))
        for title, place in (("as shipped", bundle), ("without its bytecode", source)):
            starts = [start(place) for _ in range(STARTS)]
            init, whole = (statistics.median(column) for column in zip(*starts, strict=True))
            print(f"| {title} | {init:.0f} | {whole:.0f} |")
        files, unpacked, packed = sizes(bundle)
    print(f"\nThe bundle: {packed / 1e6:.1f} MB zipped, {unpacked / 1e6:.1f} MB in {files} files.")


# The ways.


def workshop(event: Event, url: str) -> None:
    for record in event["records"]:
        click = json.loads(b64decode(record["data"]))["clicks"][0]
        click.update(requests.get(f"{url}/mysfits/{click['mysfitId']}", timeout=5).json())
        json.dumps(click)


def limit(event: Event) -> None:
    from processor.handler import READER

    encoder = msgspec.json.Encoder()

    for record in event["records"]:
        envelope = READER.read(pybase64.b64decode(record["data"], validate=True), record["recordId"], None)
        pybase64.b64encode_as_string(encoder.encode_lines(envelope.clicks))


def process(event: Event) -> None:
    from processor.handler import lambda_handler

    with redirect_stdout(io.StringIO()):
        lambda_handler(event, Context())


def forget() -> None:
    from processor.parsing import campaign, referrer
    from processor.parsing.agents import AGENTS

    AGENTS.clear()
    for remembering in (campaign.parse_page, campaign.parse_campaign, referrer.parse_referrer):
        remembering.cache_clear()


def in_turns(ways: list[Way]) -> list[float]:
    """Seconds of each way, the median of its rounds after one to warm up."""
    spent: list[list[float]] = [[] for _ in ways]
    for _ in range(1 + ROUNDS):
        for way, times in zip(ways, spent, strict=True):
            way.prepare()
            started = time.process_time()
            way.run()
            times.append(time.process_time() - started)
    return [statistics.median(times[1:]) for times in spent]


class Context:
    function_name = "clicklake-processor"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


# The catalogue, in a process of its own.


@contextmanager
def served(serve: Callable[[Connection], None]) -> Iterator[str]:
    """Run a server in a process of its own, and yield its URL."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    theirs.close()  # so that a server that dies is the end of the pipe, and not waited for
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        server.terminate()
        server.join()


def serve_catalogue(port: Connection) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Catalogue)
    port.send(server.server_port)
    server.serve_forever()


class Catalogue(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet an answer: two make Nagle's algorithm wait 40 ms
    body = json.dumps(
        {"goodevil": "Neutral", "lawchaos": "Chaotic", "species": "Chimera", "age": 43}
    ).encode()

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, format: str, *args: object) -> None:
        pass


# The bundle.

START = """
import json, sys, time
started = time.process_time()
from processor.handler import lambda_handler
init = time.process_time() - started
class Context:
    function_name = "clicklake-processor"
    get_remaining_time_in_millis = lambda self: 60000
sys.stdout = sys.stderr
lambda_handler(json.load(sys.stdin), Context())
print(init, time.process_time(), file=sys.__stdout__)
"""


def start(bundle: Path) -> tuple[float, float]:
    """CPU milliseconds of the import, and of the whole process."""
    environment: Mapping[str, str] = {
        "PYTHONPATH": str(bundle),
        "PYTHONDONTWRITEBYTECODE": "1",
        "CATALOGUE_URL": os.environ["CATALOGUE_URL"],
    }
    event = json.dumps(make_event(records=1)).encode()
    python = subprocess.run(  # noqa: S603
        [sys._base_executable, "-S", "-c", START],  # type: ignore[attr-defined]
        input=event,
        env=environment,
        capture_output=True,
        check=True,
    )
    init, whole = map(float, python.stdout.split())
    return init * 1000, whole * 1000


def sizes(folder: Path) -> tuple[int, int, int]:
    """Files, and their bytes unpacked and zipped."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file, file.relative_to(folder))
    return len(files), sum(file.stat().st_size for file in files), packed.tell()


if __name__ == "__main__":
    main()
