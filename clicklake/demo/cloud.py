"""The local cloud of a demo: what `clicklake run` starts, on free ports and in a folder of its own."""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.error import URLError

import boto3
import botocore.session
import requests

from clicklake.cli.checkout import ENVS, ROOT
from clicklake.demo.traffic import SITE, Request
from clicklake.demo.waiting import size_of_logs, wait_while_moving
from clicklake.errors import CommandError
from clicklake.lake.bucket import Lake
from clicklake.lake.loopback import new_client, open_url, without_proxy
from clicklake.local.addresses import REGION, LocalKeys
from clicklake.local.shop import VARIABLES

STOP_SECONDS = 60
SEND_SECONDS = 120  # how long a request is sent again, as a tracker does


def local_client(addresses: Mapping[str, str]) -> Callable[..., Any]:
    """Return boto3's `client` for the local cloud. The user's own AWS profile and keys play no part."""
    core = botocore.session.Session(session_vars={"profile": (None, None, None, None)})
    core.set_credentials(addresses["accessKeyId"], addresses["secretAccessKey"])
    session = boto3.Session(botocore_session=core, region_name=REGION)
    return partial(new_client, make=session.client, endpoint_url=addresses["s3"])


@contextmanager
def running_cloud(folder: Path) -> Iterator[dict[str, str]]:
    """Run the local cloud with its state in `folder`; yield its addresses."""
    any_ports = ["--api-port", "0", "--s3-port", "0", "--live-port", "0", "--dashboard-port", "0"]
    command = [sys.executable, "-m", "clicklake", "run", "--dir", str(folder), *any_ports]
    file = folder / "addresses.json"
    environment = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    environment["CLICKLAKE_KEEPER_SECONDS"] = "0"  # the demo compacts by itself, and nobody reads its mail
    with _running("clicklake run", command, environment, file.exists, folder):
        addresses: dict[str, str] = json.loads(file.read_text())
        yield addresses


@contextmanager
def running_ingest_app(
    lake: Lake, addresses: Mapping[str, str], folder: Path
) -> Iterator[Callable[[Request], None]]:
    """Start a second ingest app; yield a function that sends it a request.

    It trusts our CloudFront-Viewer-* headers, so that demo visitors can have different addresses and
    countries.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    edge_secret = secrets.token_hex(32)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    keys = LocalKeys(addresses["accessKeyId"], addresses["secretAccessKey"])
    environment |= keys.environment(addresses["s3"]) | {"AWS_CONFIG_FILE": os.devnull}
    environment |= {"CLICK_STREAM": lake.outputs["StreamName"]}
    environment |= {"EDGE_SECRET": edge_secret}
    environment |= {"VISITOR_KEY_TABLE": lake.outputs["VisitorKeyTableName"]}
    url = f"http://127.0.0.1:{port}"
    session = requests.Session()
    session.trust_env = False  # this machine is asked directly, not through a proxy

    def send(request: Request) -> None:
        visitor = request.visitor
        headers = {"Origin": SITE, "Content-Type": "text/plain", "X-Clicklake-Edge": edge_secret}
        sent_at = (datetime.now(UTC) + visitor.clock_error).isoformat()
        body = json.dumps({"sentAt": sent_at, "clicks": request.clicks})
        _post(session, f"{url}/clicks", body, headers | visitor.headers)

    python = str(ENVS / "ingest" / "bin" / "python")
    command = [python, "-m", "flask", "--app", "ingest_app", "run", "--port", str(port)]
    with _running("the demo's ingest app", command, environment, lambda: _is_up(f"{url}/health"), folder):
        yield send


def _post(session: requests.Session, url: str, body: str, headers: Mapping[str, str]) -> None:
    """Send a request, and again while the app is busy, as a tracker does.

    The ids of its events mark those that arrive twice.
    """
    deadline = time.monotonic() + SEND_SECONDS
    while True:
        with suppress(requests.ConnectionError, requests.Timeout):
            response = session.post(url, body, headers=headers, timeout=30)
            if response.status_code != HTTPStatus.SERVICE_UNAVAILABLE or time.monotonic() > deadline:
                response.raise_for_status()
                return
        if time.monotonic() > deadline:
            raise CommandError(f"{url} has not answered for {SEND_SECONDS} s")
        time.sleep(1)


def _is_up(url: str) -> bool:
    with suppress(URLError, OSError), open_url(url, timeout=5):
        return True
    return False


@contextmanager
def _running(
    name: str, command: list[str], environment: Mapping[str, str], is_up: Callable[[], bool], folder: Path
) -> Iterator[None]:
    if not Path(command[0]).exists():
        raise CommandError(f"{command[0]} is not installed; `make demo` installs what the demo needs")
    file = folder / "log" / f"{name.replace(' ', '-')}.log"
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 (our own commands)
            command, cwd=ROOT, env=without_proxy(environment), start_new_session=True, stdout=log, stderr=log
        )
        try:
            wait_while_moving(
                lambda: is_up() or process.poll() is not None, progress=lambda: size_of_logs(folder)
            )
            if process.poll() is not None or not is_up():
                raise CommandError(f"{name} did not start")
            yield
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
