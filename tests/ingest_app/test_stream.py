"""FirehoseStream never reports success unless Firehose returned a record id.

No sockets here: botocore gets its responses in this process. e2e/test_stream_faults.py uses sockets.
"""

from collections.abc import Iterator
from io import BytesIO
from itertools import chain, repeat
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest_app import create_app
from ingest_app.aws import stream
from ingest_app.aws.stream import MAX_ATTEMPTS, FirehoseStream, StreamUnavailable
from ingest_app.settings import IngestSettings
from tests.ingest_app.conftest import json_of

Reply = tuple[int, bytes] | Exception

ACCEPTED = (200, b'{"RecordId": "id-1", "Encrypted": false}')
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


def aws_error(status: int, code: str) -> Reply:
    return status, b'{"__type": "%s", "message": "secret"}' % code.encode()


RETRYABLE: dict[str, Reply] = {
    "throttled": aws_error(400, "ThrottlingException"),
    "slow down": aws_error(500, "ServiceUnavailableException"),
    "unreachable": EndpointConnectionError(endpoint_url="https://firehose.example"),
    "silent": ConnectTimeoutError(endpoint_url="https://firehose.example"),
    "500 in HTML": (500, b"<html>"),
    "503 without a body": (503, b""),
    "200 without a body": (200, b""),
    "200 in HTML": (200, b"<html>"),
    "200 of random bytes": (200, b"\xff\xfe\x00"),
    "200 without a RecordId": (200, b"{}"),
    "200 with an empty RecordId": (200, b'{"RecordId": ""}'),
    "200 with a RecordId of null": (200, b'{"RecordId": null}'),
    "200 with a numeric RecordId": (200, b'{"RecordId": 5}'),
    "200 with a truncated RecordId": (200, b'{"RecordId": "abc'),
    "200 of an array": (200, b'["RecordId"]'),
    "200 of a string": (200, b'"RecordId"'),
    "200 of null": (200, b"null"),
    "200 nested too deep": (200, b"[" * 100_000),
}
FINAL: dict[str, Reply] = {
    "denied": aws_error(400, "AccessDeniedException"),
    "no such stream": aws_error(400, "ResourceNotFoundException"),
    "400 in HTML": (400, b"<html>"),
    "a redirect": (301, b""),
}


class RawBody(BytesIO):
    """What botocore expects of urllib3's response."""

    def stream(self) -> Iterator[bytes]:
        yield self.read()


class FakeFirehose:
    """Replies in turn to the requests of a client. The last reply stays."""

    def __init__(self) -> None:
        self.request_count = 0
        self.script(ACCEPTED)

    def script(self, *replies: Reply) -> None:
        self.request_count = 0
        self._replies = chain(replies, repeat(replies[-1]))

    def reply(self, request: Any, **_: Any) -> AWSResponse:
        self.request_count += 1
        reply = next(self._replies)
        if isinstance(reply, Exception):
            raise reply
        status, body = reply
        return AWSResponse(request.url, status, HTTPHeaders(), RawBody(body))


@pytest.fixture(scope="module")
def firehose() -> FakeFirehose:
    return FakeFirehose()


@pytest.fixture(scope="module")
def target(firehose: FakeFirehose) -> Iterator[FirehoseStream]:
    """A stream whose client talks to the fake, without pauses."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream, "BACKOFF_SECONDS", 0)
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        made = FirehoseStream("clicklake-dev", "clicklake/test", "us-east-1")
        events: Any = made._client.meta.events
        events.register("before-send.firehose", firehose.reply)
        yield made


@pytest.mark.parametrize("reply", RETRYABLE.values(), ids=RETRYABLE)
def test_retryable_fault_is_retried_and_then_raised(
    target: FirehoseStream, firehose: FakeFirehose, reply: Reply
) -> None:
    firehose.script(reply)
    with pytest.raises(StreamUnavailable):
        target.put(b"{}")
    assert firehose.request_count == MAX_ATTEMPTS


@pytest.mark.parametrize("reply", RETRYABLE.values(), ids=RETRYABLE)
def test_retry_that_succeeds_is_a_success(
    target: FirehoseStream, firehose: FakeFirehose, reply: Reply
) -> None:
    firehose.script(reply, ACCEPTED)
    target.put(b"{}")
    assert firehose.request_count == 2


@pytest.mark.parametrize("reply", FINAL.values(), ids=FINAL)
def test_final_fault_is_not_retried(target: FirehoseStream, firehose: FakeFirehose, reply: Reply) -> None:
    firehose.script(reply)
    with pytest.raises(StreamUnavailable) as unavailable:
        target.put(b"secret")
    assert not unavailable.value.is_retryable
    assert "secret" not in repr(unavailable.value)
    assert firehose.request_count == 1


def test_cause_is_the_code_of_aws(target: FirehoseStream, firehose: FakeFirehose) -> None:
    firehose.script(FINAL["denied"])
    with pytest.raises(StreamUnavailable) as unavailable:
        target.put(b"{}")
    assert unavailable.value.cause == "AccessDeniedException"


@settings(max_examples=40)
@given(replies=st.lists(st.sampled_from([ACCEPTED, *RETRYABLE.values(), *FINAL.values()]), min_size=1))
def test_202_means_that_the_last_reply_had_a_record_id(
    target: FirehoseStream, firehose: FakeFirehose, replies: list[Reply]
) -> None:
    firehose.script(*replies)
    client = create_app(IngestSettings("clicklake-dev"), target).test_client()
    response = client.put("/clicks", data=b'{"itemId":"1"}')
    used = [*replies, *repeat(replies[-1], MAX_ATTEMPTS)][: firehose.request_count]
    assert len(used) <= MAX_ATTEMPTS
    assert response.status_code == (202 if used[-1] == ACCEPTED else 503)
    assert ACCEPTED not in used[:-1]


def test_missing_credentials_are_a_503(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "BACKOFF_SECONDS", 0)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it would remember credentials
    for name in CREDENTIALS:
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/none")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    app = create_app(IngestSettings("clicklake-dev", region="us-east-1"))
    response = app.test_client().put("/clicks", data=b'{"itemId":"1"}')
    assert response.status_code == 503
    assert json_of(response)["code"] == "stream_unavailable"


def test_no_attempt_starts_that_could_end_after_the_deadline() -> None:
    """The shipped numbers leave time for two attempts that time out, and not for a third."""
    longest = stream.CONNECT_TIMEOUT_SECONDS + stream.READ_TIMEOUT_SECONDS
    assert (stream.CONNECT_TIMEOUT_SECONDS, stream.READ_TIMEOUT_SECONDS) == (1, 3)
    assert (stream.MAX_ATTEMPTS, stream.DEADLINE_SECONDS) == (3, 10)
    assert 2 * longest <= stream.DEADLINE_SECONDS < 3 * longest


def test_pause_that_would_pass_the_deadline_is_not_made(
    target: FirehoseStream, firehose: FakeFirehose, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "BACKOFF_SECONDS", 1_000_000)
    monkeypatch.setattr("random.uniform", lambda _low, high: high)
    firehose.script(RETRYABLE["throttled"])
    with pytest.raises(StreamUnavailable):
        target.put(b"{}")
    assert firehose.request_count == 1
