"""A delivery stream that keeps Firehose's contract: buffers, transforms, retries, and loses nothing it took.

It knows no emulator and starts no thread: it is handed a function to invoke, a store to put objects in, a
journal, a clock, and somewhere to run its jobs. docs/local.md says row by row what is kept of AWS's contract.
"""

import secrets
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from clicklake.local.delivery_stream.buffer import Buffer, Item, batch_length
from clicklake.local.delivery_stream.destination import Destination, Hints, Output, Processor
from clicklake.local.delivery_stream.objects import Kind, Object, build_object
from clicklake.local.delivery_stream.transform import (
    Delivered,
    Failed,
    Invoke,
    Record,
    error_document,
    transform,
)

# A slow function must not be handed a new batch twice a second: batches grow instead. AWS's number is not
# known; a laptop gains nothing from more than a few.
MAX_OUTSTANDING_INVOCATIONS = 5

# AWS tells neither wait. Short here, so that a laptop's user sees the recovery.
INVOKE_RETRY_SECONDS = 0.1  # doubled on each attempt
PUT_RETRY_SECONDS = 0.25  # doubled on each attempt, up to the next
MAX_PUT_RETRY_SECONDS = 5.0

NOTHING_DUE_SECONDS = 60.0


class Journal(Protocol):
    """Where accepted records are until they are delivered; survives the process."""

    def add(self, stream: str, records: Sequence[Record]) -> None: ...

    def remove(self, records: Iterable[str]) -> None: ...


@dataclass(frozen=True)
class Surroundings:
    """What a stream is handed."""

    invoke: Invoke
    put_object: Callable[[Object], None]  # raises what S3 does not take
    journal: Journal
    run: Callable[[Callable[[], None]], object] = lambda job: job()  # now, or on a thread
    landed: Callable[[Object], None] = lambda _: None
    deliver_twice: Callable[[], bool] = lambda: False
    wall_seconds: Callable[[], float] = time.time
    monotonic_seconds: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass
class _Parcel:
    """Items that S3 has not taken yet. They keep their key over the attempts."""

    kind: Kind
    items: list[Item]
    build: Callable[[], Object]
    object: Object | None = None
    wait_seconds: float = 0.0  # the last wait between two attempts; 0 before the first
    due: float = 0.0  # monotonic seconds


class DeliveryStream:
    """Thread-safe. Nothing happens but in `put`, `tick` and the jobs that `tick` runs."""

    def __init__(self, arn: str, version: int, destination: Destination, around: Surroundings) -> None:
        self.arn = arn
        self.name = arn.rpartition("/")[2]
        self._version = version
        self._destination = destination
        self._around = around
        self._lock = threading.Lock()
        self._settled = threading.Condition(self._lock)
        self._source = Buffer()  # what the processor has not seen
        self._outputs: dict[Kind, Buffer] = {"delivered": Buffer(), "failed": Buffer(), "raw": Buffer()}
        self._parcels: list[_Parcel] = []
        self._refused: set[Kind] = set()  # what S3 did not take when last asked
        self._owed: dict[str, int] = {}  # record id to how many objects must be put before it is settled
        self._invocations = 0
        self._flushing = False

    @property
    def waiting(self) -> int:
        """Records that were accepted and are not settled yet."""
        return len(self._owed)

    def configure(self, version: int, destination: Destination) -> None:
        """Change the destination; what is buffered follows it. As on AWS, source backup cannot be ended."""
        now = self._around.monotonic_seconds()
        with self._lock:
            self._version = version
            self._destination = replace(destination, backup=destination.backup or self._destination.backup)
            if not destination.processor:
                for item in self._source.take():
                    self._outputs["delivered"].add(item, now)

    def put(self, data: Sequence[bytes]) -> list[str]:
        """Accept records; on return they are in the journal. Answers their ids."""
        arrived_ms = int(self._around.wall_seconds() * 1000)
        records = [Record(_new_record_id(arrived_ms), each, arrived_ms) for each in data]
        self._around.journal.add(self.arn, records)
        self.resume(records)
        return [record.id for record in records]

    def resume(self, records: Sequence[Record]) -> None:
        """Take records that the journal holds already."""
        now = self._around.monotonic_seconds()
        with self._lock:
            first = self._source if self._destination.processor else self._outputs["delivered"]
            for record in records:
                item = Item(record, record.data)
                first.add(item, now)
                self._owed[record.id] = 1
                if self._destination.backup:
                    self._owed[record.id] += 1
                    self._outputs["raw"].add(item, now)

    def tick(self) -> float:
        """Run what is due; answer in how many seconds something will be, if nothing is put meanwhile."""
        now = self._around.monotonic_seconds()
        with self._lock:
            jobs = [*self._due_batches(now), *self._due_parcels(now)]
        for job in jobs:
            self._around.run(job)
        with self._lock:
            return self._seconds_to_next(self._around.monotonic_seconds())

    def begin_flush(self) -> None:
        """From now on no buffer waits for its size or interval."""
        self._flushing = True

    def end_flush(self, deadline: float) -> bool:
        """Wait until all that was accepted is settled, or until `deadline` (monotonic seconds); say which."""
        with self._settled:
            self._settled.wait_for(lambda: not self._owed, max(0.0, deadline - time.monotonic()))
            self._flushing = False
            return not self._owed

    # What is due. All under the lock.

    def _due_batches(self, now: float) -> list[Callable[[], None]]:
        jobs: list[Callable[[], None]] = []
        processor = self._destination.processor
        while processor and self._source_wait(processor, now) <= 0:
            self._invocations += 1
            batch = self._source.take(batch_length(self._source.items, processor.hints.size_bytes))
            jobs.append(partial(self._process, processor, batch))
        return jobs

    def _due_parcels(self, now: float) -> list[Callable[[], None]]:
        for kind, buffer in self._outputs.items():
            if self._output_wait(kind, now) <= 0:
                self._parcels.append(self._seal(kind, buffer.take()))
        due = [parcel for parcel in self._parcels if parcel.due <= now]
        self._parcels = [parcel for parcel in self._parcels if parcel.due > now]
        return [partial(self._put_parcel, parcel) for parcel in due]

    def _seconds_to_next(self, now: float) -> float:
        waits = [parcel.due - now for parcel in self._parcels]
        waits += [self._output_wait(kind, now) for kind in self._outputs]
        if self._destination.processor:
            waits.append(self._source_wait(self._destination.processor, now))
        return max(0.0, min(*waits, NOTHING_DUE_SECONDS))

    def _source_wait(self, processor: Processor, now: float) -> float:
        if self._invocations >= MAX_OUTSTANDING_INVOCATIONS:
            return NOTHING_DUE_SECONDS
        return self._wait(self._source, processor.hints, now)

    def _output_wait(self, kind: Kind, now: float) -> float:
        """While S3 refuses objects of this kind, gather what follows instead of sealing ever more."""
        buffer, hints = self._outputs[kind], self._output(kind).hints
        if kind in self._refused and not self._flushing and buffer.bytes < hints.size_bytes:
            return NOTHING_DUE_SECONDS
        return self._wait(buffer, hints, now)

    def _wait(self, buffer: Buffer, hints: Hints, now: float) -> float:
        return 0.0 if self._flushing and buffer.items else buffer.wait_seconds(hints, now)

    def _output(self, kind: Kind) -> Output:
        if kind == "raw" and self._destination.backup:
            return self._destination.backup
        return self._destination.failed if kind == "failed" else self._destination.delivered

    # From batch to outcomes.

    def _process(self, processor: Processor, batch: list[Item]) -> None:
        try:
            again = self._around.deliver_twice()
            if again:
                self._owe(batch)
            for _ in range(1 + again):
                self._transform(processor, [item.record for item in batch])
        finally:
            with self._lock:
                self._invocations -= 1

    def _transform(self, processor: Processor, records: list[Record]) -> None:
        result = transform(
            records,
            self._around.invoke,
            processor.lambda_arn,
            processor.retries,
            pause=lambda attempt: self._around.sleep(INVOKE_RETRY_SECONDS * 2 ** (attempt - 1)),
            envelope={"deliveryStreamArn": self.arn, "region": self.arn.split(":")[3]},
        )
        now, ended_ms = self._around.monotonic_seconds(), int(self._around.wall_seconds() * 1000)
        dropped = []
        with self._lock:
            for record, outcome in zip(records, result.outcomes, strict=True):
                match outcome:
                    case Delivered(data):
                        self._outputs["delivered"].add(Item(record, data), now)
                    case Failed():
                        arn = processor.lambda_arn
                        document = error_document(record, outcome, result.attempts, ended_ms, arn)
                        self._outputs["failed"].add(Item(record, document), now)
                    case _:
                        dropped.append(record.id)
        self._settle(dropped)

    # From buffer to object.

    def _seal(self, kind: Kind, items: list[Item]) -> _Parcel:
        """Fix where the items go; the object itself is built outside the lock."""
        output = self._output(kind)
        return _Parcel(kind, items, partial(build_object, kind, self.name, self._version, output, items))

    def _put_parcel(self, parcel: _Parcel) -> None:
        try:
            parcel.object = parcel.object or parcel.build()
            self._around.put_object(parcel.object)
        except Exception:  # whatever S3's reason is, the object is tried again, for ever
            parcel.wait_seconds = min(parcel.wait_seconds * 2 or PUT_RETRY_SECONDS, MAX_PUT_RETRY_SECONDS)
            parcel.due = self._around.monotonic_seconds() + parcel.wait_seconds
            with self._lock:
                self._refused.add(parcel.kind)
                self._parcels.append(parcel)
            return
        self._refused.discard(parcel.kind)
        self._around.landed(parcel.object)
        self._settle([item.record.id for item in parcel.items])

    # What is owed.

    def _owe(self, batch: Sequence[Item]) -> None:
        with self._lock:
            for item in batch:
                self._owed[item.record.id] += 1

    def _settle(self, record_ids: Sequence[str]) -> None:
        with self._lock:
            done = []
            for record_id in record_ids:
                self._owed[record_id] -= 1
                if not self._owed[record_id]:
                    done.append(record_id)
        # The journal first: what it still holds is delivered again after a crash, so it is not settled yet.
        self._around.journal.remove(done)
        with self._settled:
            for record_id in done:
                del self._owed[record_id]
            self._settled.notify_all()


def _new_record_id(arrived_ms: int) -> str:
    """56 digits, as AWS's are."""
    return f"{arrived_ms:020}{secrets.randbelow(10**36):036}"
