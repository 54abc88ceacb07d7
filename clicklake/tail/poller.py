"""What lands in a lake, as it lands: found by listing, for nothing tells us."""

from collections.abc import Iterator
from datetime import datetime

from clicklake.lake.bucket import Lake, Stored
from clicklake.lake.error_documents import FAILED, objects_of_day
from clicklake.lake.partitions import HOUR, hours

# A folder is the hour of its objects' oldest record, which may have waited in two buffers and for a retry.
LOOK_BACK = 2 * HOUR


class Landing:
    """Each object once, however often it is listed."""

    def __init__(self, lake: Lake, since: datetime) -> None:
        self._lake = lake
        self._since = since.replace(microsecond=0)  # S3 tells whole seconds
        self._looked_at = since
        self._seen: set[str] = set()

    def new_objects(self, now: datetime) -> list[Stored]:
        """In the order in which they landed."""
        listed = list(self._listed(self._looked_at - LOOK_BACK, now))
        new = [each for each in listed if each.key not in self._seen and each.modified >= self._since]
        self._seen = {each.key for each in listed}
        self._looked_at = now
        return sorted(new, key=lambda each: each.modified)

    def _listed(self, begin: datetime, now: datetime) -> Iterator[Stored]:
        for hour in hours(begin, now):
            yield from self._lake.objects_of_hour("clicks", hour)
        for day in sorted({begin.date(), now.date()}):
            yield from objects_of_day(self._lake, FAILED, day)
