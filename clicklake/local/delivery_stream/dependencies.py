"""What a delivery stream needs from outside: a function to invoke, a store, a journal, and a clock."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from clicklake.local.delivery_stream.objects import SealedObject
from clicklake.local.delivery_stream.outcomes import Record
from clicklake.local.delivery_stream.transform import Invoke


class Journal(Protocol):
    """Keeps accepted records until they are delivered. It must survive the process."""

    def add(self, stream: str, records: Sequence[Record]) -> None: ...

    def remove(self, records: Iterable[str]) -> None: ...


@dataclass(frozen=True)
class StreamDependencies:
    invoke: Invoke
    put_object: Callable[[SealedObject], None]  # raises if the store does not accept the object
    journal: Journal
    run: Callable[[Callable[[], None]], object] = lambda job: job()  # at once, or on a thread
    landed: Callable[[SealedObject], None] = lambda _: None  # called after each successful put
    deliver_twice: Callable[[], bool] = lambda: False
    wall_seconds: Callable[[], float] = time.time
    monotonic_seconds: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
