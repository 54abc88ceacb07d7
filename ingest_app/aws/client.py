"""Clients of AWS services with short timeouts. The only module of this bundle that uses boto3.

botocore's own read timeout starts anew with every byte, so a server that sends one byte every two seconds
could hold a request for minutes. Here sending a request and receiving the whole response share one deadline.
"""

import io
import socket
import ssl
import time
from collections.abc import Callable
from http.client import HTTPResponse
from typing import Any

import boto3
import botocore.session
from botocore.awsrequest import AWSHTTPConnectionPool, AWSHTTPSConnectionPool
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoRegionError

from ingest_app.settings import SettingsError

# 4xx codes that are worth a retry: docs.aws.amazon.com/firehose/latest/APIReference/CommonErrors.html
THROTTLING_CODES = frozenset(
    [
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    ]
)

# Exceptions that botocore's response parser can raise on a malformed response.
MALFORMED_RESPONSE_ERRORS = (ValueError, TypeError, AttributeError, KeyError, RecursionError)


TLS_RECORD_BYTES = 16 * 1024


class AwsError(Exception):
    """A call failed. `code` is an AWS code or an exception's name, never a payload."""

    def __init__(self, code: str, is_retryable: bool = True) -> None:
        super().__init__(code)
        self.code = code
        self.is_retryable = is_retryable
        """True if the same call may succeed a moment later."""


def make_client(
    service: str, user_agent: str, region: str | None, connect_seconds: float, answer_seconds: float
) -> Any:
    """Make a client, which threads may share. It takes 4 to 40 ms. Raise SettingsError without a region.

    An attempt ends within `connect_seconds` for TCP, as much for TLS, and `answer_seconds` for the rest.
    """
    config = Config(
        connect_timeout=connect_seconds,
        read_timeout=answer_seconds,
        # Callers retry themselves, because botocore cannot keep to a deadline.
        # "standard" mode would maintain a retry quota that is never used (10 µs a call).
        retries={"total_max_attempts": 1, "mode": "legacy"},
        user_agent=user_agent,  # botocore would build its own user agent for each call (20 µs of 600)
        parameter_validation=False,  # the parameters are always valid (7 µs a call)
        max_pool_connections=50,  # a threaded server needs more connections than the default of 10
    )
    # botocore's 130 built-in handlers are for other services. Without them a cold start saves 4 ms and a
    # call saves 25 µs. (benchmarks/cold.py and benchmarks/warm.py measure the savings named here.)
    session: Any = boto3.Session(botocore_session=botocore.session.Session(include_builtin_handlers=False))
    try:
        client = session.client(service, region_name=region, config=config)
    except NoRegionError:
        raise SettingsError("AWS_REGION is not set") from None
    _keep_deadlines(client, answer_seconds)
    return client


def call(operation: Any, **parameters: Any) -> dict[str, Any]:
    """Call an operation of a client once. Raise AwsError if it fails in any way."""
    try:
        response = operation(**parameters)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "ClientError")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        raise AwsError(code, status >= 500 or code in THROTTLING_CODES) from None
    except (BotoCoreError, *MALFORMED_RESPONSE_ERRORS) as error:
        raise AwsError(type(error).__name__) from None
    if not isinstance(response, dict):
        raise AwsError("MalformedResponse")
    return response


class _Deadline:
    """Mixed into a connection: its request and its response share `answer_seconds`."""

    answer_seconds: float
    sock: Any
    _deadline = 0.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.response_class = self._original_response_cls = self._make_response

    def request(self, *args: Any, **kwargs: Any) -> Any:
        if self.sock is None:
            self.connect()  # type: ignore[attr-defined]
        self._deadline = time.monotonic() + self.answer_seconds
        return super().request(*args, **kwargs)  # type: ignore[misc]

    def send(self, data: bytes) -> None:
        """Send before the deadline. A TLS socket's timeout is for each record, so it gets them one by one."""
        size = TLS_RECORD_BYTES if isinstance(self.sock, ssl.SSLSocket) else len(data)
        for start in range(0, len(data), size or 1):
            self.sock.settimeout(self._seconds_left())
            super().send(data[start : start + size])  # type: ignore[misc]

    def _seconds_left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline is over")
        return left

    def _make_response(self, sock: socket.socket, *args: Any, **kwargs: Any) -> HTTPResponse:
        """Make a response that reads the socket until the deadline."""
        return HTTPResponse(_Readable(sock, self._seconds_left), *args, **kwargs)  # type: ignore[arg-type]


class _Readable(io.RawIOBase):
    """The part of a socket that http.client reads a response from."""

    def __init__(self, sock: socket.socket, seconds_left: Callable[[], float]) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._seconds_left = seconds_left

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._seconds_left())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def _keep_deadlines(client: Any, answer_seconds: float) -> None:
    """Give the client connections of our own.

    botocore has no public way to do so. It is pinned, and e2e/test_stream_faults.py would fail.
    """
    pools: dict[str, Any] = client._endpoint.http_session._pool_classes_by_scheme
    for pool in (AWSHTTPConnectionPool, AWSHTTPSConnectionPool):
        members = {"answer_seconds": answer_seconds}
        connection = type("DeadlineConnection", (_Deadline, pool.ConnectionCls), members)
        pools[pool.scheme] = type("DeadlinePool", (pool,), {"ConnectionCls": connection})
