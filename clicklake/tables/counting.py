"""The rule of counting on lines: one row per event and hour, which counts if the event did not land before.

The same as the view ranked_lines of query/views.sql, but faster: most ids occur once, and only the lines of
the others are ranked. Both are tested against plain Python.
"""

from pathlib import Path

from duckdb import DuckDBPyConnection

from clicklake.lake.bucket import Lake, S3Object
from clicklake.lake.columns import WINDOW_HOURS
from clicklake.tables.line_files import LANDING_HOUR, load_lines, select_from_files
from clicklake.tables.parquet_files import parquet_source
from clicklake.tables.schema import PARTITIONS, Column

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
