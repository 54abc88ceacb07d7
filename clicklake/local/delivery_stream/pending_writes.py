"""Count the writes that a record still needs. After the last one, remove it from the journal."""

import threading
import time
from collections.abc import Iterable

from clicklake.local.delivery_stream.dependencies import Journal


class PendingWrites:
    """Thread-safe. A record needs one write for its outcome, and one for its raw copy, if it has one."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._changed = threading.Condition()
        self._writes: dict[str, int] = {}  # by record id

    def __len__(self) -> int:
        """Return the number of records that still need a write."""
        return len(self._writes)

    def expect(self, record_ids: Iterable[str], writes: int = 1) -> None:
        """Add to the writes that each record needs."""
        with self._changed:
            for record_id in record_ids:
                self._writes[record_id] = self._writes.get(record_id, 0) + writes

    def ack(self, record_ids: Iterable[str]) -> None:
        """Count one write of each record as done."""
        with self._changed:
            done = []
            for record_id in record_ids:
                self._writes[record_id] -= 1
                if not self._writes[record_id]:
                    done.append(record_id)
        # The journal first: after a crash it delivers again whatever it still holds. Until then it is not
        # done.
        self._journal.remove(done)
        with self._changed:
            for record_id in done:
                del self._writes[record_id]
            self._changed.notify_all()

    def wait_until_done(self, deadline: float) -> bool:
        """Wait until no record needs a write. Return False if `deadline` (monotonic seconds) comes first."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._writes, max(0.0, deadline - time.monotonic()))
