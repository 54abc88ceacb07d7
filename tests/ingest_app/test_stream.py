"""Never a 202 for what Firehose did not say it took, over real sockets."""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest_app import create_app, stream
from ingest_app.settings import Settings
from ingest_app.stream import MAX_ATTEMPTS, FirehoseStream, StreamUnavailable
from tests.ingest_app.conftest import aws_environment
from tests.ingest_app.firehose_server import (
    FirehoseServer,
    answer_with,
    break_off,
    deny,
    fall_silent,
    hang_up,
    lose_the_stream,
    reset,
    slow_down,
    take,
    take_and_fall_silent,
    take_and_reset,
    throttle,
    write,
)

CLICK = b'{"mysfitId":"1"}'

PASSING = {
    "throttled": throttle,
    "slow down": slow_down,
    "silent": fall_silent,
    "taken, then silent": take_and_fall_silent,
    "reset": reset,
    "taken, then reset": take_and_reset,
    "hung up": hang_up,
    "broken off": break_off,
    "500 in HTML": answer_with(500, b"<html>"),
    "503 of nothing": answer_with(503, b""),
    "200 of nothing": answer_with(200, b""),
    "200 in HTML": answer_with(200, b"<html>"),
    "200 of bytes": answer_with(200, b"\xff\xfe\x00"),
    "200 without a RecordId": answer_with(200, b"{}"),
    "200 with an empty RecordId": answer_with(200, b'{"RecordId": ""}'),
    "200 with a RecordId of null": answer_with(200, b'{"RecordId": null}'),
    "200 with a RecordId that is a number": answer_with(200, b'{"RecordId": 5}'),
    "200 with a RecordId cut short": answer_with(200, b'{"RecordId": "abc'),
    "200 of an array": answer_with(200, b'["RecordId"]'),
    "200 of a string": answer_with(200, b'"RecordId"'),
    "200 of null": answer_with(200, b"null"),
    "200 nested too deep": answer_with(200, b"[" * 100_000),
    "no HTTP": write(b"SSH-2.0-OpenSSH_9.2p1\r\n"),
    "a status that is none": write(b"HTTP/1.1 abc\r\n\r\n"),
    "a length that is none": write(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{}"),
    "a broken chunk": write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
    "a broken gzip": write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nzz"),
}
FINAL = {
    "denied": deny,
    "no such stream": lose_the_stream,
    "400 in HTML": answer_with(400, b"<html>"),
    "a redirect": write(b"HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"),
}


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch, firehose: FirehoseServer) -> Iterator[FirehoseServer]:
    """Shorter waits."""
    monkeypatch.setattr(stream, "READ_TIMEOUT_SECONDS", 0.3)
    monkeypatch.setattr(stream, "BACKOFF_SECONDS", 0.001)
    for name, value in aws_environment(firehose.url).items():
        monkeypatch.setenv(name, value)
    return firehose


@pytest.fixture
def client(hurried: FirehoseServer) -> FlaskClient:
    app = create_app(
        Settings("clicklake-dev"), FirehoseStream("clicklake-dev", "clicklake/test", "us-east-1")
    )
    return app.test_client()


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_fault_that_may_pass_is_tried_again_and_then_a_503(
    client: FlaskClient, hurried: FirehoseServer, fault: Callable[..., None]
) -> None:
    hurried.behave(fault)
    answer = client.put("/clicks", data=CLICK)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert 1 <= hurried.asked <= MAX_ATTEMPTS


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_fault_that_passes_costs_nothing(
    client: FlaskClient, hurried: FirehoseServer, fault: Callable[..., None]
) -> None:
    hurried.behave(fault, take)
    answer = client.put("/clicks", data=CLICK)
    assert answer.status_code == 202
    event_id = answer.json["receipts"][0]["eventId"]
    assert hurried.envelopes[-1]["clicks"][0]["eventId"] == event_id


@pytest.mark.parametrize("fault", FINAL.values(), ids=FINAL)
def test_fault_that_cannot_pass_is_not_tried_again(
    client: FlaskClient, hurried: FirehoseServer, fault: Callable[..., None]
) -> None:
    hurried.behave(fault)
    assert client.put("/clicks", data=CLICK).status_code == 503
    assert hurried.asked == 1


FAULTS = [*PASSING.values(), *FINAL.values()]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(script=st.lists(st.sampled_from([take, take, *FAULTS]), min_size=1, max_size=5))
def test_accepted_means_that_the_stream_said_so(
    client: FlaskClient, hurried: FirehoseServer, script: list[Any]
) -> None:
    """Whatever Firehose does, in whatever order."""
    hurried.behave(*script, script[-1])
    answer = client.put("/clicks", data=CLICK)
    performed = [*script, script[-1]][: hurried.asked]
    assert hurried.asked <= MAX_ATTEMPTS
    if answer.status_code == 202:
        assert performed[-1] is take
        assert hurried.envelopes[-1]["requestId"] == answer.json["requestId"]
    else:
        assert answer.status_code == 503
        assert take not in performed


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    raw=st.binary(max_size=60),
    headers=st.sampled_from([b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\n\r\n"]),
)
def test_garbage_is_no_yes(client: FlaskClient, hurried: FirehoseServer, raw: bytes, headers: bytes) -> None:
    hurried.behave(write(headers + raw))
    assert client.put("/clicks", data=CLICK).status_code == 503


def test_nobody_there_is_a_503(hurried: FirehoseServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    app = create_app(
        Settings("clicklake-dev"), FirehoseStream("clicklake-dev", "clicklake/test", "us-east-1")
    )
    assert app.test_client().put("/clicks", data=CLICK).status_code == 503


def test_no_credentials_is_a_503(hurried: FirehoseServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it remembers credentials
    for name, value in {
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_SHARED_CREDENTIALS_FILE": "/none",
        "AWS_CONFIG_FILE": "/none",
    }.items():
        monkeypatch.setenv(name, value)
    app = create_app(
        Settings("clicklake-dev"), FirehoseStream("clicklake-dev", "clicklake/test", "us-east-1")
    )
    assert app.test_client().put("/clicks", data=CLICK).status_code == 503


def test_cause_is_a_name_and_never_a_payload(hurried: FirehoseServer) -> None:
    hurried.behave(deny)
    with pytest.raises(StreamUnavailable) as unavailable:
        FirehoseStream("clicklake-dev", "clicklake/test", "us-east-1").put(b"secret")
    assert unavailable.value.cause == "AccessDeniedException"
    assert not unavailable.value.may_pass
    assert "secret" not in repr(unavailable.value)


def test_no_attempt_may_begin_that_could_end_after_the_total() -> None:
    """In the time that is shipped: two attempts that time out, and no third."""
    longest = stream.CONNECT_TIMEOUT_SECONDS + stream.READ_TIMEOUT_SECONDS
    assert (stream.CONNECT_TIMEOUT_SECONDS, stream.READ_TIMEOUT_SECONDS) == (1, 3)
    assert (stream.MAX_ATTEMPTS, stream.TOTAL_SECONDS) == (3, 10)
    assert 2 * longest <= stream.TOTAL_SECONDS < 3 * longest


def test_silent_firehose_is_asked_twice_and_no_third_time(
    hurried: FirehoseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At a tenth of the time."""
    for name, seconds in {"CONNECT_TIMEOUT": 0.1, "READ_TIMEOUT": 0.3, "TOTAL": 1.0}.items():
        monkeypatch.setattr(stream, f"{name}_SECONDS", seconds)
    hurried.behave(fall_silent)
    with pytest.raises(StreamUnavailable):
        FirehoseStream("clicklake-dev", "clicklake/test", "us-east-1").put(b"{}")
    assert hurried.asked == 2
