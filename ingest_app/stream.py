"""Put records on an Amazon Data Firehose delivery stream. The only module of this bundle that uses boto3."""

import random
import time
from typing import Any, Protocol

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoRegionError

from ingest_app.settings import SettingsError

CONNECT_TIMEOUT_SECONDS = 1
READ_TIMEOUT_SECONDS = 3
MAX_ATTEMPTS = 3
DEADLINE_SECONDS = 10
"""No attempt starts that could end after this. API Gateway would wait 29 s, but visitors leave earlier."""
BACKOFF_SECONDS = 0.1
RETRY_AFTER_SECONDS = 5
MAX_RECORD_BYTES = (
    1_024_000  # before base64: docs.aws.amazon.com/firehose/latest/APIReference/API_Record.html
)

# 4xx codes that are worth a retry: docs.aws.amazon.com/firehose/latest/APIReference/CommonErrors.html
THROTTLING_CODES = frozenset(
    [
        "LimitExceededException",
        "RequestLimitExceeded",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    ]
)

# Exceptions that botocore's response parser can raise on a malformed response.
MALFORMED_RESPONSE_ERRORS = (ValueError, TypeError, AttributeError, KeyError, RecursionError)


class Stream(Protocol):
    """Takes records."""

    def put(self, record: bytes) -> None:
        """Return only after the record was accepted. Otherwise raise StreamUnavailable."""


class StreamUnavailable(Exception):  # noqa: N818 (the name is the state it reports)
    """The record may not have been accepted. `cause` is an AWS code or an exception's name, no payload."""

    def __init__(self, cause: str, is_retryable: bool = True) -> None:
        super().__init__(cause)
        self.cause = cause
        self.is_retryable = is_retryable
        """True if the same request may succeed a moment later."""


class FirehoseStream:
    """One delivery stream. Threads share the boto3 client, which takes 8 to 40 ms to make."""

    def __init__(self, name: str, user_agent: str, region: str | None = None) -> None:
        """Raise SettingsError if no region is configured."""
        self._name = name
        config = Config(
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            read_timeout=READ_TIMEOUT_SECONDS,
            # `put` retries itself, because botocore cannot keep to a deadline.
            # "standard" mode would maintain a retry quota that is never used (10 µs a put).
            retries={"total_max_attempts": 1, "mode": "legacy"},
            user_agent=user_agent,  # botocore would build its own user agent for each put (20 µs of 600)
            parameter_validation=False,  # there is one call, whose parameters are always valid (7 µs a put)
            max_pool_connections=50,  # a threaded server needs more connections than the default of 10
        )
        # botocore's 130 built-in handlers are for other services. Without them a cold start saves 4 ms and a
        # put saves 25 µs. (benchmarks/cold.py and benchmarks/warm.py measure the savings named here.)
        session = boto3.Session(botocore_session=botocore.session.Session(include_builtin_handlers=False))
        try:
            self._client = session.client("firehose", region_name=region, config=config)
        except NoRegionError:
            raise SettingsError("AWS_REGION is not set") from None

    def put(self, record: bytes) -> None:
        """Try up to MAX_ATTEMPTS times, with pauses, within DEADLINE_SECONDS."""
        last_start = time.monotonic() + DEADLINE_SECONDS - CONNECT_TIMEOUT_SECONDS - READ_TIMEOUT_SECONDS
        attempt = 1
        while True:
            try:
                return self._put_once(record)
            except StreamUnavailable as unavailable:
                pause = random.uniform(0, BACKOFF_SECONDS * 4**attempt)  # noqa: S311 (not a secret)
                in_time = time.monotonic() + pause <= last_start
                if not (unavailable.is_retryable and in_time and attempt < MAX_ATTEMPTS):
                    raise
            time.sleep(pause)
            attempt += 1

    def _put_once(self, record: bytes) -> None:
        try:
            response = self._client.put_record(DeliveryStreamName=self._name, Record={"Data": record})
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "ClientError")
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            is_retryable = status >= 500 or code in THROTTLING_CODES
            raise StreamUnavailable(code, is_retryable) from None
        except (BotoCoreError, *MALFORMED_RESPONSE_ERRORS) as error:
            raise StreamUnavailable(type(error).__name__) from None
        if not _has_record_id(response):
            raise StreamUnavailable("NoRecordId")


def _has_record_id(response: Any) -> bool:
    """A 200 alone proves nothing: if a body is not JSON, botocore returns an empty response."""
    record_id = response.get("RecordId")
    return isinstance(record_id, str) and bool(record_id)
