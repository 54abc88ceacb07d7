"""Answers from a lake: spans stay open between questions, and open again when clicks have landed in them."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from sqlglot import exp

from clicklake.lake.bucket import Lake
from clicklake.lake.partitions import HOUR, Span, hour_of
from clicklake.query.queries import QueryResult, referenced_tables
from clicklake.query.span_database import SpanDatabase
from clicklake.tables.schema import ASKED_ATTRIBUTES

MAX_OPEN = 3  # spans; DuckDB has up to 220 MB for each
MAX_ANSWERS = 1000  # kept in memory, of at most 50 rows each
NEWEST_SECONDS = 0.5  # how old the knowledge of what has landed may be

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
    """A database, the answers that it has given, and who is using it."""

    newest: str
    opening: threading.Lock = field(default_factory=threading.Lock)
    database: SpanDatabase | None = None
    users: int = 0
    is_dropped: bool = False


class Answers:
    """Answers questions about spans of one lake. Any thread may ask."""

    def __init__(
        self,
        lake: Lake,
        attributes: tuple[str, ...],
        now: Callable[[], datetime],
        *,
        lines_only: bool = False,
    ) -> None:
        self.lake, self.attributes, self.now = lake, attributes, now
        self._lines_only = lines_only
        self._lock = threading.Lock()
        self._open: OrderedDict[Hashable, _OpenSpan] = OrderedDict()
        self._answers: OrderedDict[Hashable, QueryResult] = OrderedDict()
        self._newest, self._newest_at = "", 0.0

    def ask(self, span: Span, zone: tzinfo, query: exp.Query) -> QueryResult:
        """Raise CommandError for SQL that DuckDB refuses, or that needs too much memory."""
        newest = self.newest() if span.until > self.now() else ""
        is_about_failures = referenced_tables([query]) == {"failed"}
        where = (span, str(zone), is_about_failures)
        key = (*where, newest, query.sql("athena"))
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
                return self._answers[key]
        opened = self._use(where, newest)
        try:
            with opened.opening:
                if opened.database is None:
                    opened.database = self._database(span, zone, is_about_failures)
            result = opened.database.run(query)
        finally:
            self._leave(opened)
        with self._lock:
            self._answers[key] = result
            while len(self._answers) > MAX_ANSWERS:
                self._answers.popitem(last=False)
        return result

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
            spans = [*self._open.values()]
            self._open.clear()
        for span in spans:
            if span.database:
                span.database.close()

    def _use(self, where: Hashable, newest: str) -> _OpenSpan:
        """Return the open span, opened anew if something has landed, and close those that are too many."""
        with self._lock:
            found = self._open.get(where)
            if found is None or found.newest != newest:
                if found:
                    self._drop(where)
                found = self._open[where] = _OpenSpan(newest)
            self._open.move_to_end(where)
            found.users += 1
            while len(self._open) > MAX_OPEN:
                self._drop(next(iter(self._open)))
        return found

    def _drop(self, where: Hashable) -> None:
        """Forget the span. Whoever still asks it closes it afterwards."""
        span = self._open.pop(where)
        span.is_dropped = True
        if not span.users and span.database:
            span.database.close()

    def _leave(self, span: _OpenSpan) -> None:
        with self._lock:
            span.users -= 1
            is_last = span.is_dropped and not span.users
        if is_last and span.database:
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
        )
