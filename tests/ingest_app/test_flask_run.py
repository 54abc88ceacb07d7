"""What only a real server shows: chunks, lengths, 10 MB, broken requests, what is written to the terminal."""

import http.client
import json
import socket
from collections.abc import Iterable, Iterator

import pytest

from tests.ingest_app.conftest import aws_environment
from tests.ingest_app.firehose_server import FirehoseServer
from tests.ingest_app.flask_run import FlaskRun

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
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else {}
    finally:
        connection.close()


def send_raw(app: FlaskRun, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", app.port), timeout=30) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while part := connection.recv(65536):
            answer += part
        return answer


def test_click_lands_on_the_stream(app: FlaskRun, firehose: FirehoseServer) -> None:
    status, answer = send(app, "PUT", "/clicks", CLICK)
    assert status == 202
    assert firehose.envelopes[0]["requestId"] == answer["requestId"]
    assert firehose.envelopes[0]["address"] == "127.0.0.0"


def test_chunked_body_without_length_is_read(app: FlaskRun, firehose: FirehoseServer) -> None:
    status, _ = send(app, "POST", "/clicks", iter([CLICK[:10], CLICK[10:]]))
    assert status == 202
    assert len(firehose.taken) == 1


@pytest.mark.parametrize(("size", "status"), [(262_144, 202), (262_145, 413), (10_000_000, 413)])
@pytest.mark.parametrize("chunked", [False, True])
def test_limit_is_one_and_the_same_with_and_without_length(
    app: FlaskRun, size: int, status: int, chunked: bool
) -> None:
    body = CLICK.ljust(size)
    parts = iter([body[start : start + 50_000] for start in range(0, size, 50_000)])
    answered, answer = send(app, "PUT", "/clicks", parts if chunked else body)
    assert answered == status
    if status == 413:
        assert answer["code"] == "body_too_large"
        assert answer["limit"] == 262_144


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
        (b"GET /clicks.gif?mysfitId=%ff%00 HTTP/1.1\r\nHost: h\r\n\r\n", 204),
        (b"GET http://elsewhere.example/health HTTP/1.1\r\nHost: h\r\n\r\n", 200),
    ],
)
def test_odd_request_has_an_answer_that_is_not_ours_to_blame(
    app: FlaskRun, request_: bytes, status: int
) -> None:
    answer = send_raw(app, request_)
    assert answer.startswith(b"HTTP/1.1 %d " % status), answer
    assert b"Access-Control-Allow-Origin: *" in answer


def test_terminal_shows_where_it_runs_and_nothing_of_the_senders(app: FlaskRun) -> None:
    send(app, "GET", "/clicks.gif?mysfitId=1&userId=secret-user")
    send(app, "PUT", "/clicks", CLICK)
    send(app, "PUT", "/clicks", b'{"userId":"secret-user"}')
    send(app, "GET", "/nothing?userId=secret-user")
    assert f"Running on {app.url}" in app.log
    assert "secret" not in app.log
    assert "127.0.0.1 -" not in app.log
    assert "RefusedNotFound" in app.log
