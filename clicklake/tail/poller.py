"""Poll the bucket for new objects (there is no S3 notification to subscribe to)."""

from collections.abc import Iterator
from datetime import datetime

from clicklake.lake.bucket import Lake, S3Object
from clicklake.lake.error_documents import FAILED, objects_of_day
from clicklake.lake.partitions import HOUR, hours_between

# An object's partition is the hour of its oldest record, which may have waited in two buffers and for a
# retry.
LOOK_BACK = 2 * HOUR


class NewObjectPoller:
    """Returns each object once, however often it is listed."""

    def __init__(self, lake: Lake, since: datetime) -> None:
        self._lake = lake
        self._since = since.replace(microsecond=0)  # S3 keeps whole seconds
        self._polled_at = since
        self._seen: set[str] = set()

    def poll(self, now: datetime) -> list[S3Object]:
        """Return the objects that are new since the last poll, in the order in which they landed."""
        listed = list(self._listed(self._polled_at - LOOK_BACK, now))
        new = [found for found in listed if found.key not in self._seen and found.modified >= self._since]
        self._seen = {found.key for found in listed}
        self._polled_at = now
        return sorted(new, key=lambda found: found.modified)

    def _listed(self, begin: datetime, now: datetime) -> Iterator[S3Object]:
        for hour in hours_between(begin, now):
            yield from self._lake.objects_of_hour("clicks", hour)
        for day in sorted({hour.date() for hour in hours_between(begin, now)}):
            yield from objects_of_day(self._lake, FAILED, day)
