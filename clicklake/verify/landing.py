"""Where the marked events are: looked for in the objects that were written since the verification began."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from clicklake.lake.bucket import Lake, S3Object
from clicklake.lake.error_documents import FAILED, PARKED, REPLAYED, objects_of_day, parse_document
from clicklake.lake.json_lines import NotJsonError, decode_json
from clicklake.lake.object_stream import UnreadableObjectError
from clicklake.lake.partitions import HOUR, hour_of, hours_between
from clicklake.lake.records import envelopes_in
from clicklake.verify.rows import CheckFailedError
from clicklake.verify.stage import CLOCK_DIFFERENCE

T = TypeVar("T")

POLL_SECONDS = 0.5
_LINES = msgspec.json.Decoder(dict[str, Any])


@dataclass(frozen=True)
class LandedLine:
    key: str
    line: dict[str, Any]


@dataclass
class Landing:
    """Reads each object once."""

    lake: Lake
    mark: str
    started: datetime
    lines: dict[str, list[LandedLine]] = field(default_factory=dict)
    """By event id."""
    raw: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)
    """The error code of each event that was found in failed/, also if it was replayed since."""
    _read: set[tuple[str, str]] = field(default_factory=set)

    def wait_for(self, found: Callable[["Landing"], T | None], seconds: float, what: str) -> T:
        """Look until `found` returns something. Raises CheckFailedError with `what` after `seconds`."""
        deadline = time.monotonic() + seconds
        while True:
            self.look()
            if (result := found(self)) is not None:
                return result
            if time.monotonic() > deadline:
                raise CheckFailedError(f"{what} within {seconds:.0f} s")
            time.sleep(POLL_SECONDS)

    def wait_for_lines(
        self, event_ids: set[str], seconds: float, *, were_replayed: bool = False
    ) -> list[LandedLine]:
        """Return a line of each event. Raises CheckFailedError if some do not land.

        Events in failed/ do not land by themselves, so nothing waits for them, unless they `were_replayed`.
        """

        def found(landing: "Landing") -> list[LandedLine] | None:
            if event_ids <= landing.lines.keys():
                return [landing.lines[event_id][-1] for event_id in sorted(event_ids)]
            missing = event_ids - landing.lines.keys()
            if not were_replayed and missing <= landing.failed.keys():
                codes = ", ".join(sorted({landing.failed[event_id] for event_id in missing}))
                raise CheckFailedError(f"{len(missing)} of {len(event_ids)} events are in failed/: {codes}")
            return None

        return self.wait_for(found, seconds, f"some of {len(event_ids)} events did not land")

    def look(self) -> None:
        """Read the objects that are new since the last look."""
        for folder, found in self._new_objects():
            try:
                self._read_object(folder, found)
            except UnreadableObjectError:  # replayed or erased meanwhile
                continue

    def _new_objects(self) -> Iterator[tuple[str, S3Object]]:
        first, now = self.started - HOUR, datetime.now(UTC)
        for hour in hours_between(first, now):
            yield from (
                ("clicks", found) for found in self._unread(self.lake.objects_of_hour("clicks", hour))
            )
            yield from (("raw", found) for found in self._unread(self.lake.objects_of_hour("raw", hour)))
        for day in sorted({hour.date() for hour in hours_between(first, now)}):
            objects = objects_of_day(self.lake, FAILED, day)
            yield from (("failed", found) for found in self._unread([*objects]))

    def _unread(self, objects: list[S3Object]) -> Iterator[S3Object]:
        since = self.started - CLOCK_DIFFERENCE
        for found in objects:
            if (found.key, found.etag) not in self._read and found.modified >= since:
                yield found
                self._read.add((found.key, found.etag))

    def _read_object(self, folder: str, found: S3Object) -> None:
        mark = self.mark.encode()
        for line in self.lake.lines(found.key):
            if folder == "failed":
                self._read_document(line)
            elif mark in line and folder == "raw":
                self.raw |= {event.event_id for each in envelopes_in(line) for event in each.clicks}
            elif mark in line:
                self._read_line(found.key, line)

    def _read_line(self, key: str, line: bytes) -> None:
        try:
            event = decode_json(_LINES, line)
        except NotJsonError:
            return
        self.lines.setdefault(str(event.get("eventId")), []).append(LandedLine(key, event))

    def _read_document(self, line: bytes) -> None:
        document = parse_document(line)
        record = document.record if document else None
        if document and record and self.mark.encode() in record:
            for envelope in envelopes_in(record):
                self.failed |= {event.event_id: document.error_code for event in envelope.clicks}


def keys_that_hold(lake: Lake, mark: str, started: datetime) -> list[str]:
    """Return the objects of these days whose current version has the mark, in the folders of records."""
    now = datetime.now(UTC)
    hours = [*hours_between(hour_of(started) - HOUR, now)]
    objects = [
        found
        for folder in ("clicks", "raw")
        for hour in hours
        for found in lake.objects_of_hour(folder, hour)
    ]
    for day in sorted({hour.date() for hour in hours}):
        for root in (FAILED, REPLAYED, PARKED):
            objects += objects_of_day(lake, root, day)
    return [found.key for found in objects if _holds(lake, found.key, mark)]


def _holds(lake: Lake, key: str, mark: str) -> bool:
    try:
        for line in lake.lines(key):
            document = parse_document(line)
            if mark.encode() in ((document.record if document else None) or line):
                return True
    except UnreadableObjectError:
        return False
    return False
