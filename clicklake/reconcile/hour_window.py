"""Compare what was accepted with what landed or failed, one hour at a time.

An event id in raw/ counts as delivered if clicks/ contains it in the same hourly partition or an adjacent
one. Firehose names a partition after the oldest record in the object, and buffers raw/, clicks/ and failed/
independently, for up to 15 minutes.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date, datetime, timedelta
from uuid import UUID

from clicklake.lake.bucket import HourlyFolder, Lake, S3Object
from clicklake.lake.error_documents import FAILED, PARKED, REPLAYED, hour_of_object, objects_of_day
from clicklake.lake.event_ids import PARTITIONS, to_id
from clicklake.lake.partitions import HOUR, Span, hours_between, to_rfc3339
from clicklake.lake.records import raw_envelopes
from clicklake.reconcile.columns_law import ColumnsLaw
from clicklake.reconcile.hour_data import FailureState, HourData, HourReader
from clicklake.reconcile.result import MissingClick, OutcomeCounts, ReconciliationResult

READING_THREADS = 4
DAY = timedelta(days=1)

# An id that is in several of them counts in the first.
FOLDERS: dict[FailureState, str] = {"failed": FAILED, "parked": PARKED, "replayed": REPLAYED}


def reconcile_span(
    lake: Lake, span: Span, in_flight_since: datetime, hour_done: Callable[[], None]
) -> ReconciliationResult:
    """Reconcile every hour of the span.

    Unmatched events received after `in_flight_since` count as in flight, older ones as missing. `hour_done`
    is called after each hour.
    """
    with ThreadPoolExecutor(READING_THREADS) as threads:
        window = _HourWindow(lake, HourReader(lake, threads), in_flight_since)
        with closing(window):
            for hour in hours_between(span.since, span.until):
                window.reconcile(hour)
                hour_done()
    return window.result


class _HourWindow:
    """Slides a three-hour window (previous, current, next) over the span."""

    def __init__(self, lake: Lake, reader: HourReader, in_flight_since: datetime) -> None:
        self.result = ReconciliationResult(unreadable=reader.unreadable)
        self._columns = ColumnsLaw(lake)
        self.result.columns = self._columns.result
        self._lake = lake
        self._days: dict[HourlyFolder, set[date]] = {"raw": lake.days("raw/"), "clicks": lake.days("clicks/")}
        self._failed_days = {
            day
            for folder in FOLDERS.values()
            for error_type in lake.subfolders(folder)
            for day in lake.days(error_type)
        }
        self._listed: dict[tuple[HourlyFolder, date], dict[datetime, list[S3Object]]] = {}
        self._reader = reader
        self._in_flight_since = in_flight_since
        self._hours: dict[datetime, HourData] = {}
        self._failed_objects: dict[date, dict[FailureState, dict[datetime, list[S3Object]]]] = {}

    def reconcile(self, hour: datetime) -> None:
        if not self._has_objects(hour):
            self._forget(hour - HOUR)
            return
        before, current, after = (self._data_of(at) for at in (hour - HOUR, hour, hour + HOUR))
        unmatched: dict[bytes, OutcomeCounts] = {}
        for number in range(PARTITIONS):
            unmatched |= self._match_partition(number, before, current, after)
        self._count(current)
        self._check_columns(hour, current)
        if unmatched:
            self._classify(hour, unmatched)
        self._forget(hour - HOUR)

    def _check_columns(self, hour: datetime, current: HourData) -> None:
        clicks = self._objects("clicks", hour)
        if not {found.key for found in clicks}.intersection(self.result.unreadable):
            self._columns.check(hour, clicks, current.delivered.ids)

    def _has_objects(self, hour: datetime) -> bool:
        is_failed_day = hour.date() in self._failed_days
        return is_failed_day or bool(self._objects("raw", hour) or self._objects("clicks", hour))

    def _objects(self, folder: HourlyFolder, hour: datetime) -> list[S3Object]:
        """Return the hour's objects, with one listing for each day that has any."""
        day = hour.date()
        if day not in self._days[folder]:
            return []
        if (folder, day) not in self._listed:
            recent = {key: objects for key, objects in self._listed.items() if key[1] >= day - DAY}
            self._listed = recent | {(folder, day): self._lake.objects_of_day(folder, day)}
        return self._listed[folder, day].get(hour, [])

    def _forget(self, hour: datetime) -> None:
        """Close the hours that are no longer in the window."""
        for old in [known for known in self._hours if known <= hour]:
            self._hours.pop(old).close()

    def close(self) -> None:
        for data in self._hours.values():
            data.close()

    def _match_partition(
        self, number: int, before: HourData, current: HourData, after: HourData
    ) -> dict[bytes, OutcomeCounts]:
        """Count one partition of the hour's ids. Return the ids that neither landed nor failed."""
        put = current.raw.first.partition(number)
        first = set(put).difference(before.raw.first.partition(number))
        again = set(current.raw.again.partition(number)) - first
        landed_now, landed_before = (data.delivered.ids.partition(number) for data in (current, before))
        self.result.client_retries += len(put) - len(first)
        self.result.duplicates += len(landed_now) - len(set(landed_now).difference(landed_before))
        landed = (landed_now, landed_before, after.delivered.ids.partition(number))
        unmatched: dict[bytes, OutcomeCounts] = {}
        for ids, counts in ((first, self.result.accepted), (again, self.result.replayed)):
            undelivered = ids.difference(*landed)
            counts.ids += len(ids)
            counts.delivered += len(ids) - len(undelivered)
            rest = _count_failed(undelivered, number, (current, before, after), counts)
            unmatched |= dict.fromkeys(rest, counts)
        return unmatched

    def _count(self, current: HourData) -> None:
        self.result.records += current.raw.envelopes
        counts = self.result.without_id
        counts["raw"] += current.raw.legacy
        counts["raw, no JSON"] += current.raw.unreadable
        counts["clicks"] += current.delivered.legacy
        counts["clicks, no JSON"] += current.delivered.unreadable
        for state, index in current.failed.items():
            counts[state] += index.without_id.total()

    def _classify(self, hour: datetime, unmatched: dict[bytes, OutcomeCounts]) -> None:
        """Split unmatched ids into in-flight and missing.

        The hour's raw objects are read again to recover each missing id's details.
        """
        if hour > self._in_flight_since:
            for counts in unmatched.values():
                counts.in_flight += 1
            return
        for event_id, missing in self._locate(hour, set(unmatched)):
            counts = unmatched[event_id]
            is_first = counts is self.result.accepted
            arrived = missing.received_at if is_first else to_rfc3339(hour + HOUR)
            if arrived and arrived > to_rfc3339(self._in_flight_since):
                counts.in_flight += 1
            else:
                counts.missing += 1
                self.result.missing.append(missing)

    def _locate(self, hour: datetime, wanted: set[bytes]) -> Iterator[tuple[bytes, MissingClick]]:
        for found in self._objects("raw", hour):
            for envelope in raw_envelopes(self._lake, found.key):
                for click in envelope.clicks:
                    event_id = to_id(click.event_id)
                    if event_id in wanted:
                        wanted.discard(event_id)
                        yield event_id, MissingClick(click.event_id, envelope.received_at, found.key)
        for event_id in wanted:  # the object was deleted meanwhile
            yield event_id, MissingClick(str(UUID(bytes=event_id)), None, "")

    def _data_of(self, hour: datetime) -> HourData:
        if hour not in self._hours:
            failed = self._failed_objects_of(hour.date())
            # In the window before it is read: if reading fails, close() closes its files.
            data = self._hours[hour] = HourData()
            self._reader.add_raw(data.raw, self._objects("raw", hour))
            self._reader.add_delivered(data.delivered, self._objects("clicks", hour))
            for state, by_hour in failed.items():
                self._reader.add_failed(data.failed[state], by_hour.get(hour, []))
        return self._hours[hour]

    def _failed_objects_of(self, day: date) -> dict[FailureState, dict[datetime, list[S3Object]]]:
        """Return the day's failed objects by the hour of their oldest record: their partitions are days."""
        if day not in self._failed_objects:
            recent = {known: objects for known, objects in self._failed_objects.items() if known >= day}
            recent[day] = {state: self._by_hour(folder, day) for state, folder in FOLDERS.items()}
            self._failed_objects = recent
        return self._failed_objects[day]

    def _by_hour(self, folder: str, day: date) -> dict[datetime, list[S3Object]]:
        by_hour: dict[datetime, list[S3Object]] = {}
        for found in objects_of_day(self._lake, folder, day):
            by_hour.setdefault(hour_of_object(self._lake, found), []).append(found)
        return by_hour


def _count_failed(
    ids: set[bytes], number: int, window: tuple[HourData, ...], counts: OutcomeCounts
) -> set[bytes]:
    """Count the ids that failed, by state and error code. Return the others."""
    for state in FOLDERS:
        for data in window:
            for code, failed in data.failed[state].ids.items():
                if not ids:
                    return ids
                found = ids.intersection(failed.partition(number))
                if found:
                    counts.failed[state][code] += len(found)
                ids -= found
    return ids
