"""What FirehoseStream makes of faults that only a real socket has. test_stream.py has the other faults."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest_app import create_app
from ingest_app.aws import stream
from ingest_app.aws.stream import MAX_ATTEMPTS, FirehoseStream, StreamUnavailable
from ingest_app.settings import IngestSettings
from tests.ingest_app.conftest import json_of
from tests.ingest_app.e2e.conftest import aws_environment
from tests.ingest_app.e2e.firehose_server import (
    FirehoseServer,
    Responder,
    accept,
    accept_and_fall_silent,
    accept_and_reset,
    break_off,
    deny,
    drip,
    fall_silent,
    hang_up,
    throttle,
    write,
)

pytestmark = pytest.mark.e2e

CLICK = b'{"itemId":"1"}'

RETRYABLE: dict[str, Responder] = {
    "throttled": throttle,
    "accepted, then silent": accept_and_fall_silent,
    "accepted, then reset": accept_and_reset,
    "hung up": hang_up,
    "broken off": break_off,
    "not HTTP": write(b"SSH-2.0-OpenSSH_9.2p1\r\n"),
    "an invalid status": write(b"HTTP/1.1 abc\r\n\r\n"),
    "an invalid length": write(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{}"),
    "a malformed chunk": write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
    "a malformed gzip": write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nzz"),
}
REDIRECT = write(b"HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
FINAL: dict[str, Responder] = {"denied": deny, "a redirect": REDIRECT}


@pytest.fixture(scope="module", autouse=True)
def environment(firehose_of_session: FirehoseServer) -> Iterator[pytest.MonkeyPatch]:
    """Point boto3 at the fake Firehose, and shorten the waits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream, "READ_TIMEOUT_SECONDS", 0.2)
        patch.setattr(stream, "BACKOFF_SECONDS", 0.001)
        for name, value in aws_environment(firehose_of_session.url).items():
            patch.setenv(name, value)
        yield patch


def make_stream() -> FirehoseStream:
    return FirehoseStream("clicklake-dev", "clicklake/test", "us-east-1")


@pytest.fixture(scope="module")
def client(environment: pytest.MonkeyPatch) -> FlaskClient:
    return create_app(IngestSettings("clicklake-dev"), make_stream()).test_client()


@pytest.mark.parametrize("fault", RETRYABLE.values(), ids=RETRYABLE)
def test_retryable_fault_is_retried_and_then_a_503(
    client: FlaskClient, firehose: FirehoseServer, fault: Responder
) -> None:
    firehose.behave(fault)
    response = client.put("/clicks", data=CLICK)
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0
    assert 1 <= firehose.request_count <= MAX_ATTEMPTS


@pytest.mark.parametrize("fault", RETRYABLE.values(), ids=RETRYABLE)
def test_retry_that_succeeds_is_a_202(
    client: FlaskClient, firehose: FirehoseServer, fault: Responder
) -> None:
    firehose.behave(fault, accept)
    response = client.put("/clicks", data=CLICK)
    assert response.status_code == 202
    event_id = json_of(response)["receipts"][0]["eventId"]
    assert firehose.envelopes[-1]["clicks"][0]["eventId"] == event_id


@pytest.mark.parametrize("fault", FINAL.values(), ids=FINAL)
def test_final_fault_is_not_retried(client: FlaskClient, firehose: FirehoseServer, fault: Responder) -> None:
    firehose.behave(fault)
    assert client.put("/clicks", data=CLICK).status_code == 503
    assert firehose.request_count == 1


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    raw=st.binary(max_size=60),
    headers=st.sampled_from([b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\n\r\n"]),
)
def test_random_bytes_are_never_a_success(
    client: FlaskClient, firehose: FirehoseServer, raw: bytes, headers: bytes
) -> None:
    firehose.behave(write(headers + raw))
    assert client.put("/clicks", data=CLICK).status_code == 503


def test_closed_port_is_a_503(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    app = create_app(IngestSettings("clicklake-dev"), make_stream())
    assert app.test_client().put("/clicks", data=CLICK).status_code == 503


@pytest.fixture
def tenth_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything at a tenth of the shipped time."""
    for name, seconds in {"CONNECT_TIMEOUT": 0.1, "READ_TIMEOUT": 0.3, "DEADLINE": 1.0}.items():
        monkeypatch.setattr(stream, f"{name}_SECONDS", seconds)


def test_silent_firehose_is_asked_twice(firehose: FirehoseServer, tenth_of_the_time: None) -> None:
    """A third attempt could end after the deadline."""
    firehose.behave(fall_silent)
    with pytest.raises(StreamUnavailable):
        make_stream().put(b"{}")
    assert firehose.request_count == 2


DRIPS = {
    "an endless header": b"HTTP/1.1 200 OK\r\nX: " + b"a" * 1000,
    "an endless status": b"HTTP/1.1 200 " + b"a" * 1000,
    "headers, then a body": b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n" + b" " * 900,
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 200,
    "a body without a length": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b" " * 900,
    "a hundred continues": b"HTTP/1.1 100 Continue\r\n\r\n" * 40,
}


@pytest.mark.parametrize("raw", DRIPS.values(), ids=DRIPS)
def test_answer_that_drips_is_given_up_in_time(
    firehose: FirehoseServer, tenth_of_the_time: None, raw: bytes
) -> None:
    firehose.behave(drip(raw, 0.05))
    started = time.monotonic()
    with pytest.raises(StreamUnavailable):
        make_stream().put(b"{}")
    seconds = time.monotonic() - started
    # Without a deadline it takes fifty times as long. A busy machine may take some more than the deadline.
    assert seconds < 5 * stream.DEADLINE_SECONDS, f"a put took {seconds:.1f} s of {stream.DEADLINE_SECONDS} s"


def test_server_that_reads_slowly_is_given_up_in_time(tenth_of_the_time: None) -> None:
    """Its window fills, and then every byte has a timeout of its own."""
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.MonkeyPatch.context() as patch:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        closing = threading.Event()

        def sip() -> None:
            with contextlib.suppress(OSError):
                while not closing.is_set():
                    connection, _ = server.accept()
                    with connection:
                        while not closing.wait(0.05) and connection.recv(1024):
                            pass

        thread = threading.Thread(target=sip, daemon=True)
        thread.start()
        patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.getsockname()[1]}")
        started = time.monotonic()
        with pytest.raises(StreamUnavailable):
            make_stream().put(b"x" * 4_000_000)
        closing.set()
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
        assert time.monotonic() - started < 5 * stream.DEADLINE_SECONDS


def test_slow_answer_within_its_time_is_a_success(firehose: FirehoseServer, tenth_of_the_time: None) -> None:
    body = b'{"RecordId": "1"}'
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    firehose.behave(drip(answer, 0.002))
    make_stream().put(b"{}")
