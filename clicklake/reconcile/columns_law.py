"""The law of columns/: an hour's object there has exactly the event ids of the hour's lines."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from uuid import UUID

from clicklake.lake.bucket import Lake, S3Object
from clicklake.lake.columns import head_columns, is_closed, source_fingerprint
from clicklake.lake.event_ids import PARTITIONS, DiskIdSet, to_ids
from clicklake.lake.object_stream import ObjectGoneError
from clicklake.lake.partitions import hour_of
from clicklake.reconcile.result import ColumnsFault, ColumnsResult
from clicklake.tables.parquet_cache import ParquetCache
from clicklake.tables.parquet_files import event_ids_in

MAX_FAULTS = 1000  # named; an object that is not the hour's own differs in every id


class ColumnsLaw:
    def __init__(self, lake: Lake) -> None:
        self.result = ColumnsResult()
        self._lake = lake

    def check(self, hour: datetime, clicks: list[S3Object], delivered: DiskIdSet) -> None:
        """Compare the hour's object with its lines, if it was made of them.

        A closed hour without a current object is not compacted yet: readers read its lines, so nothing is
        wrong.
        """
        if not clicks or not is_closed(hour, datetime.now(UTC)):
            return
        head = head_columns(self._lake, hour)
        if head is None or head[1].source != source_fingerprint(clicks):
            self.result.not_compacted.append(hour)
            return
        try:
            file = ParquetCache(self._lake, shows_progress=False).fetch({hour: head[0]})[hour]
        except ObjectGoneError:  # replaced meanwhile
            self.result.not_compacted.append(hour)
            return
        self.result.compared += 1
        with closing(DiskIdSet()) as stored:
            for ids in event_ids_in(file):
                stored.add(to_ids(ids))
            for fault in _differences(hour_of(hour), delivered, stored):
                if len(self.result.faults) < MAX_FAULTS:
                    self.result.faults.append(fault)


def _differences(hour: datetime, delivered: DiskIdSet, stored: DiskIdSet) -> Iterator[ColumnsFault]:
    for number in range(PARTITIONS):
        landed, rows = set(delivered.partition(number)), stored.partition(number)
        for event_id in landed.difference(rows):
            yield ColumnsFault(hour, str(UUID(bytes=event_id)), "missing")
        for event_id in set(rows) - landed:
            yield ColumnsFault(hour, str(UUID(bytes=event_id)), "not in clicks/")
        if len(set(rows)) != len(rows):
            yield ColumnsFault(hour, "", "rows repeated")
