"""A lake's status for pages that ask often: read again only after half a minute."""

import threading
from datetime import datetime, timedelta

from clicklake.lake.bucket import Lake
from clicklake.status.lake_parts import read_lake_status
from clicklake.status.parts import StageStatus, Status

KEPT = timedelta(seconds=30)
_NOTHING = StageStatus(None, None, None, None)


class KeptStatus:
    """What the bucket alone says. Any thread may read it."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._lock = threading.Lock()
        self._status: Status | None = None

    def read(self, now: datetime) -> Status:
        with self._lock:
            if self._status is None or now - self._status.checked_at >= KEPT:
                lake = read_lake_status(self._lake, now, with_recent=False)
                self._status = Status(self._lake.bucket, None, now, lake, _NOTHING)
            return self._status
