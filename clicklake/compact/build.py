"""Write the Parquet of one hour with DuckDB, in bounded memory however many lines the hour has."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from clicklake.errors import CommandError
from clicklake.lake.bucket import Lake, S3Object
from clicklake.lake.columns import COUNTED_COLUMNS
from clicklake.tables.counting import UNRANKED, load_earlier_ids, rank_lines, select_lines
from clicklake.tables.database import MEMORY_LIMIT, first_line, open_database, sql_text
from clicklake.tables.line_files import LANDING_HOUR, load_lines
from clicklake.tables.parquet_files import COPY_OPTIONS, parquet_source
from clicklake.tables.schema import KEY_COLUMNS, PARTITIONS, line_table

SLICE_ROWS = 100_000  # sorted at once: DuckDB's sort of whole rows needs memory for each
THREADS = 1  # two take half as much CPU again, and an hour is not read or written sooner
GROUP_ROWS = 61_440  # of Parquet in a sliced hour; a group is in memory while it is written

# By the id too, so that two compactions of the same lines write the same rows in the same order.
_ORDER = "order by receivedat, eventid"

_COPIES_WITH_OTHER_IDS = """
select count(*)
from (select * from ranked_lines where dedup_rank > 1) copy
join (select * from ranked_lines where dedup_rank = 1) shown using (eventid)
where (copy.userid, copy.visitorid, copy.sessionid)
  is distinct from (shown.userid, shown.visitorid, shown.sessionid)
"""


@dataclass(frozen=True)
class BuiltHour:
    file: Path
    ids: str  # stands for the set of event ids
    lines: int
    events: int
    unseen: int = 0  # as in ColumnsMetadata


@dataclass(frozen=True)
class EarlierHours:
    """Where the ids of the 25 hours before are read from."""

    lines: list[S3Object]
    files: list[Path]


class UnreadableLinesError(Exception):
    """Some of the hour's objects cannot be read, so it is not written."""

    def __init__(self, keys: list[str]) -> None:
        super().__init__(", ".join(keys))
        self.keys = keys


def build_from_lines(lake: Lake, objects: list[S3Object], earlier: EarlierHours, folder: Path) -> BuiltHour:
    """Raises UnreadableLinesError."""
    columns = line_table(lake).columns
    select = select_lines(columns | PARTITIONS | KEY_COLUMNS, columns)
    with _open(folder) as db:
        unreadable = load_lines(db, "ranked_lines", select, lake, objects, folder)
        if unreadable:
            raise UnreadableLinesError(unreadable)
        malformed = _count(db, "delete from ranked_lines where eventid is null")
        load_earlier_ids(db, lake, earlier.lines, earlier.files, folder, only_known=True)
        rank_lines(db)
        selected = ", ".join([*columns, *COUNTED_COLUMNS])
        built = _write(db, f"select {selected} from ranked_lines where dedup_rank = 1", folder)  # noqa: S608
        return replace(built, unseen=malformed + _count(db, _COPIES_WITH_OTHER_IDS))


def build_from_columns(lake: Lake, file: Path, earlier: EarlierHours, folder: Path) -> BuiltHour:
    """Write the hour's own Parquet again, and only decide anew which of its events count."""
    source = parquet_source([file])
    ids = "select eventid, null as processedat, null as receivedat"
    ids += f", {LANDING_HOUR} as landing_hour, {UNRANKED}"
    with _open(folder) as db:
        db.execute(f"create table ranked_lines as {ids} from {source}")
        load_earlier_ids(db, lake, earlier.lines, earlier.files, folder, only_known=True)
        rank_lines(db)
        return _write(
            db,
            "select stored.* exclude (dt, hr) replace (ranked_lines.counted as counted)"  # noqa: S608 (quoted)
            f" from {source} stored join ranked_lines using (eventid)",
            folder,
        )


def _write(db: DuckDBPyConnection, select: str, folder: Path) -> BuiltHour:
    file = folder / "events.parquet"
    db.execute("set preserve_insertion_order = true")
    slices = [*_slices(db, select)]
    if len(slices) == 1:
        _copy(db, f"{select} {_ORDER}", file)
    else:  # sorted one after the other, then written as they are: Parquet is slow to write, so once
        db.execute(f"create table sorted_rows as select * from ({select}) limit 0")  # noqa: S608 (our own)
        for condition in slices:
            db.execute(f"insert into sorted_rows select * from ({select}) where {condition} {_ORDER}")  # noqa: S608
        db.execute(f"set memory_limit = '{_lower(MEMORY_LIMIT)}'")
        _copy(db, "select * from sorted_rows", file, f", row_group_size {GROUP_ROWS}")
    counted = "count(*), coalesce(sum(copies), 0)::bigint, coalesce(bit_xor(md5_number(eventid)), 0)"
    events, lines, digest = _row(db, f"select {counted} from read_parquet({sql_text(file)})")  # noqa: S608
    return BuiltHour(file, f"{events}-{digest:032x}", lines, events)


def _copy(db: DuckDBPyConnection, select: str, file: Path, options: str = "") -> None:
    db.execute(f"copy ({select}) to {sql_text(file)} ({COPY_OPTIONS}{options})")


def _lower(limit: str) -> str:
    """Return 0.72 of the limit: what the writer of Parquet takes itself is not counted by DuckDB."""
    size = re.fullmatch(r"([\d.]+)\s*([A-Za-z]+)", limit.strip())
    return f"{float(size[1]) * 0.72:.1f}{size[2]}" if size else limit


@contextmanager
def _open(folder: Path) -> Iterator[DuckDBPyConnection]:
    """Open a database. Raise CommandError if its memory is too little for the hour."""
    try:
        with open_database(folder, THREADS) as db:
            yield db
    except duckdb.OutOfMemoryException as error:
        message = "an hour has too many lines for DuckDB's memory; raise CLICKLAKE_DUCKDB_MEMORY"
        raise CommandError(f"{message} ({first_line(error)})") from error


def _slices(db: DuckDBPyConnection, select: str) -> Iterator[str]:
    """Yield conditions that divide the rows by receivedat, in its order, into slices that fit into memory."""
    seconds = db.execute(
        f"select substr(receivedat, 1, 19) as second, count(*) from ({select})"  # noqa: S608 (our own)
        " where receivedat is not null group by second order by second"
    ).fetchall()
    begin, rows = None, 0
    for second, number in seconds:
        if rows + number > SLICE_ROWS and rows:
            yield _between(begin, second)
            begin, rows = second, 0
        rows += number
    yield f"({_between(begin, None)} or receivedat is null)"


def _between(begin: str | None, end: str | None) -> str:
    """Compare beginnings, which are in the order of the whole texts."""
    conditions = [f"substr(receivedat, 1, 19) >= {sql_text(begin)}"] if begin is not None else []
    conditions += [f"substr(receivedat, 1, 19) < {sql_text(end)}"] if end is not None else []
    return " and ".join(conditions) or "true"


def _count(db: DuckDBPyConnection, sql: str) -> int:
    return int(db.execute(sql).fetchall()[0][0])


def _row(db: DuckDBPyConnection, sql: str) -> tuple[int, int, int]:
    events, lines, digest = db.execute(sql).fetchall()[0]
    return events, lines, digest
