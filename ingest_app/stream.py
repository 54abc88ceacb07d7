"""Where records go: Amazon Kinesis Data Firehose, by boto3, which stands here alone."""

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
TOTAL_SECONDS = 10
"""No attempt begins that could end later: a gateway waits 29 s, but the page's visitor has left by then."""
BACKOFF_SECONDS = 0.1
RETRY_AFTER_SECONDS = 5
MAX_RECORD_BYTES = (
    1_024_000  # before base64: docs.aws.amazon.com/firehose/latest/APIReference/API_Record.html
)

# A 4xx that passes: docs.aws.amazon.com/firehose/latest/APIReference/CommonErrors.html
_THROTTLES = frozenset(
    [
        "LimitExceededException",
        "RequestLimitExceeded",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    ]
)


# What botocore's parser dies of where an answer is not what the service's model says.
_GARBAGE = (ValueError, TypeError, AttributeError, KeyError, RecursionError)


class Stream(Protocol):
    """Something that takes records."""

    def put(self, record: bytes) -> None:
        """Return only when the record was taken; else raise StreamUnavailable."""


class StreamUnavailable(Exception):  # noqa: N818 (the name is the state it reports)
    """The record was perhaps not taken. `cause` is AWS's code or the name of the failure, never a payload."""

    def __init__(self, cause: str, may_pass: bool = True) -> None:
        super().__init__(cause)
        self.cause = cause
        self.may_pass = may_pass
        """Whether the same request can go well a moment later."""


class FirehoseStream:
    """One delivery stream. Its client is shared between threads, and made once: that takes 8 ms to 40 ms."""

    def __init__(self, name: str, user_agent: str, region: str | None = None) -> None:
        """Raise SettingsError where nothing says the region."""
        self._name = name
        config = Config(
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            read_timeout=READ_TIMEOUT_SECONDS,
            # `put` counts attempts itself: botocore cannot keep to a total time.
            # "standard" would keep a quota of retries of which there are none: 10 µs.
            retries={"total_max_attempts": 1, "mode": "legacy"},
            user_agent=user_agent,  # else botocore builds its own anew on each call: 20 µs of 600
            parameter_validation=False,  # we build the one call there is: 7 µs
            max_pool_connections=50,  # a threaded server has more than the 10 of the default
        )
        # Botocore's own handlers are for other services, 130 of them: 4 ms of a start, 25 µs of a put.
        session = boto3.Session(botocore_session=botocore.session.Session(include_builtin_handlers=False))
        try:
            self._client = session.client("firehose", region_name=region, config=config)
            # Nor need anyone ask whether to try again, which is for `put` to say: 8 µs.
            self._client.meta.events.unregister("needs-retry.firehose", unique_id="retry-config-firehose")
        except NoRegionError:
            raise SettingsError("AWS_REGION is not set") from None

    def put(self, record: bytes) -> None:
        """Try thrice, with pauses, inside TOTAL_SECONDS."""
        last_start = time.monotonic() + TOTAL_SECONDS - CONNECT_TIMEOUT_SECONDS - READ_TIMEOUT_SECONDS
        attempt = 1
        while True:
            try:
                return self._put_once(record)
            except StreamUnavailable as unavailable:
                pause = random.uniform(0, BACKOFF_SECONDS * 4**attempt)  # noqa: S311 (it hides nothing)
                in_time = time.monotonic() + pause <= last_start
                if not (unavailable.may_pass and in_time and attempt < MAX_ATTEMPTS):
                    raise
            time.sleep(pause)
            attempt += 1

    def _put_once(self, record: bytes) -> None:
        try:
            answer = self._client.put_record(DeliveryStreamName=self._name, Record={"Data": record})
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "ClientError")
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            raise StreamUnavailable(code, may_pass=status >= 500 or code in _THROTTLES) from None
        except (BotoCoreError, *_GARBAGE) as error:
            raise StreamUnavailable(type(error).__name__) from None
        if not _names_a_record(answer):
            raise StreamUnavailable("NoRecordId")


def _names_a_record(answer: Any) -> bool:
    """A 200 alone proves nothing: botocore makes an empty answer of a body that is not JSON."""
    record_id = answer.get("RecordId")
    return isinstance(record_id, str) and bool(record_id)
