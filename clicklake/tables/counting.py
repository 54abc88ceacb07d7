"""The rule of counting on lines: one row per event and hour, which counts if the event did not land before.

The same as the view ranked_lines of query/views.sql, but faster: most ids occur once, and only the lines of
the others are ranked. Both are tested against plain Python.
"""

from collections.abc import Mapping
from pathlib import Path

from duckdb import DuckDBPyConnection

from clicklake.lake.bucket import Lake, S3Object
from clicklake.lake.columns import WINDOW_HOURS
from clicklake.tables.line_files import LANDING_HOUR, key_sql, load_lines, select_from_files
from clicklake.tables.parquet_files import parquet_source
from clicklake.tables.schema import PARTITIONS, VISIT_KEYS, Column

ARRIVAL_DELAY = """date_diff(
  'second', try_cast(substr(occurredat, 1, 19) as timestamp), try_cast(substr(receivedat, 1, 19) as timestamp)
)"""
EVENT_TIME = "case when arrival_delay_seconds between 0 and 86400 then occurredat else receivedat end"
"""As the view timed_lines writes them for Athena, whose cast needs a space in the place of the T."""

UNRANKED = "1 as dedup_rank, 1::integer as copies, true as counted, true as is_asked"
"""The columns that `rank_lines` changes, as every line begins."""

# Hashes find the candidates in half the time and memory of the ids themselves, and the ids then decide.
_RANK = f"""
create table repeated as
  select id_hash
  from (select hash(eventid) as id_hash from ranked_lines union all select hash(eventid) from earlier_ids)
  group by id_hash having count(*) > 1;
create table ranks as
  select * from (
    select
      line,
      row_number() over (of_hour order by processedat desc, receivedat desc) as dedup_rank,
      count(*) over of_hour as copies,
      count(*) over (
        partition by eventid order by landing_hour range between {WINDOW_HOURS} preceding and 1 preceding
      ) = 0 as counted
    from (
      select ranked_lines.rowid as line, eventid, landing_hour, processedat, receivedat
      from ranked_lines where hash(eventid) in (select id_hash from repeated)
      union all
      select null, eventid, landing_hour, null, null
      from earlier_ids where hash(eventid) in (select id_hash from repeated)
    )
    window of_hour as (partition by eventid, landing_hour)
  ) where line is not null;
update ranked_lines set dedup_rank = ranks.dedup_rank, copies = ranks.copies, counted = ranks.counted
  from ranks where ranked_lines.rowid = ranks.line;
drop table repeated;
drop table ranks;
"""  # noqa: S608 (a number of our own)


def select_lines(columns: Mapping[str, Column], in_lines: Mapping[str, Column]) -> str:
    """Return the SQL for the rows of `ranked_lines` from `$files`, before they are ranked.

    `columns` are the table's; visitor_key and session_key are made of their ids, which `in_lines` describes.
    """
    read = {name: column for name, column in columns.items() if name not in VISIT_KEYS}
    read |= {name: in_lines[name] for key, name in VISIT_KEYS.items() if key in columns}
    read |= {name: in_lines[name] for name in ("occurredat", "receivedat", "processedat")} | PARTITIONS
    selected = [f"{key_sql(VISIT_KEYS[name])} as {name}" if name in VISIT_KEYS else name for name in columns]
    delayed = f"select *, {ARRIVAL_DELAY} as arrival_delay_seconds from ({select_from_files(read)})"  # noqa: S608
    return (
        f"select {', '.join(selected)}, arrival_delay_seconds, {EVENT_TIME} as event_time,"  # noqa: S608
        f" {LANDING_HOUR} as landing_hour, {UNRANKED} from ({delayed})"
    )


def load_earlier_ids(
    db: DuckDBPyConnection,
    lake: Lake,
    objects: list[S3Object],
    files: list[Path],
    folder: Path,
    *,
    only_known: bool = False,
) -> list[str]:
    """Make the table `earlier_ids` of lines and of Parquet. Return the objects that cannot be read.

    `only_known` leaves out the ids that ranked_lines does not have: cheaper if those are few.
    """
    read = select_from_files({"eventid": Column("eventId", "string"), **PARTITIONS})
    select = f"select eventid, {LANDING_HOUR} as landing_hour from ({read}) where eventid is not null"  # noqa: S608
    unreadable = load_lines(db, "earlier_ids", select, lake, objects, folder)
    if files:
        known = " where hash(eventid) in (select hash(eventid) from ranked_lines)" if only_known else ""
        select = f"select eventid, {LANDING_HOUR} from {parquet_source(files)}{known}"  # noqa: S608
        db.execute(f"insert into earlier_ids {select}")
    return unreadable


def rank_lines(db: DuckDBPyConnection) -> None:
    """Fill dedup_rank, copies and counted of the table `ranked_lines`, which has eventid and landing_hour.

    The table `earlier_ids` (eventid, landing_hour) holds what landed in the hours before, and is in no hour
    of ranked_lines.
    """
    db.execute(_RANK)
