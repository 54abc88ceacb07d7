"""A delivery stream that keeps Firehose's contract: it buffers, transforms and retries, and loses no record.

It knows no emulator and starts no thread: everything it needs is passed in (dependencies.py). docs/local.md
lists row by row which parts of AWS's contract it keeps.
"""

import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from clicklake.local.delivery_stream.buffer import Buffer, BufferedRecord, batch_length
from clicklake.local.delivery_stream.dependencies import StreamDependencies
from clicklake.local.delivery_stream.destination import Destination, Hints, Output, Processor
from clicklake.local.delivery_stream.objects import Kind, build_object
from clicklake.local.delivery_stream.outcomes import Delivered, Failed, Record, error_document
from clicklake.local.delivery_stream.pending_writes import PendingWrites
from clicklake.local.delivery_stream.transform import transform
from clicklake.local.delivery_stream.uploads import PendingUpload

# Bounded so that a slow function gets larger batches, not a new batch twice a second. AWS's number is not
# documented; on a laptop more than a few gain nothing.
MAX_CONCURRENT_INVOCATIONS = 5

INVOKE_RETRY_SECONDS = 0.1  # doubled on each attempt; AWS's wait is not documented
NOTHING_DUE_SECONDS = 60.0


class DeliveryStream:
    """Thread-safe. Nothing happens outside `put`, `tick` and the jobs that `tick` runs."""

    def __init__(self, arn: str, version: int, destination: Destination, deps: StreamDependencies) -> None:
        self.arn = arn
        self.name = arn.rpartition("/")[2]
        self._version = version
        self._destination = destination
        self._deps = deps
        self._lock = threading.Lock()
        self._source = Buffer()  # records that wait for the processor
        self._outputs: dict[Kind, Buffer] = {"delivered": Buffer(), "failed": Buffer(), "raw": Buffer()}
        self._uploads: list[PendingUpload] = []
        self._pending_writes = PendingWrites(deps.journal)
        self._blocked_kinds: set[Kind] = set()  # S3 refused the latest object of these kinds
        self._invocations = 0
        self._flushing = False

    @property
    def waiting(self) -> int:
        """Return the number of accepted records that have not landed."""
        return len(self._pending_writes)

    def configure(self, version: int, destination: Destination) -> None:
        """Change the destination, also for buffered records. As on AWS, a source backup cannot be removed."""
        now = self._deps.monotonic_seconds()
        with self._lock:
            self._version = version
            self._destination = replace(destination, backup=destination.backup or self._destination.backup)
            if not destination.processor:
                for item in self._source.take():
                    self._outputs["delivered"].add(item, now)

    def put(self, data: Sequence[bytes]) -> list[str]:
        """Accept records and return their ids. They are in the journal by then."""
        arrived_ms = int(self._deps.wall_seconds() * 1000)
        records = [Record(_new_record_id(arrived_ms), payload, arrived_ms) for payload in data]
        self._deps.journal.add(self.arn, records)
        self.resume(records)
        return [record.id for record in records]

    def resume(self, records: Sequence[Record]) -> None:
        """Accept records that the journal already holds."""
        now = self._deps.monotonic_seconds()
        with self._lock:
            backup = self._destination.backup
            first = self._source if self._destination.processor else self._outputs["delivered"]
            self._pending_writes.expect((record.id for record in records), writes=2 if backup else 1)
            for record in records:
                item = BufferedRecord(record, record.data)
                first.add(item, now)
                if backup:
                    self._outputs["raw"].add(item, now)

    def tick(self) -> float:
        """Run everything that is due. Return the seconds until the next job, assuming no new puts."""
        now = self._deps.monotonic_seconds()
        with self._lock:
            jobs = [*self._due_batches(now), *self._due_uploads(now)]
        for job in jobs:
            self._deps.run(job)
        with self._lock:
            return self._seconds_to_next(self._deps.monotonic_seconds())

    def begin_flush(self) -> None:
        """From now on no buffer waits for its size or interval."""
        self._flushing = True

    def end_flush(self, deadline: float) -> bool:
        """Wait until all accepted records have landed. Return False if `deadline` (monotonic) comes first."""
        landed = self._pending_writes.wait_until_done(deadline)
        self._flushing = False
        return landed

    # What is due. Called under the lock.

    def _due_batches(self, now: float) -> list[Callable[[], None]]:
        jobs: list[Callable[[], None]] = []
        processor = self._destination.processor
        while processor and self._source_wait(processor, now) <= 0:
            self._invocations += 1
            batch = self._source.take(batch_length(self._source.items, processor.hints.size_bytes))
            jobs.append(partial(self._process, processor, batch))
        return jobs

    def _due_uploads(self, now: float) -> list[Callable[[], None]]:
        for kind, buffer in self._outputs.items():
            if self._output_wait(kind, now) <= 0:
                self._uploads.append(self._seal(kind, buffer.take()))
        due = [upload for upload in self._uploads if upload.due <= now]
        self._uploads = [upload for upload in self._uploads if upload.due > now]
        return [partial(self._upload, upload) for upload in due]

    def _seconds_to_next(self, now: float) -> float:
        waits = [upload.due - now for upload in self._uploads]
        waits += [self._output_wait(kind, now) for kind in self._outputs]
        if self._destination.processor:
            waits.append(self._source_wait(self._destination.processor, now))
        return max(0.0, min(*waits, NOTHING_DUE_SECONDS))

    def _source_wait(self, processor: Processor, now: float) -> float:
        if self._invocations >= MAX_CONCURRENT_INVOCATIONS:
            return NOTHING_DUE_SECONDS
        return self._wait(self._source, processor.hints, now)

    def _output_wait(self, kind: Kind, now: float) -> float:
        """While S3 refuses objects of this kind, let the buffer fill instead of sealing more objects."""
        buffer, hints = self._outputs[kind], self._output(kind).hints
        if kind in self._blocked_kinds and not self._flushing and buffer.bytes < hints.size_bytes:
            return NOTHING_DUE_SECONDS
        return self._wait(buffer, hints, now)

    def _wait(self, buffer: Buffer, hints: Hints, now: float) -> float:
        return 0.0 if self._flushing and buffer.items else buffer.wait_seconds(hints, now)

    def _output(self, kind: Kind) -> Output:
        if kind == "raw" and self._destination.backup:
            return self._destination.backup
        return self._destination.failed if kind == "failed" else self._destination.delivered

    def _seal(self, kind: Kind, items: list[BufferedRecord]) -> PendingUpload:
        """Decide where the records go. The object itself is built later, outside the lock."""
        build = partial(build_object, kind, self.name, self._version, self._output(kind), items)
        return PendingUpload(kind, items, build)

    # The jobs.

    def _process(self, processor: Processor, batch: list[BufferedRecord]) -> None:
        try:
            twice = self._deps.deliver_twice()
            if twice:
                self._pending_writes.expect(item.record.id for item in batch)
            for _ in range(1 + twice):
                self._transform(processor, [item.record for item in batch])
        finally:
            with self._lock:
                self._invocations -= 1

    def _transform(self, processor: Processor, records: list[Record]) -> None:
        result = transform(
            records,
            self._deps.invoke,
            processor.lambda_arn,
            processor.retries,
            pause=lambda attempt: self._deps.sleep(INVOKE_RETRY_SECONDS * 2 ** (attempt - 1)),
            envelope={"deliveryStreamArn": self.arn, "region": self.arn.split(":")[3]},
        )
        now, ended_ms = self._deps.monotonic_seconds(), int(self._deps.wall_seconds() * 1000)
        dropped = []
        with self._lock:
            for record, outcome in zip(records, result.outcomes, strict=True):
                match outcome:
                    case Delivered(data):
                        self._outputs["delivered"].add(BufferedRecord(record, data), now)
                    case Failed():
                        arn = processor.lambda_arn
                        document = error_document(record, outcome, result.attempts, ended_ms, arn)
                        self._outputs["failed"].add(BufferedRecord(record, document), now)
                    case _:
                        dropped.append(record.id)
        self._pending_writes.ack(dropped)

    def _upload(self, upload: PendingUpload) -> None:
        try:
            sealed = upload.put(self._deps.put_object)
        except Exception:  # whatever the store's reason is
            upload.postpone(self._deps.monotonic_seconds())
            with self._lock:
                self._blocked_kinds.add(upload.kind)
                self._uploads.append(upload)
            return
        with self._lock:
            self._blocked_kinds.discard(upload.kind)
        self._deps.landed(sealed)
        self._pending_writes.ack(item.record.id for item in upload.items)


def _new_record_id(arrived_ms: int) -> str:
    """Return 56 digits, as many as AWS's record ids have."""
    return f"{arrived_ms:020}{secrets.randbelow(10**36):036}"
