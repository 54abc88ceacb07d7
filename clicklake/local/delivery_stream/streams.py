"""All delivery streams of a running emulator: found by ARN, ticked by one thread, resumed after a restart."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from clicklake.local.delivery_stream.destination import Destination, parse_destination
from clicklake.local.delivery_stream.journal import DiskJournal
from clicklake.local.delivery_stream.stream import DeliveryStream, Surroundings

TICK_SECONDS = 0.02  # what happens closer together shares a tick
LOOK_SECONDS = 1.0  # how often the journal's streams are looked for, until each has been created again

log = logging.getLogger("clicklake.local")


@dataclass(frozen=True)
class Configured:
    """What the control plane says of a stream."""

    version: int
    config: Mapping[str, Any]


class Streams:
    """Thread-safe. `around.run` is set here: jobs run on threads that wake the ticking one."""

    def __init__(
        self,
        configured: Callable[[str], Configured | None],
        around: Surroundings,
        journal: DiskJournal,
        max_buffer_seconds: float,
    ) -> None:
        self._configured = configured
        self._around = replace(around, run=self._run)
        self._max_buffer_seconds = max_buffer_seconds
        self._journal = journal
        self._left_over = set(journal.streams())
        self._lock = threading.Lock()
        self._streams: dict[str, tuple[Configured, DeliveryStream]] = {}
        self._wake = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._tick_for_ever, name="delivery-streams", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped = True
        self._wake.set()
        self._thread.join()

    def find(self, arn: str) -> DeliveryStream | None:
        """The stream as it is configured now; raises UnsupportedDestinationError if we cannot."""
        now = self._configured(arn)
        if now is None:
            return None
        with self._lock:
            known = self._streams.get(arn)
            if known is None:
                stream = DeliveryStream(arn, now.version, self._parse(now), self._around)
                self._streams[arn] = (now, stream)
                self._resume(arn, stream)
                return stream
            before, stream = known
            if before.version != now.version or before.config is not now.config:
                stream.configure(now.version, self._parse(now))
                self._streams[arn] = (now, stream)
            return stream

    def wake(self) -> None:
        """Something was put."""
        self._wake.set()

    def waiting(self) -> int:
        """Records that were accepted and have not landed."""
        return self._journal.count()

    def flush(self, seconds: float) -> bool:
        """Deliver what is buffered without waiting for its interval; say whether all of it landed in time."""
        deadline = time.monotonic() + seconds
        streams = self._all()
        for stream in streams:
            stream.begin_flush()
        self._wake.set()
        landed = [stream.end_flush(deadline) for stream in streams]
        return all(landed)

    def _run(self, job: Callable[[], None]) -> None:
        """A thread for each job, and none that a hanging function could keep alive at the end."""

        def run_and_wake() -> None:
            try:
                job()
            except Exception:
                log.exception("a delivery ended early: its records stay in the journal until the next start")
            finally:
                self._wake.set()

        threading.Thread(target=run_and_wake, name="delivery", daemon=True).start()

    def _parse(self, configured: Configured) -> Destination:
        return parse_destination(configured.config).capped(self._max_buffer_seconds)

    def _resume(self, arn: str, stream: DeliveryStream) -> None:
        if arn in self._left_over:
            self._left_over.discard(arn)
            records = self._journal.waiting(arn)
            stream.resume(records)
            log.warning("%s: %d records of an earlier run are delivered now", stream.name, len(records))

    def _all(self) -> list[DeliveryStream]:
        with self._lock:
            return [stream for _, stream in self._streams.values()]

    def _tick_for_ever(self) -> None:
        while not self._stopped:
            next_due = LOOK_SECONDS
            for arn in list(self._left_over):
                self._look_for(arn)
            for stream in self._all():
                next_due = min(next_due, self._tick(stream))
            self._wake.wait(next_due)
            self._wake.clear()
            time.sleep(TICK_SECONDS)

    def _tick(self, stream: DeliveryStream) -> float:
        try:
            return stream.tick()
        except Exception:
            log.exception("%s: a tick failed", stream.name)
            return LOOK_SECONDS

    def _look_for(self, arn: str) -> None:
        try:
            self.find(arn)
        except ValueError as error:
            log.error("%s holds records of an earlier run and cannot take them: %s", arn, error)
            self._left_over.discard(arn)
