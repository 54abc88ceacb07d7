"""What only a real server shows: chunks, lengths, 10 MB, malformed requests, the terminal's output."""

import http.client
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator

import pytest

from tests.ingest_app.e2e.conftest import aws_environment
from tests.ingest_app.e2e.firehose_server import FirehoseServer
from tests.ingest_app.e2e.flask_run import FlaskRun
from tests.support.paths import ROOT

pytestmark = pytest.mark.e2e

CLICK = b'{"mysfitId":"1","userId":"secret-user"}'


@pytest.fixture(scope="module")
def app_of_module(firehose_of_session: FirehoseServer) -> Iterator[FlaskRun]:
    run = FlaskRun(aws_environment(firehose_of_session.url))
    yield run
    run.close()


@pytest.fixture
def app(app_of_module: FlaskRun, firehose: FirehoseServer) -> FlaskRun:
    return app_of_module


def send(
    app: FlaskRun, method: str, path: str, body: bytes | Iterable[bytes] | None = None, **headers: str
) -> tuple[int, dict[str, object]]:
    connection = http.client.HTTPConnection("127.0.0.1", app.port, timeout=30)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        text = response.read()
        return response.status, json.loads(text) if text else {}
    finally:
        connection.close()


def send_raw(app: FlaskRun, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", app.port), timeout=30) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        response = b""
        while part := connection.recv(65536):
            response += part
        return response


def test_click_reaches_the_stream(app: FlaskRun, firehose: FirehoseServer) -> None:
    status, response = send(app, "PUT", "/clicks", CLICK)
    assert status == 202
    assert firehose.envelopes[0]["requestId"] == response["requestId"]
    assert firehose.envelopes[0]["address"] == "127.0.0.0"


def test_chunked_body_is_accepted(app: FlaskRun, firehose: FirehoseServer) -> None:
    status, _ = send(app, "POST", "/clicks", iter([CLICK[:10], CLICK[10:]]))
    assert status == 202
    assert len(firehose.accepted) == 1


@pytest.mark.parametrize(("size", "status"), [(262_144, 202), (262_145, 413), (10_000_000, 413)])
@pytest.mark.parametrize("chunked", [False, True])
def test_limit_is_the_same_with_and_without_a_length(
    app: FlaskRun, size: int, status: int, chunked: bool
) -> None:
    body = CLICK.ljust(size)
    parts = iter([body[start : start + 50_000] for start in range(0, size, 50_000)])
    status_code, response = send(app, "PUT", "/clicks", parts if chunked else body)
    assert status_code == status
    if status == 413:
        assert response["code"] == "body_too_large"
        assert response["limit"] == 262_144


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"POST /clicks HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n", 400),
        (b"POST /clicks HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n27\r\n{", 400),
        (b"POST /clicks HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n" + CLICK, 400),
        (b"POST /clicks HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", 400),
        (b"POST /clicks HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        (b"POST /clicks HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n", 413),
        (b"GET /health HTTP/1.1\r\nHost: <script>\r\n\r\n", 200),
        (b"GET /%00%ff HTTP/1.1\r\nHost: h\r\n\r\n", 404),
        (b"GET /clicks.gif?mysfitId=%ff%00 HTTP/1.1\r\nHost: h\r\n\r\n", 200),
        (b"GET http://elsewhere.example/health HTTP/1.1\r\nHost: h\r\n\r\n", 200),
    ],
)
def test_odd_request_gets_a_defined_response(app: FlaskRun, request_: bytes, status: int) -> None:
    response = send_raw(app, request_)
    assert response.startswith(b"HTTP/1.1 %d " % status), response
    assert b"Access-Control-Allow-Origin: *" in response


def test_terminal_shows_the_address_and_nothing_about_senders(app: FlaskRun) -> None:
    send_raw(app, b"GET /clicks.gif?mysfitId=1&userId=secret-user HTTP/1.1\r\nHost: h\r\n\r\n")
    send(app, "PUT", "/clicks", CLICK)
    send(app, "PUT", "/clicks", b'{"userId":"secret-user"}')
    send(app, "GET", "/nothing?userId=secret-user")
    assert f"Running on {app.url}" in app.log
    assert "secret" not in app.log
    assert "127.0.0.1 -" not in app.log
    assert "RefusedNotFound" in app.log


def test_invalid_setting_stops_the_start_with_an_error() -> None:
    environ = {"CLICK_STREAM": "clicklake-dev", "AWS_REGION": "us-east-1", "GPC_MODE": "off"}
    run = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "ingest_app", "run", "--port", "0"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", **environ},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert run.returncode != 0
    assert "GPC_MODE must be one of strip, refuse, ignore" in run.stderr
