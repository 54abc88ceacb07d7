"""How many requests a second the ingest app answers on one core where it is hosted without Lambda.

    python -m benchmarks.serve [--rounds 3] [--seconds 2]

The server on one core; the clients and the Firehose on the other.
"""

import argparse
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from statistics import median

from benchmarks.firehose import firehose
from benchmarks.function import environment
from benchmarks.machine import ENVS, OTHER_CORE, ROOT, SUBJECTS_CORE, pinned, versions
from benchmarks.publish import Table, publish

CLICKS = (1, 10, 50)
SERVERS = {
    "flask run": "flask --app ingest_app run --port {port}",
    "gunicorn": "gunicorn --bind 127.0.0.1:{port} ingest_app:create_app()",
    "gunicorn, 8 threads": "gunicorn --threads 8 --bind 127.0.0.1:{port} ingest_app:create_app()",
    "granian, 8 threads": "granian --interface wsgi --factory --host 127.0.0.1 --port {port} "
    "--blocking-threads 8 ingest_app:create_app",
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2)
    options = parser.parse_args()
    rates = measure(options.rounds, options.seconds)
    rounds = f"{options.rounds} interleaved rounds of {options.seconds:.0f} s"
    above = f"On one core, with 16 clients. Medians of {rounds}."
    columns = ["requests per second, by clicks per request:", *map(str, CLICKS)]
    columns += [f"clicks per second at {clicks}" for clicks in CLICKS[1:]]
    rows = [
        [name, *(f"{rate:,.0f}" for rate in by_clicks.values())]
        + [f"{by_clicks[clicks] * clicks:,.0f}" for clicks in CLICKS[1:]]
        for name, by_clicks in rates.items()
    ]
    pins = versions("benchmarks/requirements-serve.txt", "flask", "gunicorn", "granian", "boto3")
    publish("serve", [Table(columns, rows, above)], rates, pins)


def measure(rounds: int, seconds: float) -> dict[str, dict[int, float]]:
    found: dict[tuple[str, int], list[float]] = {}
    with firehose() as address, ExitStack() as running:
        ports = {name: running.enter_context(serving(command, address)) for name, command in SERVERS.items()}
        for _ in range(rounds):
            for clicks in CLICKS:
                for name, port in ports.items():
                    found.setdefault((name, clicks), []).append(rate(port, clicks, seconds))
    return {name: {clicks: median(found[name, clicks]) for clicks in CLICKS} for name in SERVERS}


@contextmanager
def serving(command: str, firehose_address: str) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program, *arguments = command.format(port=port).split()
    environ = environment(firehose_address) | {"PATH": os.environ["PATH"]}
    server = subprocess.Popen(  # noqa: S603
        [*pinned(SUBJECTS_CORE), str(ENVS / "bench-serve" / "bin" / program), *arguments],
        cwd=ROOT,
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(port, server)
        yield port
    finally:
        server.terminate()
        server.wait()


def wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        try:
            return socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            if server.poll() is not None:
                raise RuntimeError(f"{server.args} ended") from None
            time.sleep(0.1)
    raise TimeoutError(f"{server.args} does not listen")


def rate(port: int, clicks: int, seconds: float) -> float:
    command = [
        *pinned(OTHER_CORE),
        sys.executable,
        "-m",
        "benchmarks.load",
        str(port),
        str(clicks),
        str(seconds),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603
    return float(done.stdout)


if __name__ == "__main__":
    main()
