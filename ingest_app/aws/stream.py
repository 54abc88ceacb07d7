"""Put records on an Amazon Data Firehose delivery stream."""

import random
import time
from typing import Protocol

from ingest_app.aws.client import AwsError, call, make_client

CONNECT_TIMEOUT_SECONDS = 1
READ_TIMEOUT_SECONDS = 3
"""Of one attempt, for sending the record and for receiving the whole response, however slowly it comes."""
MAX_ATTEMPTS = 3
DEADLINE_SECONDS = 10
"""No attempt starts that could end after this. API Gateway would wait 29 s, but visitors leave earlier."""
BACKOFF_SECONDS = 0.1
RETRY_AFTER_SECONDS = 5
MAX_RECORD_BYTES = (
    1_024_000  # before base64: docs.aws.amazon.com/firehose/latest/APIReference/API_Record.html
)


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
    """One delivery stream, which threads may share."""

    def __init__(self, name: str, user_agent: str, region: str | None = None) -> None:
        """Raise SettingsError if no region is configured."""
        self._name = name
        self._client = make_client(
            "firehose", user_agent, region, CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS
        )

    def put(self, record: bytes) -> None:
        """Try up to MAX_ATTEMPTS times, with pauses, within DEADLINE_SECONDS."""
        longest = 2 * CONNECT_TIMEOUT_SECONDS + READ_TIMEOUT_SECONDS  # TCP, TLS, and the rest
        last_start = time.monotonic() + DEADLINE_SECONDS - longest
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
            response = call(self._client.put_record, DeliveryStreamName=self._name, Record={"Data": record})
        except AwsError as error:
            raise StreamUnavailable(error.code, error.is_retryable) from None
        # A 200 alone proves nothing: if a body is not JSON, botocore returns an empty response.
        record_id = response.get("RecordId")
        if not (isinstance(record_id, str) and record_id):
            raise StreamUnavailable("NoRecordId")
