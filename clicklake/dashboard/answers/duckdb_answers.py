"""Answers from DuckDB: spans stay open between questions, and open again when clicks have landed in them."""

import hashlib
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlglot import exp

from clicklake.dashboard.answers.contract import Question, Spending
from clicklake.dashboard.answers.kept_answers import KeptAnswers
from clicklake.lake.bucket import Lake
from clicklake.lake.columns import CHECKED_HOURS, list_clicks, list_columns
from clicklake.lake.error_documents import FAILED, objects_of_day
from clicklake.lake.partitions import DELIVERY_WINDOW, HOUR, Span, hour_of, hours_between
from clicklake.query.queries import QueryResult, referenced_tables
from clicklake.query.span_database import FileRefusedError, SpanDatabase
from clicklake.tables.parquet_cache import ANSWERS, cache_folder
from clicklake.tables.schema import ASKED_ATTRIBUTES

MAX_OPEN = 3  # spans; DuckDB has up to 220 MB for each
MAX_ANSWERS = 1000  # kept in memory, of at most 50 rows each
NEWEST_SECONDS = 0.5  # how old the knowledge of what has landed may be
LISTED_SECONDS = 300.0  # the same for hours that have ended
MAX_LISTINGS = 200  # kept in memory
RESOLUTION = timedelta(microseconds=1)

_Where = tuple[Span, tzinfo, bool]  # a span, its zone, and whether it is opened for failed/

# What the panels and filters read; attributes of the catalogue come with the lake.
COLUMNS = frozenset(
    [
        *("eventid", "type", "itemid", "path", "host", "element", "properties", "itemlookup"),
        *("occurredat", "receivedat", "processedat", "dt", "hr", "visitor_key", "session_key"),
        *("utmsource", "utmmedium", "utmcampaign", "referrerhost", "referrerkind"),
        *("browser", "os", "device", "bot", "country", "privacy"),
    ]
)


@dataclass
class _OpenSpan:
    """A database, and who is using it."""

    state: str
    """What the lake held when it was opened."""
    opening: threading.Lock = field(default_factory=threading.Lock)
    database: SpanDatabase | None = None
    users: int = 0
    is_dropped: bool = False


@dataclass
class _Listing:
    """What a listing of a span found, and when."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    listed_at: float = -math.inf
    found: str = ""


class DuckdbAnswers:
    """Answers from DuckDB on this machine."""

    poll_seconds = 1
    is_billed = False

    def __init__(
        self,
        lake: Lake,
        attributes: tuple[str, ...],
        now: Callable[[], datetime],
        *,
        lines_only: bool = False,
    ) -> None:
        self.lake, self.attributes, self._clock = lake, attributes, now
        self._lines_only = lines_only
        self._kept = KeptAnswers(cache_folder(lake) / ANSWERS)
        self._folder = TemporaryDirectory(prefix="clicklake-", ignore_cleanup_errors=True)
        self._lock = threading.Lock()
        self._has_room = threading.Condition(self._lock)
        self._open: OrderedDict[Hashable, _OpenSpan] = OrderedDict()
        self._number_open = 0  # with those that are dropped, but still in use
        self._answers: OrderedDict[Hashable, QueryResult] = OrderedDict()
        self._listings: OrderedDict[Hashable, _Listing] = OrderedDict()
        self._notes: OrderedDict[Hashable, tuple[str, ...]] = OrderedDict()
        self._newest, self._newest_at = "", 0.0

    def clock(self) -> datetime:
        return self._clock()

    def now(self) -> datetime:
        return self._clock()

    def spending(self) -> Spending | None:
        return None

    def ask_all(self, questions: Sequence[Question]) -> list[QueryResult]:
        return [self.ask(*question) for question in questions]

    def ask(self, span: Span, zone: tzinfo, query: exp.Query) -> QueryResult:
        """Raise CommandError for SQL that DuckDB refuses, or that needs too much memory."""
        is_about_failures = referenced_tables([query]) == {"failed"}
        state = self._state(span, is_about_failures)
        where = (span, zone, is_about_failures)
        key = (*where, state, query.sql("athena"))
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
                return self._answers[key]
        is_past = span.until == hour_of(span.until) and span.until + CHECKED_HOURS * HOUR <= self.now()
        result = self._kept.get(self._lines_only, *key) if is_past else None
        if result is None:
            result = self._read(where, state, query)
            if is_past and not self.notes(span, zone):
                self._kept.put(result, self._lines_only, *key)
        with self._lock:
            _keep(self._answers, key, result, MAX_ANSWERS)
        return result

    def _read(self, where: _Where, state: str, query: exp.Query) -> QueryResult:
        try:
            return self._run(where, state, query)
        except FileRefusedError:  # the cache of columns was deleted or pruned: open the span again
            with self._lock:
                if where in self._open:
                    self._drop(where)
            return self._run(where, state, query)

    def notes(self, span: Span, zone: tzinfo) -> tuple[str, ...]:
        """Return what whoever reads the answers about the span should know, such as unreadable objects."""
        with self._lock:
            return self._notes.get((span, zone, False), ())

    def _run(self, where: _Where, state: str, query: exp.Query) -> QueryResult:
        opened = self._use(where, state)
        try:
            with opened.opening:
                if opened.database is None:
                    opened.database = self._database(*where)
                    with self._lock:
                        _keep(self._notes, where, tuple(opened.database.notes), MAX_LISTINGS)
            return opened.database.run(query)
        finally:
            self._leave(opened)

    def _state(self, span: Span, is_about_failures: bool) -> str:
        """Return what changes when the span has changed.

        The newest hours are listed twice a second. All others are listed every five minutes: that costs a
        request per day, and only late clicks, `compact`, `erase` and `reenrich` change them.
        """
        newest = self.newest() if span.until > self.now() else ""
        # A time that goes on is compared up to this minute; its hours are the same for an hour.
        hours = Span(hour_of(span.since), hour_of(span.until - RESOLUTION) + HOUR)
        with self._lock:
            listing = self._listings.get((hours, is_about_failures)) or _Listing()
            _keep(self._listings, (hours, is_about_failures), listing, MAX_LISTINGS)
        with listing.lock:
            if time.monotonic() - listing.listed_at >= LISTED_SECONDS:
                listing.found = self._list(hours, is_about_failures)
                listing.listed_at = time.monotonic()
            return f"{newest} {listing.found}"

    def _list(self, hours: Span, is_about_failures: bool) -> str:
        """Return a fingerprint of the objects that the answers about these hours are made of."""
        if is_about_failures:
            days = sorted({hour.date() for hour in hours_between(hours.since, hours.until)})
            objects = [found for day in days for found in objects_of_day(self.lake, FAILED, day)]
        else:
            around = Span(hours.since - DELIVERY_WINDOW, hours.until)
            objects = [each for found in list_clicks(self.lake, around).values() for each in found]
            if not self._lines_only:
                objects += list_columns(self.lake, around).values()
        digest = hashlib.sha256()
        for found in sorted(objects):
            digest.update(f"{found.key} {found.etag}\n".encode())
        return digest.hexdigest()

    def newest(self) -> str:
        """Return what changes when something has landed: the newest objects of this hour and the last."""
        with self._lock:
            if time.monotonic() - self._newest_at < NEWEST_SECONDS:
                return self._newest
        hour = hour_of(self.now())
        listed = [
            (found.key, found.modified.isoformat(), found.size)
            for at in (hour - HOUR, hour)
            for found in self.lake.objects_of_hour("clicks", at)
        ]
        newest = f"{len(listed)}/{max((modified for _, modified, _ in listed), default='')}"
        with self._lock:
            self._newest, self._newest_at = newest, time.monotonic()
        return newest

    def close(self) -> None:
        with self._lock:
            for where in [*self._open]:
                self._drop(where)
        self._folder.cleanup()

    def _use(self, where: _Where, state: str) -> _OpenSpan:
        """Return the open span, opened anew if the lake has changed. Waits while too many are in use."""
        with self._lock:
            while True:
                found = self._open.get(where)
                if found and found.state != state:
                    self._drop(where)
                elif found:
                    break
                elif self._number_open < MAX_OPEN:
                    found = self._open[where] = _OpenSpan(state)
                    self._number_open += 1
                    break
                elif idle := [each for each, span in self._open.items() if not span.users]:
                    self._drop(idle[0])
                else:
                    self._has_room.wait()
            self._open.move_to_end(where)
            found.users += 1
        return found

    def _drop(self, where: Hashable) -> None:
        """Forget the span. Whoever still asks it closes it afterwards."""
        span = self._open.pop(where)
        span.is_dropped = True
        if not span.users:
            self._close(span)

    def _leave(self, span: _OpenSpan) -> None:
        with self._lock:
            span.users -= 1
            if span.is_dropped and not span.users:
                self._close(span)
            self._has_room.notify_all()

    def _close(self, span: _OpenSpan) -> None:
        self._number_open -= 1
        if span.database:
            with suppress(Exception):
                span.database.close()

    def _database(self, span: Span, zone: tzinfo, is_about_failures: bool) -> SpanDatabase:
        return SpanDatabase(
            self.lake,
            span,
            zone,
            columns=COLUMNS | {*ASKED_ATTRIBUTES, *self.attributes},
            lines_only=self._lines_only,
            with_events=not is_about_failures,
            with_failed=is_about_failures,
            shows_progress=False,
            parent=Path(self._folder.name),
        )


def _keep(kept: OrderedDict[Any, Any], key: Hashable, value: object, most: int) -> None:
    """Keep the value as the newest, and forget the oldest values."""
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > most:
        kept.popitem(last=False)
