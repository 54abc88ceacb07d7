"""The latest objects that landed, as JSON events: bounded, in order, for any number of readers."""

import json
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, get_args

from clicklake.local.delivery_stream.objects import Kind, SealedObject

MAX_KEPT_ENTRIES = 10_000  # of each kind
MAX_KEPT_CHARACTERS = 32 * 1024 * 1024  # of each kind
RATE_SECONDS = 60

Event = Kind | Literal["reset", "idle"]


@dataclass(frozen=True)
class LogEntry:
    number: int  # increases for ever, also across resets
    event: Event
    json: str


@dataclass
class RingBuffer:
    """The latest entries of one kind."""

    entries: deque[LogEntry] = field(default_factory=deque)
    characters: int = 0
    total: int = 0  # since the last reset, whether still kept or not

    def add(self, entry: LogEntry) -> None:
        self.entries.append(entry)
        self.characters += len(entry.json)
        self.total += 1
        while len(self.entries) > MAX_KEPT_ENTRIES or self.characters > MAX_KEPT_CHARACTERS:
            self.characters -= len(self.entries.popleft().json)


class EventLog:
    """Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._landed: dict[Kind, Counter[int]] = {kind: Counter() for kind in get_args(Kind)}
        self._changed = threading.Condition()
        self._number = 0
        self._reset_at = 0
        self._buffers: dict[Kind, RingBuffer] = {kind: RingBuffer() for kind in get_args(Kind)}

    def add(self, landed: SealedObject) -> None:
        """Add each line of a delivered object, each document of a failed one, each record of a raw one."""
        payloads = landed.payloads
        if landed.kind != "raw":
            payloads = [line for payload in payloads for line in payload.splitlines() if line.strip()]
        second = int(self._clock())
        with self._changed:
            self._count(landed.kind, second, len(payloads))
            for payload in payloads:
                self._number += 1
                self._buffers[landed.kind].add(LogEntry(self._number, landed.kind, _to_json(payload)))
            self._changed.notify_all()

    def reset(self) -> None:
        with self._changed:
            self._buffers = {kind: RingBuffer() for kind in self._buffers}
            self._landed = {kind: Counter() for kind in self._landed}
            self._number += 1
            self._reset_at = self._number
            self._changed.notify_all()

    def to_json(self, kind: Kind) -> str:
        """Return the kept entries of one kind as a JSON array, oldest first."""
        with self._changed:
            entries = list(self._buffers[kind].entries)
        return "[" + ",\n".join(entry.json for entry in entries) + "]\n"

    def totals(self) -> dict[str, int]:
        """Return how many entries of each kind were added since the last reset, kept or not."""
        with self._changed:
            return {kind: buffer.total for kind, buffer in self._buffers.items()}

    def last_minute(self) -> dict[str, list[int]]:
        """Return the number of entries of each kind that landed in each of the last RATE_SECONDS seconds."""
        now = int(self._clock())
        seconds = range(now - RATE_SECONDS + 1, now + 1)
        with self._changed:
            return {kind: [landed[second] for second in seconds] for kind, landed in self._landed.items()}

    def _count(self, kind: Kind, second: int, number: int) -> None:
        landed = self._landed[kind]
        landed[second] += number
        for old in [known for known in landed if known <= second - RATE_SECONDS]:
            del landed[old]

    def number_before_last(self, count: int) -> int:
        """Return the number to follow from so that the `count` latest entries come first."""
        with self._changed:
            numbers = sorted(entry.number for buffer in self._buffers.values() for entry in buffer.entries)
            if not count:
                return self._number
            return numbers[-count] - 1 if len(numbers) >= count else 0

    def follow(self, after: int, idle_seconds: float) -> Iterator[LogEntry]:
        """Yield each entry with a number above `after`, for ever.

        Yields a "reset" entry after a reset, and an "idle" entry whenever nothing came for `idle_seconds`.
        """
        while True:
            deadline = time.monotonic() + idle_seconds
            with self._changed:
                self._changed.wait_for(partial(self._has_passed, after), deadline - time.monotonic())
                entries, reset_at, latest = self._newer_than(after), self._reset_at, self._number
            if reset_at > after:
                yield LogEntry(reset_at, "reset", "{}")
            yield from entries
            if latest == after:
                yield LogEntry(after, "idle", "{}")
            after = latest

    def _has_passed(self, number: int) -> bool:
        return self._number > number

    def _newer_than(self, after: int) -> list[LogEntry]:
        newer = []
        for buffer in self._buffers.values():
            for entry in reversed(buffer.entries):
                if entry.number <= after:
                    break
                newer.append(entry)
        return sorted(newer, key=lambda entry: entry.number)


def _to_json(payload: bytes) -> str:
    """Return JSON on one line. Bytes that are not JSON become a string."""
    try:
        value = json.loads(payload)
    except ValueError:
        value = payload.decode(errors="replace")
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))
