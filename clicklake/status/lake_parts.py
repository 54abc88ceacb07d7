"""What the bucket says of a stage: read with few requests, whatever the lake's size.

The dashboard shows these parts too, so this module imports no DuckDB and nothing that prints.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime, timedelta
from itertools import islice

import msgspec

from clicklake.lake.bucket import Lake, S3Object
from clicklake.lake.columns import FOLDER, is_closed
from clicklake.lake.error_documents import FAILED, NOT_A_DOCUMENT, parse_document
from clicklake.lake.json_lines import NotJsonError, decode_json
from clicklake.lake.object_stream import UnreadableObjectError
from clicklake.lake.partitions import DELIVERY_WINDOW, HOUR, Span, hour_of, hour_of_key
from clicklake.status.parts import (
    Delivery,
    KeeperRuns,
    LakeStatus,
    NewestObject,
    RecentClicks,
    ReconciledDay,
    TooManyToCount,
    WaitingFailures,
)
from clicklake.status.rights import if_allowed

KEEPER = "keeper/"
RAW_BUFFER = timedelta(minutes=5)  # of raw/ in cloudformation/lake.yaml
MAX_RECENT_BYTES = 16_000_000  # compressed: about 200,000 clicks, which take seconds
MAX_FAILED_OBJECTS = 1000  # listed
MAX_FAILED_READS = 50  # of these, the newest
MAX_FAILED_BYTES = 16_000_000
COMPACTION_SLACK = 3 * HOUR  # the keeper runs every hour, and Lambda retries for some time
RESULT_DAYS = 10  # results older than the newest days are not looked for


def read_lake_status(lake: Lake, now: datetime, *, with_recent: bool = True) -> LakeStatus:
    """Return what the bucket says. The last two hours are counted only `with_recent`, which needs DuckDB."""
    return LakeStatus(
        delivery=if_allowed(lambda: read_delivery(lake, now)),
        recent=if_allowed(lambda: read_recent(lake, now)) if with_recent else None,
        failures=if_allowed(lambda: read_failures(lake)),
        keeper=if_allowed(lambda: read_keeper(lake, now)),
    )


def read_delivery(lake: Lake, now: datetime) -> Delivery:
    clicks, raw = _newest(lake, "clicks/"), _newest(lake, "raw/")
    waiting = None
    if raw and (clicks is None or raw.modified > clicks.modified + RAW_BUFFER):
        waiting = _first_raw_after(lake, clicks.modified + RAW_BUFFER if clicks else None)
    return Delivery(clicks, raw, waiting)


def _newest(lake: Lake, folder: str) -> NewestObject | None:
    """Return the newest object of the newest hour."""
    for hour in _hours_backwards(lake, folder):
        if objects := [*lake.objects(hour)]:
            newest = max(objects, key=lambda found: found.modified)
            return NewestObject(newest.key, newest.modified)
    return None


def _hours_backwards(lake: Lake, folder: str) -> Iterator[str]:
    for day in sorted(lake.days(folder), reverse=True):
        yield from reversed(lake.subfolders(f"{folder}dt={day}/"))


def _first_raw_after(lake: Lake, moment: datetime | None) -> datetime | None:
    """Return when the first object of raw/ after that moment was written. All if there is no moment."""
    for day in sorted(lake.days("raw/")):
        if moment and day < (moment - RAW_BUFFER).date():
            continue
        for hour in lake.subfolders(f"raw/dt={day}/"):
            if moment and _ends_before(hour, moment - RAW_BUFFER):
                continue
            later = [found.modified for found in lake.objects(hour) if not moment or found.modified > moment]
            if later:
                return min(later)
    return None


def _ends_before(folder: str, moment: datetime) -> bool:
    try:
        return hour_of_key(folder) + HOUR < moment
    except ValueError:  # in no hourly partition
        return True


def read_recent(lake: Lake, now: datetime) -> RecentClicks | TooManyToCount:
    """Reconcile this hour and the last, unless they hold too much to read here."""
    from clicklake.reconcile.hour_window import reconcile_span  # imports DuckDB

    span = Span(hour_of(now) - HOUR, now)
    around = [hour_of(now) + number * HOUR for number in (-2, -1, 0)]  # a reconciliation reads these
    size = sum(
        found.size
        for folder in ("raw", "clicks")
        for hour in around
        for found in lake.objects_of_hour(folder, hour)
    )
    if size > MAX_RECENT_BYTES:
        return TooManyToCount(span.since, size)
    counts = reconcile_span(lake, span, now - DELIVERY_WINDOW, lambda: None).accepted
    failed = sum(codes.total() for codes in counts.failed.values())
    return RecentClicks(span.since, counts.ids, counts.delivered, failed, counts.in_flight, counts.missing)


def read_failures(lake: Lake) -> WaitingFailures:
    """Count the records in failed/, by error code, from its newest objects."""
    listed = [*islice(lake.objects(FAILED), MAX_FAILED_OBJECTS + 1)]
    newest = sorted(listed, key=lambda found: found.modified, reverse=True)
    codes: Counter[str] = Counter()
    read = size = 0
    for found in newest[:MAX_FAILED_READS]:
        size += found.size
        if size > MAX_FAILED_BYTES and read:
            break
        codes.update(_codes_in(lake, found))
        read += 1
    is_complete = read == len(listed)
    return WaitingFailures(len(listed), codes.total(), dict(codes.most_common()), is_complete)


def _codes_in(lake: Lake, found: S3Object) -> Iterator[str]:
    with suppress(UnreadableObjectError):  # replayed meanwhile, or damaged: the object itself is counted
        for line in lake.lines(found.key):
            document = parse_document(line)
            yield document.error_code if document else NOT_A_DOCUMENT


def read_keeper(lake: Lake, now: datetime) -> KeeperRuns:
    compacted = _newest(lake, FOLDER)
    reconciled, so_far = _last_reconciled_days(lake)
    return KeeperRuns(
        reconcile=reconciled,
        so_far=so_far,
        compact=compacted,
        compacted_until=hour_of_key(compacted.key) + HOUR if compacted else None,
        not_compacted=_not_compacted(lake, now) if compacted else (),
        has_traffic_since=min(lake.days("raw/"), default=None),
        is_expected="KeeperFunctionName" in lake.outputs,
    )


class StoredResult(msgspec.Struct, rename="camel"):
    """What a status reads of a result of the keeper's reconciliation."""

    missing: int
    accepted: int = 0
    records: int = 0
    in_flight: int = 0
    final: bool = True


_RESULTS = msgspec.json.Decoder(StoredResult)


def _last_reconciled_days(lake: Lake) -> tuple[ReconciledDay | None, ReconciledDay | None]:
    """Return the newest final day, and the newest day after it that is not final yet."""
    so_far: ReconciledDay | None = None
    for day in sorted(lake.days(KEEPER), reverse=True)[:RESULT_DAYS]:
        key = result_key(day)
        for found in lake.objects(key):
            if result := read_result(lake, key):
                reconciled = ReconciledDay(key, day, found.modified, result.missing, result.in_flight)
                if result.final:
                    return reconciled, so_far
                so_far = so_far or reconciled
    return None, so_far


def result_key(day: date) -> str:
    return f"{KEEPER}dt={day}/reconcile.json"


def read_result(lake: Lake, key: str) -> StoredResult | None:
    """Return a result of the keeper; None if there is none, or if it cannot be read."""
    try:
        return decode_json(_RESULTS, b"".join(lake.read(key)))
    except (UnreadableObjectError, NotJsonError):
        return None


def read_month_results(lake: Lake, today: date) -> tuple[int, int]:
    """Return the clicks and records that were accepted this month, up to the last reconciled day."""
    days = [day for day in lake.days(KEEPER) if (day.year, day.month) == (today.year, today.month)]
    found = [read_result(lake, result_key(day)) for day in sorted(days)]
    results = [result for result in found if result]
    return sum(each.accepted for each in results), sum(each.records for each in results)


def _not_compacted(lake: Lake, now: datetime) -> tuple[datetime, ...]:
    """Return the hours since yesterday that the keeper should have compacted by now."""
    days = [(now - timedelta(days=number)).date() for number in (1, 0)]
    lines, columns = ({*_hours(lake, folder, days)} for folder in ("clicks/", FOLDER))
    return tuple(hour for hour in sorted(lines - columns) if is_closed(hour + COMPACTION_SLACK, now))


def _hours(lake: Lake, folder: str, days: list[date]) -> Iterator[datetime]:
    for day in days:
        for hour in lake.subfolders(f"{folder}dt={day}/"):
            with suppress(ValueError):  # in no hourly partition
                yield hour_of_key(hour)
