"""What landed lately, for those who watch: bounded, in order, and followed by any number of readers."""

import json
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, get_args

from clicklake.local.delivery_stream.objects import Kind, Object

MAX_KEPT_ENTRIES = 10_000  # of each kind
MAX_KEPT_CHARACTERS = 32 * 1024 * 1024  # of each kind

Event = Kind | Literal["reset", "idle"]


@dataclass(frozen=True)
class Entry:
    number: int  # counts on through resets
    event: Event
    json: str


@dataclass
class _Shelf:
    entries: deque[Entry] = field(default_factory=deque)
    characters: int = 0
    total: int = 0  # since the last reset, kept or not

    def add(self, entry: Entry) -> None:
        self.entries.append(entry)
        self.characters += len(entry.json)
        self.total += 1
        while len(self.entries) > MAX_KEPT_ENTRIES or self.characters > MAX_KEPT_CHARACTERS:
            self.characters -= len(self.entries.popleft().json)


class Feed:
    """Thread-safe."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._number = 0
        self._reset_at = 0
        self._shelves: dict[Kind, _Shelf] = {kind: _Shelf() for kind in get_args(Kind)}

    def add(self, landed: Object) -> None:
        """Take each line of a delivered object, each document of a failed one, each record of a raw one."""
        payloads = landed.payloads
        if landed.kind != "raw":
            payloads = [line for payload in payloads for line in payload.splitlines() if line.strip()]
        with self._changed:
            for payload in payloads:
                self._number += 1
                self._shelves[landed.kind].add(Entry(self._number, landed.kind, _as_json(payload)))
            self._changed.notify_all()

    def reset(self) -> None:
        with self._changed:
            self._shelves = {kind: _Shelf() for kind in self._shelves}
            self._number += 1
            self._reset_at = self._number
            self._changed.notify_all()

    def kept(self, kind: Kind) -> str:
        """A JSON array, oldest first."""
        with self._changed:
            entries = list(self._shelves[kind].entries)
        return "[" + ",\n".join(entry.json for entry in entries) + "]\n"

    def totals(self) -> dict[str, int]:
        """How many landed since the last reset, whether they are still kept or not."""
        with self._changed:
            return {kind: shelf.total for kind, shelf in self._shelves.items()}

    def number_before_last(self, entries: int) -> int:
        """Where to begin following, so as to see that many of the latest first."""
        with self._changed:
            latest = sorted(entry.number for shelf in self._shelves.values() for entry in shelf.entries)
        return (
            latest[-entries] - 1 if entries and len(latest) >= entries else (0 if entries else self._number)
        )

    def follow(self, after: int, idle_seconds: float) -> Iterator[Entry]:
        """Every entry with a greater number, for ever; an "idle" one whenever nothing came for so long."""
        while True:
            deadline = time.monotonic() + idle_seconds
            with self._changed:
                self._changed.wait_for(partial(self._is_past, after), deadline - time.monotonic())
                entries, reset_at, latest = self._newer_than(after), self._reset_at, self._number
            if reset_at > after:
                yield Entry(reset_at, "reset", "{}")
            yield from entries
            if latest == after:
                yield Entry(after, "idle", "{}")
            after = latest

    def _is_past(self, number: int) -> bool:
        return self._number > number

    def _newer_than(self, after: int) -> list[Entry]:
        newer = []
        for shelf in self._shelves.values():
            for entry in reversed(shelf.entries):
                if entry.number <= after:
                    break
                newer.append(entry)
        return sorted(newer, key=lambda entry: entry.number)


def _as_json(payload: bytes) -> str:
    """JSON as it is, on one line; what is no JSON, as a string."""
    try:
        value = json.loads(payload)
    except ValueError:
        value = payload.decode(errors="replace")
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))
