"""Put one hour after the other into columns/, so that a run that is killed anywhere can be run again.

An object is swapped by one conditional PUT: there is the old one or the new one. An hour is put before the
hours after it, whose `counted` depends on its ids. Once it is there, their `before` fingerprints no longer
match, so the next run finds them, and readers meanwhile read their lines. (In the other order, an event would
count nowhere until the hour is put. And of two runs at once, each could look for the other's hour too early.)

Lines that land while an hour is written are found by listing it again after the PUT. So are those that an
erasure removed meanwhile: then the version just put is deleted as well.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from clicklake.compact.build import (
    BuiltHour,
    EarlierHours,
    UnreadableLinesError,
    build_from_columns,
    build_from_lines,
)
from clicklake.compact.plan import LakeState, Reason
from clicklake.errors import CommandError
from clicklake.lake.bucket import Lake
from clicklake.lake.columns import ColumnsMetadata, columns_key, hours_before, source_fingerprint
from clicklake.lake.object_stream import ObjectGoneError
from clicklake.lake.partitions import Span
from clicklake.tables.parquet_cache import ParquetCache

MAX_ATTEMPTS = 10  # for an hour that changes while it is written

NO_VERSION = "null"  # as S3 calls an object's version in a bucket that keeps none

_LOST_RACE = ("PreconditionFailed", "412", "ConditionalRequestConflict", "409", "NoSuchKey", "404")


class WrittenHour(NamedTuple):
    reason: Reason
    lines: int
    events: int
    size: int


@dataclass
class CompactionSummary:
    written: dict[datetime, WrittenHour] = field(default_factory=dict)
    current: int = 0  # hours that needed nothing
    frozen: int = 0
    unreadable: list[str] = field(default_factory=list)  # objects


class Compactor:
    def __init__(self, lake: Lake, state: LakeState) -> None:
        self.summary = CompactionSummary(frozen=len(state.frozen))
        self._lake, self._state = lake, state
        self._cache = ParquetCache(lake, shows_progress=False)

    def hours(self, span: Span, now: datetime) -> list[datetime]:
        """Return the hours to compact, in this order: an hour's ids decide what counts after it."""
        return [*self._state.to_compact(span, now)]

    def compact(self, hour: datetime) -> None:
        """Bring the hour's object up to date. It stays as it is if some of its lines cannot be read."""
        if self._state.reason(hour) is None:
            self.summary.current += 1
            return
        outdated: list[str] = []  # versions of ours that hold what was no longer in the lines
        for _ in range(MAX_ATTEMPTS):
            reason = self._state.reason(hour)
            if reason is None:
                break
            objects, version = self._state.clicks[hour], None
            try:
                version = self._write(hour, reason)
                unreadable = []
            except UnreadableLinesError as error:
                unreadable = error.keys
            except ObjectGoneError:  # another run replaced the object, or one of the hours before
                unreadable = []
                self._state.refresh(self._lake, hours_before(hour))
            self._state.refresh(self._lake, [hour])
            self._state.refresh_lines(self._lake, hour)
            has_changed = self._state.clicks.get(hour) != objects
            if version is not None and has_changed:
                outdated.append(version)
            if unreadable and not has_changed:
                self.summary.unreadable += unreadable
                break
        else:
            raise CommandError(f"{columns_key(hour)} changes as fast as it is written; run this again later")
        if outdated:
            self._delete(hour, outdated)

    def _delete(self, hour: datetime, versions: list[str]) -> None:
        """Delete versions of ours. Without versioning, the object goes if its hour has no lines any more."""
        self._cache.forget(hour)
        place: Any = {"Bucket": self._lake.bucket, "Key": columns_key(hour)}
        for version in versions:
            if version != NO_VERSION:
                self._lake.s3.delete_object(**place, VersionId=version)
            elif hour not in self._state.clicks:
                self._lake.s3.delete_object(**place)

    def _write(self, hour: datetime, reason: Reason) -> str | None:
        """Build and put the hour. Return the version; None if another process was faster."""
        objects = self._state.clicks[hour]
        before = self._state.before(hour)
        with TemporaryDirectory(prefix="clicklake-") as name:
            folder = Path(name)
            earlier = self._earlier(hour)
            if reason == "before":
                known = self._state.metadata[hour]
                own = self._cache.fetch({hour: self._state.objects[hour]})[hour]
                built = build_from_columns(self._lake, own, earlier, folder)
                metadata = replace(known, before=before)
            else:
                built = build_from_lines(self._lake, objects, earlier, folder)
                source = source_fingerprint(objects)
                metadata = ColumnsMetadata(source, before, built.ids, built.lines, built.events, built.unseen)
            return self._put(hour, built, metadata, reason)

    def _earlier(self, hour: datetime) -> EarlierHours:
        hours = hours_before(hour)
        in_columns = {each: self._state.objects[each] for each in hours if self._state.is_current(each)}
        lines = [
            found for each in hours if each not in in_columns for found in self._state.clicks.get(each, [])
        ]
        return EarlierHours(lines, [*self._cache.fetch(in_columns).values()])

    def _put(self, hour: datetime, built: BuiltHour, metadata: ColumnsMetadata, reason: Reason) -> str | None:
        known = self._state.objects.get(hour)
        condition: dict[str, Any] = {"IfMatch": known.etag} if known else {"IfNoneMatch": "*"}
        try:
            with built.file.open("rb") as body:
                response = self._lake.s3.put_object(
                    Bucket=self._lake.bucket,
                    Key=columns_key(hour),
                    Body=body,
                    ContentType="application/vnd.apache.parquet",
                    Metadata=metadata.to_s3(),
                    **condition,
                )
        except ClientError as error:
            if error.response["Error"]["Code"] in _LOST_RACE:
                return None
            raise
        self._cache.store(hour, response["ETag"], built.file)
        self.summary.written[hour] = WrittenHour(reason, built.lines, built.events, built.file.stat().st_size)
        return response.get("VersionId", NO_VERSION)
