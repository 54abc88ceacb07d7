"""A buffer of a delivery stream: due when it is large enough or its oldest record is old enough."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from clicklake.local.delivery_stream.destination import Hints
from clicklake.local.delivery_stream.outcomes import Record
from clicklake.local.delivery_stream.transform import MAX_PAYLOAD_BYTES, event_bytes

MAX_EVENT_BYTES = MAX_PAYLOAD_BYTES - 1_000  # leaves room for the event's other fields


@dataclass(frozen=True)
class BufferedRecord:
    """A record, and the bytes to deliver for it: its data, its transformed data, or its error document."""

    record: Record
    payload: bytes


@dataclass
class Buffer:
    items: list[BufferedRecord] = field(default_factory=list)
    bytes: int = 0
    opened: float = 0.0  # when its oldest item was added, in monotonic seconds

    def add(self, item: BufferedRecord, now: float) -> None:
        if not self.items:
            self.opened = now
        self.items.append(item)
        self.bytes += len(item.payload)

    def wait_seconds(self, hints: Hints, now: float) -> float:
        """Return the seconds until the buffer is due: 0 if it is, infinity if it is empty."""
        if not self.items:
            return float("inf")
        return 0.0 if self.bytes >= hints.size_bytes else max(0.0, self.opened + hints.seconds - now)

    def take(self, count: int | None = None) -> list[BufferedRecord]:
        """Remove and return the `count` oldest items, or all of them."""
        taken, self.items = self.items[:count], self.items[len(self.items) if count is None else count :]
        self.bytes -= sum(len(item.payload) for item in taken)
        return taken


def batch_length(items: Sequence[BufferedRecord], size_bytes: int) -> int:
    """Return how many of the oldest items fit into one event, limited by `size_bytes` and by Lambda."""
    length = raw = event = 0
    for item in items:
        raw += len(item.payload)
        event += event_bytes(item.record)
        if length and (raw > size_bytes or event > MAX_EVENT_BYTES):
            break
        length += 1
    return length
