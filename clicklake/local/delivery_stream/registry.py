"""All delivery streams of an emulator: found by ARN, run by one thread, resumed after a restart."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from clicklake.local.delivery_stream.configuration import parse_destination
from clicklake.local.delivery_stream.dependencies import StreamDependencies
from clicklake.local.delivery_stream.destination import Destination
from clicklake.local.delivery_stream.journal import DiskJournal
from clicklake.local.delivery_stream.stream import DeliveryStream

TICK_SECONDS = 0.02  # puts that arrive closer together share a tick
LOOK_SECONDS = 1.0  # how often to look for streams of the journal that have not been created again yet

log = logging.getLogger("clicklake.local")


@dataclass(frozen=True)
class StreamConfig:
    """A stream's configuration in the control plane."""

    version: int
    config: Mapping[str, Any]


class StreamRegistry:
    """Thread-safe. Jobs run on threads of their own and wake the ticking thread when they end."""

    def __init__(
        self,
        find_config: Callable[[str], StreamConfig | None],
        deps: StreamDependencies,
        journal: DiskJournal,
        max_buffer_seconds: float,
    ) -> None:
        self._find_config = find_config
        self._deps = replace(deps, run=self._run)
        self._max_buffer_seconds = max_buffer_seconds
        self._journal = journal
        self._unresumed = set(journal.streams())  # ARNs
        self._lock = threading.Lock()
        self._streams: dict[str, tuple[StreamConfig, DeliveryStream]] = {}
        self._something_to_do = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._tick_until_stopped, name="delivery-streams", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped = True
        self.notify()
        self._thread.join()

    def find(self, arn: str) -> DeliveryStream | None:
        """Return the stream with its current configuration, or None if it does not exist.

        Raises UnsupportedDestinationError if its configuration is not supported here.
        """
        current = self._find_config(arn)
        if current is None:
            return None
        with self._lock:
            known = self._streams.get(arn)
            if known is None:
                stream = DeliveryStream(arn, current.version, self._parse(current), self._deps)
                self._streams[arn] = (current, stream)
                self._resume(arn, stream)
                return stream
            before, stream = known
            if before.version != current.version or before.config is not current.config:
                stream.configure(current.version, self._parse(current))
                self._streams[arn] = (current, stream)
            return stream

    def notify(self) -> None:
        """Wake the ticking thread, for instance after a put."""
        self._something_to_do.set()

    def waiting(self) -> int:
        """Return the number of accepted records that have not landed."""
        return self._journal.count()

    def flush(self, seconds: float) -> bool:
        """Deliver buffered records without waiting for intervals. Return whether all landed in time."""
        deadline = time.monotonic() + seconds
        streams = self._all()
        for stream in streams:
            stream.begin_flush()
        self.notify()
        landed = [stream.end_flush(deadline) for stream in streams]
        return all(landed)

    def _run(self, job: Callable[[], None]) -> None:
        """Run the job on a daemon thread of its own, so that a hanging function cannot delay the exit."""

        def run_and_notify() -> None:
            try:
                job()
            except Exception:
                log.exception("a delivery failed: its records stay in the journal until the next start")
            finally:
                self.notify()

        threading.Thread(target=run_and_notify, name="delivery", daemon=True).start()

    def _parse(self, current: StreamConfig) -> Destination:
        return parse_destination(current.config).capped(self._max_buffer_seconds)

    def _resume(self, arn: str, stream: DeliveryStream) -> None:
        if arn in self._unresumed:
            self._unresumed.discard(arn)
            records = self._journal.waiting(arn)
            stream.resume(records)
            log.warning("%s: delivering %d records of an earlier run", stream.name, len(records))

    def _all(self) -> list[DeliveryStream]:
        with self._lock:
            return [stream for _, stream in self._streams.values()]

    def _tick_until_stopped(self) -> None:
        while not self._stopped:
            next_due = LOOK_SECONDS
            for arn in list(self._unresumed):
                self._look_for(arn)
            for stream in self._all():
                next_due = min(next_due, self._tick(stream))
            self._something_to_do.wait(next_due)
            self._something_to_do.clear()
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
            log.error("%s has records of an earlier run but cannot accept them: %s", arn, error)
            self._unresumed.discard(arn)
