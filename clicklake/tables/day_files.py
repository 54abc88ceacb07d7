"""Keep each settled day as one file with the columns that most questions are about.

A question over a month reads 30 files in place of 720, each of which DuckDB opens anew for every question:
benchmarks/day_files.py has what that saves. A day's file is made once, of its hours' files, and is named by
them: when an hour changes, the day has another name.
"""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import duckdb
from duckdb import DuckDBPyConnection

from clicklake.cli.console import progress
from clicklake.lake.columns import CHECKED_HOURS, COUNTED_COLUMNS
from clicklake.lake.partitions import HOUR, Span
from clicklake.tables.database import sql_list, sql_text
from clicklake.tables.parquet_cache import ParquetCache
from clicklake.tables.parquet_files import parquet_source
from clicklake.tables.schema import PARTITIONS

DAY_COLUMNS = frozenset(
    [
        *("type", "itemid", "itemlookup", "host", "path", "country", "privacy", "bot"),
        *("browser", "os", "device", "utmsource", "utmmedium", "utmcampaign", "referrerhost", "referrerkind"),
        *COUNTED_COLUMNS,
        *PARTITIONS,
    ]
)
"""And the catalogue's attributes. Not what differs in every event: that fills most of an hour's file."""

DAY = timedelta(days=1)
MIN_HOURS = 3
"""A day with fewer is not worth a file of its own."""

VERSION = "1"
"""Part of a file's name. Change it when the files' content changes."""


class DayFiles(NamedTuple):
    """Files of whole days, and of the hours that are in none of those."""

    days: list[Path]
    hours: list[Path]


def merge_days(
    db: DuckDBPyConnection,
    cache: ParquetCache,
    hours: Mapping[datetime, Path],
    span: Span,
    now: datetime,
    columns: Collection[str],
    *,
    shows_progress: bool,
) -> DayFiles:
    """Divide the hours into whole settled days and others. Make the files of days that are not there yet.

    An hour has settled when no late line of an earlier hour can change what counts in it.
    """
    by_day: dict[date, dict[datetime, Path]] = defaultdict(dict)
    for hour, file in sorted(hours.items()):
        by_day[hour.date()][hour] = file
    found = DayFiles([], [])
    with progress(is_shown=shows_progress) as bar:
        for day, parts in bar.track(by_day.items(), total=len(by_day), description="days"):
            begin = min(parts).replace(hour=0)
            is_whole = span.since <= begin and begin + DAY <= span.until
            is_settled = begin + DAY + CHECKED_HOURS * HOUR <= now
            file = cache.day_file(day, _name(parts.values(), columns))
            if not (is_whole and is_settled and len(parts) >= MIN_HOURS):
                found.hours.extend(parts.values())
            elif file.exists() or _merge(db, cache, parts.values(), columns, file):
                cache.touch(file)
                found.days.append(file)
            else:
                found.hours.extend(parts.values())
    return found


def day_source(files: Iterable[Path]) -> str:
    """Return the SQL that reads files of days."""
    return f"read_parquet({sql_list(files)}, union_by_name = true, hive_partitioning = false)"


def _name(parts: Collection[Path], columns: Collection[str]) -> str:
    """Return a name that says what a day was made of: an hour's file is named by its object's ETag."""
    named = "".join(f"{part.parent.name}/{part.name}\n" for part in sorted(parts))
    return hashlib.sha256(f"{VERSION} {sorted(columns)} {named}".encode()).hexdigest()[:32]


def _merge(
    db: DuckDBPyConnection, cache: ParquetCache, parts: Collection[Path], columns: Collection[str], file: Path
) -> bool:
    """Return whether the file was made. A huge day may need too much memory; its hours are read then."""
    source = parquet_source(parts)
    there = [name for name, *_ in db.execute(f"describe select * from {source}").fetchall()]  # noqa: S608
    selected = ", ".join(name for name in there if name in columns)
    try:
        with cache.new_file(file) as new:
            db.execute(
                f"copy (select {selected} from {source})"  # noqa: S608 (our own names)
                f" to {sql_text(new)} (format parquet, compression snappy)"
            )
    except duckdb.OutOfMemoryException:
        return False
    return True
