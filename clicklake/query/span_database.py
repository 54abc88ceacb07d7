"""The rows of a span, open for many queries: closed hours from columns/, the others from clicks/."""

import math
import re
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from tempfile import mkdtemp
from threading import Timer
from typing import Any

import duckdb
from sqlglot import exp

from clicklake.errors import CommandError
from clicklake.lake.bucket import Lake, S3Object
from clicklake.lake.columns import SpanSources, sources_of
from clicklake.lake.error_documents import FAILED, objects_of_day
from clicklake.lake.object_stream import ObjectGoneError
from clicklake.lake.partitions import Span, hours_between
from clicklake.query.queries import (
    QueryResult,
    check_tables,
    named_columns,
    referenced_tables,
    view_definitions,
)
from clicklake.query.translate import MACROS, to_duckdb
from clicklake.tables.counting import load_earlier_ids, rank_lines, select_lines
from clicklake.tables.database import close_file_system, first_line, open_database, use_database
from clicklake.tables.day_files import DAY_COLUMNS, day_source, merge_days
from clicklake.tables.line_files import load_lines, select_from_files
from clicklake.tables.parquet_cache import ParquetCache
from clicklake.tables.parquet_files import parquet_source, select_from_parquet
from clicklake.tables.schema import (
    COMPUTED_COLUMNS,
    FAILED_COLUMNS,
    KEY_COLUMNS,
    PARTITIONS,
    Column,
    LineTable,
    line_table,
)

NAMED_OBJECTS = 5  # at most, of those that cannot be read
MAX_LISTINGS = 5  # of a span whose objects are replaced meanwhile

_LABELS = {"ranked_lines": "lines"}  # of the progress bar
_EVENT_VIEWS = ("landed_events", "hourly_events", "events", "human_events")
_BY_SCHEMA = {"stored_events", *_EVENT_VIEWS}
_ALWAYS_NEEDED = {"eventid", "processedat", "receivedat", "occurredat", "bot", *PARTITIONS}
_OF_DAYS = "of_days"  # the schema of the same views over files of days, which have fewer columns


FILE_REFUSALS = (duckdb.IOException, duckdb.PermissionException)  # a file that is gone is no allowed one


class FileRefusedError(CommandError):
    """DuckDB could not read a file, or was not allowed to."""


class SpanDatabase:
    """Opens a span once; then any thread may ask it.

    `columns` are those that will be asked for, by default all. `lines_only` reads clicks/ alone; only then is
    there a table `lines`. `with_failed` loads Firehose's error documents too.
    `parent` is the folder for its files, by default the system's for temporary ones. `query_seconds` is the
    longest that a query may run, by default without a limit.
    """

    def __init__(
        self,
        lake: Lake,
        span: Span,
        zone: tzinfo = UTC,
        *,
        columns: Collection[str] | None = None,
        lines_only: bool = False,
        with_events: bool = True,
        with_failed: bool = True,
        now: datetime | None = None,
        shows_progress: bool = True,
        parent: Path | None = None,
        query_seconds: float = math.inf,
    ) -> None:
        self.notes: list[str] = []
        self._lake, self._span, self._zone = lake, span, zone
        self._shows_progress = shows_progress
        self._query_seconds = query_seconds
        self._folder = Path(mkdtemp(prefix="clicklake-", dir=parent))
        try:
            self._db = open_database(self._folder)
            self._db.execute(MACROS)
            files: list[Path] = []
            self._day_columns: frozenset[str] = frozenset()
            if with_failed:  # first: a reader of JSON takes 32 MiB at once, and ranked events leave little
                self._load("failed", select_from_files(FAILED_COLUMNS), _failed_objects(lake, span))
            if with_events:
                files = self._open_events(columns, lines_only, now or datetime.now(UTC))
            close_file_system(self._db, self._folder, files)
        except duckdb.OutOfMemoryException as error:
            self.close()
            raise too_much_memory(error) from error
        except duckdb.Error as error:
            self.close()
            raise CommandError(_reason(lake, error)) from error
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "SpanDatabase":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if hasattr(self, "_db"):
            self._db.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def run(self, query: exp.Query) -> QueryResult:
        """Raise CommandError for SQL that DuckDB refuses, or that needs too much memory or time.

        FileRefusedError: a file of columns/ on this machine is gone, or the SQL names another file.
        """
        sql = to_duckdb(query)
        check_tables(query)
        try:
            with self._db.cursor() as cursor, _interrupted_after(self._query_seconds, cursor):
                use_database(cursor, self._schema(query))
                cursor.execute(sql)
                columns = tuple(column[0].lower() for column in cursor.description or ())
                return QueryResult(columns, [tuple(map(_as_athena, row)) for row in cursor.fetchall()])
        except duckdb.InterruptException as error:
            raise too_slow(self._query_seconds) from error
        except duckdb.OutOfMemoryException as error:
            raise too_much_memory(error) from error
        except FILE_REFUSALS as error:
            raise FileRefusedError(_reason(self._lake, error)) from error
        except duckdb.Error as error:
            raise CommandError(_reason(self._lake, error)) from error

    @cached_property
    def _table(self) -> LineTable:
        """Asked of Glue once, and only for events."""
        return line_table(self._lake)

    def _open_events(self, columns: Collection[str] | None, lines_only: bool, now: datetime) -> list[Path]:
        """Make the views. Return the files of columns/ that they read."""
        known = self._table.columns | PARTITIONS | KEY_COLUMNS
        needed = {
            name: column
            for name, column in known.items()
            if columns is None or name in columns or name in _ALWAYS_NEEDED
        }
        sources, files, earlier_files = self._fetch(lines_only, now)
        has_lines = bool(sources.lines) or not files
        if has_lines:
            self._load_lines(sources, earlier_files, needed)
        stored = select_from_parquet(self._db, parquet_source(files.values()), needed) if files else ""
        self._create_views("main", needed, stored, has_lines)
        if lines_only:
            self._create_view("main", "lines", view_definitions(self._zone, self._span, needed)["lines"])
        return [*files.values(), *self._open_days(files, needed, has_lines, now)] if files else []

    def _open_days(
        self, files: Mapping[datetime, Path], columns: Mapping[str, Column], has_lines: bool, now: datetime
    ) -> list[Path]:
        """Make the same views over files of days, if there are any. Return those."""
        cache = ParquetCache(self._lake)
        wanted = DAY_COLUMNS | frozenset(self._table.attributes)
        days, hours = merge_days(
            self._db, cache, files, self._span, now, wanted, shows_progress=self._shows_progress
        )
        if not days:
            return []
        # receivedat says whether a row of the first or last hour is of the span; no such hour is in a day.
        kept = {name: column for name, column in columns.items() if name in wanted or name == "receivedat"}
        sources = [day_source(days), *([parquet_source(hours)] if hours else [])]
        stored = " union all ".join(select_from_parquet(self._db, source, kept) for source in sources)
        self._db.execute(f"create schema {_OF_DAYS}")
        self._create_views(_OF_DAYS, kept, stored, has_lines)
        self._day_columns = wanted
        return days

    def _create_views(self, schema: str, columns: Mapping[str, Column], stored: str, has_lines: bool) -> None:
        if stored:
            self._db.execute(f"create view {schema}.stored_events as {stored}")
        views = view_definitions(
            self._zone, self._span, columns, from_lines=has_lines, from_columns=bool(stored)
        )
        for name in _EVENT_VIEWS:
            self._create_view(schema, name, views[name])

    def _create_view(self, schema: str, name: str, view: exp.Query) -> None:
        def qualify(node: exp.Expression) -> exp.Expression:
            if isinstance(node, exp.Table):
                node.set("db", exp.to_identifier(schema if node.name in _BY_SCHEMA else "main"))
            return node

        sql = view.transform(_cast_iso_times).transform(qualify).sql("duckdb")
        self._db.execute(f"create view {schema}.{name} as {sql}")

    def _schema(self, query: exp.Query) -> str:
        """Return where the query finds its tables: in files of days, if those have all columns it names."""
        if not self._day_columns or not referenced_tables([query]).isdisjoint({"failed", "lines"}):
            return "main"
        known = self._table.columns | PARTITIONS | KEY_COLUMNS
        return _OF_DAYS if self._day_columns.issuperset(named_columns(query, known)) else "main"

    def _fetch(self, lines_only: bool, now: datetime) -> tuple[SpanSources, dict[datetime, Path], list[Path]]:
        """Return the span's sources, with the files of columns/ to read whole and for their ids."""
        for attempt in range(MAX_LISTINGS):
            sources = sources_of(self._lake, self._span, now, lines_only=lines_only)
            objects = sources.columns | sources.earlier_columns
            try:
                files = (
                    ParquetCache(self._lake, shows_progress=self._shows_progress).fetch(objects)
                    if objects
                    else {}
                )
            except ObjectGoneError:  # replaced since it was listed
                if attempt + 1 == MAX_LISTINGS:
                    raise
                continue
            return (
                sources,
                {hour: files[hour] for hour in sources.columns},
                [files[hour] for hour in sources.earlier_columns],
            )
        raise AssertionError

    def _load_lines(self, sources: SpanSources, earlier: list[Path], columns: Mapping[str, Column]) -> None:
        """Make the table of the lines, ranked by the rule of counting."""
        select = select_lines(columns, self._table.columns)
        self._load("ranked_lines", select, _all_of(sources.lines))
        # A line that is not a JSON object, or has no eventId, reads as nulls in every engine.
        (malformed,) = self._db.execute("delete from ranked_lines where eventid is null").fetchone() or (0,)
        if malformed:
            self.notes.append(
                f"{malformed:,} lines are not clicks (not JSON, or without eventId) and are left out"
            )
        load_earlier_ids(self._db, self._lake, _all_of(sources.earlier_lines), earlier, self._folder)
        rank_lines(self._db)
        self._db.execute("create view timed_lines as select * from ranked_lines")

    def _load(self, table: str, select: str, objects: list[S3Object]) -> None:
        """Make a table of the objects' lines. Note which objects cannot be read."""
        label = _LABELS.get(table, table) if self._shows_progress else None
        unreadable = load_lines(self._db, table, select, self._lake, objects, self._folder, label)
        if unreadable:
            named = ", ".join(sorted(unreadable)[:NAMED_OBJECTS])
            self.notes.append(
                f"{len(unreadable)} of {len(objects)} objects cannot be read and are left out: {named}"
            )


@contextmanager
def _interrupted_after(seconds: float, cursor: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Interrupt what the cursor runs after so many seconds. A Timer cannot wait for infinity."""
    if seconds == math.inf:
        yield
        return
    timer = Timer(seconds, cursor.interrupt)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def too_much_memory(error: duckdb.OutOfMemoryException) -> CommandError:
    return CommandError(
        f"too much for DuckDB here; choose fewer days or --engine athena, or raise CLICKLAKE_DUCKDB_MEMORY"
        f" ({first_line(error)})"
    )


def too_slow(seconds: float) -> CommandError:
    return CommandError(f"the query was stopped after {seconds:g} seconds; choose fewer days, or simpler SQL")


def _all_of(hours: Mapping[datetime, list[S3Object]]) -> list[S3Object]:
    return [found for objects in hours.values() for found in objects]


def _failed_objects(lake: Lake, span: Span) -> list[S3Object]:
    days = sorted({hour.date() for hour in hours_between(span.since, span.until)})
    return [found for day in days for found in objects_of_day(lake, FAILED, day)]


def _cast_iso_times(node: exp.Expression) -> exp.Expression:
    """Drop the replacement of a time's T, which only Athena's cast needs: a tenth of an insert's time."""
    return node.this if isinstance(node, exp.Replace) else node


def _as_athena(cell: Any) -> Any:
    """Return a time as the text that Athena's results have for it."""
    if not isinstance(cell, datetime):
        return cell
    text = f"{cell:%Y-%m-%d %H:%M:%S}.{cell.microsecond // 1000:03}"
    return f"{text} UTC" if cell.tzinfo == UTC or cell.tzinfo else text


def _reason(lake: Lake, error: duckdb.Error) -> str:
    """Return DuckDB's message in one line, with the names that a misspelt column may mean."""
    message = first_line(error)
    missing = re.search(r'column "?([^"\s]+)"? (?:not found|does not exist)', message)
    if missing is None:
        return f"DuckDB: {message}"
    name = missing[1].lower()
    known = {*line_table(lake).columns, *PARTITIONS, *KEY_COLUMNS, *FAILED_COLUMNS, *COMPUTED_COLUMNS}
    close = get_close_matches(name, sorted(known), n=3)
    hint = f"did you mean {' or '.join(close)}?" if close else "docs/line.md lists the columns"
    return f"there is no column {name}; {hint}"
