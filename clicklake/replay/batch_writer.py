"""Put many records onto a delivery stream, until it has accepted each of them."""

import time
from itertools import count
from typing import Any

from clicklake.errors import CommandError

# docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html
MAX_BATCH_RECORDS = 500
MAX_BATCH_BYTES = 4 * 1024 * 1024
MAX_ATTEMPTS = 8  # for records that the stream refuses because of its quota: 25 s in all
FIRST_PAUSE_SECONDS = 0.2  # doubled on each attempt


class FirehoseBatchWriter:
    """Collects records and puts them in batches. `flush` puts the last ones."""

    def __init__(self, firehose: Any, stream: str) -> None:
        self._stream = stream
        self._firehose = firehose
        self._records: list[bytes] = []
        self._bytes = 0

    def add(self, record: bytes) -> None:
        if len(self._records) == MAX_BATCH_RECORDS or self._bytes + len(record) > MAX_BATCH_BYTES:
            self.flush()
        self._records.append(record)
        self._bytes += len(record)

    def flush(self) -> None:
        """Return once the stream has accepted every record. Raises CommandError if it keeps refusing some."""
        pending, self._records, self._bytes = self._records, [], 0
        for attempt in count():
            pending = self._put(pending) if pending else []
            if not pending:
                return
            if attempt == MAX_ATTEMPTS - 1:
                raise CommandError(
                    f"{self._stream} keeps refusing records; wait for its quota, then run this again"
                )
            time.sleep(FIRST_PAUSE_SECONDS * 2**attempt)

    def _put(self, records: list[bytes]) -> list[bytes]:
        """Put one batch. Return the refused records: a 200 does not mean that each record was accepted."""
        response = self._firehose.put_record_batch(
            DeliveryStreamName=self._stream, Records=[{"Data": record} for record in records]
        )
        return [
            record
            for record, result in zip(records, response["RequestResponses"], strict=True)
            if "RecordId" not in result
        ]
