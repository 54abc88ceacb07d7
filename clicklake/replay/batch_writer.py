"""Records onto a delivery stream, many at once, until each of them was taken."""

import time
from itertools import count

import boto3

from clicklake.errors import CommandError

# docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html
MAX_BATCH_RECORDS = 500
MAX_BATCH_BYTES = 4 * 1024 * 1024
MAX_ATTEMPTS = 8  # of what a stream refuses for its quota: 25 s in all
FIRST_PAUSE_SECONDS = 0.2  # doubled on each attempt


class Puts:
    """Gathers records; those added last are on the stream after `flush`."""

    def __init__(self, stream: str) -> None:
        self._stream = stream
        self._firehose = boto3.client("firehose")
        self._records: list[bytes] = []
        self._bytes = 0

    def add(self, record: bytes) -> None:
        if len(self._records) == MAX_BATCH_RECORDS or self._bytes + len(record) > MAX_BATCH_BYTES:
            self.flush()
        self._records.append(record)
        self._bytes += len(record)

    def flush(self) -> None:
        """Raises CommandError if the stream goes on refusing some."""
        left, self._records, self._bytes = self._records, [], 0
        for attempt in count():
            left = self._put(left) if left else []
            if not left:
                return
            if attempt == MAX_ATTEMPTS - 1:
                raise CommandError(
                    f"{self._stream} goes on refusing records: wait for its quota, then run this again"
                )
            time.sleep(FIRST_PAUSE_SECONDS * 2**attempt)

    def _put(self, records: list[bytes]) -> list[bytes]:
        """Those that were refused: 200 alone says nothing of any record."""
        answer = self._firehose.put_record_batch(
            DeliveryStreamName=self._stream, Records=[{"Data": record} for record in records]
        )
        return [
            record
            for record, told in zip(records, answer["RequestResponses"], strict=True)
            if "RecordId" not in told
        ]
