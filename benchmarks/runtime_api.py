"""Lambda's Runtime API on loopback: starts a bundle under awslambdaric, hands it events, looks at the clock.

docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import json
import os
import re
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

from benchmarks.machine import ENVS, PYTHON, SUBJECTS_CORE, pinned

LIMIT_SECONDS = 60
START = """
import sys
sys.path[:0] = sys.argv[2:]
from awslambdaric.__main__ import main
main(sys.argv[:2])
"""


class Life(NamedTuple):
    """Of one execution environment, in milliseconds."""

    init: float
    """From the start of the process until it asks for its first event."""
    requests: list[float]
    """Each from event to answer, Lambda's own JSON and the runtime's HTTP included."""
    peak_mib: float
    """Memory of the process at its highest; 0 where the system does not say (macOS)."""


def live(
    bundle: Path,
    handler: str,
    events: Sequence[Any],
    environment: dict[str, str],
    limit_seconds: float = LIMIT_SECONDS,
) -> Life:
    """Raise where the handler fails."""
    runtime = Path(os.environ.get("CLICKLAKE_LAMBDA_ENVIRONMENT", ENVS / "bench-lambda"))
    (site_packages,) = runtime.glob("lib/python*/site-packages")
    python = [*pinned(SUBJECTS_CORE), PYTHON, "-I", "-S", "-B"]
    with RuntimeApi(events) as api, tempfile.TemporaryFile() as log:
        variables = environment | {"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{api.server_port}"}
        api.started = perf_counter()
        process = subprocess.Popen(  # noqa: S603
            [*python, "-c", START, handler, str(bundle), str(site_packages)],
            env=variables,
            stdout=log,
            stderr=log,
        )
        api.done.wait(limit_seconds)
        peak = _peak_mib(process.pid)
        process.kill()
        process.wait()
        if api.failure or len(api.requests) < len(events):
            log.seek(0)
            raise RuntimeError(f"{api.failure}\n{log.read().decode()}")
        return Life(api.init, api.requests, peak)


def _peak_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status")
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return int(found[1]) / 1024 if found else 0


class RuntimeApi(ThreadingHTTPServer):
    """Serves one function."""

    daemon_threads = True

    def __init__(self, events: Sequence[Any]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.events = [json.dumps(event).encode() for event in reversed(events)]
        self.started = self.init = 0.0
        self.requests: list[float] = []
        self.failure = ""
        self.done = threading.Event()

    def __enter__(self) -> "RuntimeApi":
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: RuntimeApi
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet an answer: two make Nagle's algorithm wait 40 ms

    def do_GET(self) -> None:
        """The next event. After the last one no answer: the process is ended."""
        self.server.init = self.server.init or (perf_counter() - self.server.started) * 1000
        if not self.server.events:
            self.close_connection = True
            self.server.done.set()
            return
        self._answer(200, self.server.events.pop())
        self.server.started = perf_counter()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((perf_counter() - self.server.started) * 1000)
        if self.path.endswith("/error"):
            self.server.failure = body.decode()
            self.server.done.set()
        self._answer(202, b"{}")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Lambda-Runtime-Aws-Request-Id", "c6af9ac6-7b61-11e6-9a41-93e8deadbeef")
        self.send_header("Lambda-Runtime-Deadline-Ms", "4102444800000")
        self.send_header(
            "Lambda-Runtime-Invoked-Function-Arn",
            "arn:aws:lambda:us-east-1:123456789012:function:clicklake-dev",
        )
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass
