"""What a delivery stream holds back until there is enough of it, or it has waited long enough."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from clicklake.local.delivery_stream.destination import Hints
from clicklake.local.delivery_stream.transform import MAX_PAYLOAD_BYTES, Record, event_bytes

MAX_EVENT_BYTES = MAX_PAYLOAD_BYTES - 1_000  # less what an event says beside its records


@dataclass(frozen=True)
class Item:
    """A record, and what of it goes on from here: itself, its line, its error document."""

    record: Record
    payload: bytes


@dataclass
class Buffer:
    items: list[Item] = field(default_factory=list)
    bytes: int = 0
    opened: float = 0.0  # monotonic seconds, of its oldest item

    def add(self, item: Item, now: float) -> None:
        if not self.items:
            self.opened = now
        self.items.append(item)
        self.bytes += len(item.payload)

    def wait_seconds(self, hints: Hints, now: float) -> float:
        """How long until it is due; never for an empty one."""
        if not self.items:
            return float("inf")
        return 0.0 if self.bytes >= hints.size_bytes else max(0.0, self.opened + hints.seconds - now)

    def take(self, most: int | None = None) -> list[Item]:
        """Remove the oldest items, or all."""
        taken, self.items = self.items[:most], self.items[len(self.items) if most is None else most :]
        self.bytes -= sum(len(item.payload) for item in taken)
        return taken


def batch_length(items: Sequence[Item], size_bytes: int) -> int:
    """How many of the oldest items make one event: up to the hint, never over what Lambda takes."""
    length = raw = event = 0
    for item in items:
        raw += len(item.payload)
        event += event_bytes(item.record)
        if length and (raw > size_bytes or event > MAX_EVENT_BYTES):
            break
        length += 1
    return length
