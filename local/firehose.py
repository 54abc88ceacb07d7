"""A delivery stream that keeps Firehose's contract: buffers, transforms, retries, and loses nothing it took.

It knows no emulator and starts no thread: it is handed a function to invoke, a store to put objects in, a
journal, a clock, and somewhere to run its jobs. docs/local.md says row by row what is kept of AWS's contract.
"""

import gzip
import secrets
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Literal, Protocol

from local import prefix
from local.destination import Destination, Hints, Output
from local.transform import (
    MAX_PAYLOAD_BYTES,
    PROCESSING_FAILED,
    Delivered,
    Failed,
    Invoke,
    Record,
    error_document,
    event_bytes,
    transform,
)

# A slow function must not be handed a new batch twice a second: batches grow instead. AWS's number is not
# known; a laptop gains nothing from more than a few.
MAX_OUTSTANDING_INVOCATIONS = 5
MAX_EVENT_BYTES = MAX_PAYLOAD_BYTES - 1_000  # less what the event says beside its records

# AWS tells neither wait. Short here, so that a laptop's user sees the recovery.
INVOKE_RETRY_SECONDS = 0.1  # doubled on each attempt
PUT_RETRY_SECONDS = 0.25  # doubled on each attempt, up to the next
MAX_PUT_RETRY_SECONDS = 5.0

Kind = Literal["delivered", "failed", "raw"]


@dataclass(frozen=True)
class Object:
    """One S3 object, and the payloads that it was made of (for whoever shows what lands)."""

    kind: Kind
    bucket: str
    key: str
    body: bytes
    content_encoding: str | None
    payloads: list[bytes]


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


@dataclass(frozen=True)
class _Item:
    record: Record
    payload: bytes


@dataclass
class _Buffer:
    items: list[_Item] = field(default_factory=list)
    bytes: int = 0
    opened: float = 0.0  # monotonic seconds, of its oldest item

    def add(self, item: _Item, now: float) -> None:
        if not self.items:
            self.opened = now
        self.items.append(item)
        self.bytes += len(item.payload)

    def take(self, most: int) -> list[_Item]:
        """Remove the oldest items."""
        taken, self.items = self.items[:most], self.items[most:]
        self.bytes -= sum(len(item.payload) for item in taken)
        return taken


@dataclass
class _Parcel:
    """A sealed object that S3 has not taken yet, and the records it settles."""

    object: Object
    record_ids: list[str]
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
        self._source = _Buffer()
        self._outputs: dict[Kind, _Buffer] = {"delivered": _Buffer(), "failed": _Buffer(), "raw": _Buffer()}
        self._parcels: list[_Parcel] = []
        self._owed: dict[str, int] = {}  # record id to how many objects must be put before it is settled
        self._invocations = 0
        self._flushing = False

    @property
    def waiting(self) -> int:
        """Records that were accepted and are not settled yet."""
        return len(self._owed)

    def configure(self, version: int, destination: Destination) -> None:
        """Change the destination; what is buffered already follows it too, as on AWS."""
        with self._lock:
            self._version, self._destination = version, destination

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
            for record in records:
                item = _Item(record, record.data)
                self._owed[record.id] = 1
                if self._destination.backup:
                    self._owed[record.id] += 1
                    self._outputs["raw"].add(item, now)
                first = self._source if self._destination.processor else self._outputs["delivered"]
                first.add(item, now)

    def tick(self) -> float:
        """Run what is due; answer in how many seconds something will be, if nothing is put meanwhile."""
        now = self._around.monotonic_seconds()
        with self._lock:
            batches = self._due_batches(now)
            parcels = self._due_parcels(now)
        for batch in batches:
            self._around.run(partial(self._process, batch))
        for parcel in parcels:
            self._around.run(partial(self._put_parcel, parcel))
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

    def _due_batches(self, now: float) -> list[list[_Item]]:
        batches = []
        processor = self._destination.processor
        while processor and self._invocations < MAX_OUTSTANDING_INVOCATIONS:
            hints = processor.hints
            if not self._source.items or self._wait(self._source, hints, now) > 0:
                break
            batches.append(self._source.take(_batch_length(self._source.items, hints.size_bytes)))
            self._invocations += 1
        return batches

    def _due_parcels(self, now: float) -> list[_Parcel]:
        for kind, buffer in self._outputs.items():
            if buffer.items and self._output_wait(kind, buffer, now) <= 0:
                self._parcels.append(self._seal(kind, buffer.take(len(buffer.items))))
        due = [parcel for parcel in self._parcels if parcel.due <= now]
        self._parcels = [parcel for parcel in self._parcels if parcel.due > now]
        return due

    def _wait(self, buffer: _Buffer, hints: Hints, now: float) -> float:
        full = buffer.bytes >= hints.size_bytes or self._flushing
        return 0.0 if full else buffer.opened + hints.seconds - now

    def _output_wait(self, kind: Kind, buffer: _Buffer, now: float) -> float:
        """While S3 refuses objects of this kind, gather what follows instead of sealing ever more."""
        wait = self._wait(buffer, self._output(kind).hints, now)
        refused = any(parcel.wait_seconds and parcel.object.kind == kind for parcel in self._parcels)
        may_gather = refused and not self._flushing and buffer.bytes < self._output(kind).hints.size_bytes
        return max(wait, MAX_PUT_RETRY_SECONDS) if may_gather else wait

    def _seconds_to_next(self, now: float) -> float:
        waits = [parcel.due - now for parcel in self._parcels]
        for kind, buffer in self._outputs.items():
            if buffer.items:
                waits.append(self._output_wait(kind, buffer, now))
        processor = self._destination.processor
        if processor and self._source.items and self._invocations < MAX_OUTSTANDING_INVOCATIONS:
            waits.append(self._wait(self._source, processor.hints, now))
        return max(0.0, min(waits, default=60.0))

    def _output(self, kind: Kind) -> Output:
        if kind == "raw":
            return self._destination.backup or self._destination.delivered
        return self._destination.failed if kind == "failed" else self._destination.delivered

    # From batch to outcomes.

    def _process(self, batch: list[_Item]) -> None:
        try:
            again = self._around.deliver_twice()
            if again:
                self._owe([item.record for item in batch])
            for _ in range(1 + again):
                self._transform(batch)
        finally:
            with self._lock:
                self._invocations -= 1

    def _transform(self, batch: list[_Item]) -> None:
        processor = self._destination.processor
        if processor is None:  # the stream lost its processor while the batch was buffered
            self._sort_out([("delivered", item) for item in batch])
            return
        records = [item.record for item in batch]
        result = transform(
            records,
            self._around.invoke,
            processor.lambda_arn,
            processor.retries,
            pause=lambda attempt: self._around.sleep(INVOKE_RETRY_SECONDS * 2 ** (attempt - 1)),
            envelope={"deliveryStreamArn": self.arn, "region": self.arn.split(":")[3]},
        )
        ended_ms = int(self._around.wall_seconds() * 1000)
        sorted_out: list[tuple[Kind, _Item]] = []
        dropped = []
        for record, outcome in zip(records, result.outcomes, strict=True):
            match outcome:
                case Delivered(data):
                    sorted_out.append(("delivered", _Item(record, data)))
                case Failed():
                    document = error_document(
                        record, outcome, result.attempts, ended_ms, processor.lambda_arn
                    )
                    sorted_out.append(("failed", _Item(record, document)))
                case _:
                    dropped.append(record.id)
        self._sort_out(sorted_out)
        self._settle(dropped)

    def _sort_out(self, items: list[tuple[Kind, _Item]]) -> None:
        now = self._around.monotonic_seconds()
        with self._lock:
            for kind, item in items:
                self._outputs[kind].add(item, now)

    # From buffer to object.

    def _seal(self, kind: Kind, items: list[_Item]) -> _Parcel:
        output = self._output(kind)
        payloads = [item.payload for item in items]
        body = (output.separator if kind == "delivered" else b"").join(payloads)
        sealed = Object(
            kind=kind,
            bucket=output.bucket,
            key=self._key(output, min(item.record.arrived_ms for item in items)),
            body=gzip.compress(body) if output.compressed else body,
            content_encoding="gzip" if output.compressed else None,
            payloads=payloads,
        )
        return _Parcel(sealed, [item.record.id for item in items])

    def _key(self, output: Output, oldest_ms: int) -> str:
        """https://docs.aws.amazon.com/firehose/latest/dev/s3-object-name.html"""
        arrived = datetime.fromtimestamp(oldest_ms / 1000, UTC).astimezone(output.zone)
        folder = prefix.evaluate(output.prefix, arrived, PROCESSING_FAILED)
        name = f"{self.name}-{self._version}-{arrived:%Y-%m-%d-%H-%M-%S}-{uuid.uuid4()}{output.extension}"
        return folder + name

    def _put_parcel(self, parcel: _Parcel) -> None:
        try:
            self._around.put_object(parcel.object)
        except Exception:  # whatever S3's reason is, the object is tried again, for ever
            parcel.wait_seconds = min(parcel.wait_seconds * 2 or PUT_RETRY_SECONDS, MAX_PUT_RETRY_SECONDS)
            parcel.due = self._around.monotonic_seconds() + parcel.wait_seconds
            with self._lock:
                self._parcels.append(parcel)
            return
        self._around.landed(parcel.object)
        self._settle(parcel.record_ids)

    # What is owed.

    def _owe(self, records: Sequence[Record]) -> None:
        with self._lock:
            for record in records:
                self._owed[record.id] += 1

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


def _batch_length(items: Sequence[_Item], size_bytes: int) -> int:
    """How many of the oldest items make one event: up to the hint, never over what Lambda takes."""
    length = raw = event = 0
    for item in items:
        raw += len(item.payload)
        event += event_bytes(item.record)
        if length and (raw > size_bytes or event > MAX_EVENT_BYTES):
            break
        length += 1
    return length


def _new_record_id(arrived_ms: int) -> str:
    """56 digits, as AWS's are."""
    return f"{arrived_ms:020}{secrets.randbelow(10**36):036}"
