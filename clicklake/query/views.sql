-- The tables that a query may read. An engine puts the tables that they are built from before them:
--
-- stored_lines   lines of clicks/: the columns that the queries need, `dt` and `hr` of the object's folder, `visitor_key`,
--                `session_key`, and `is_asked`. That is false for lines of the 25 hours before, which are read only to
--                see which events landed then: of those, `eventid`, `dt` and `hr` are enough.
-- stored_events  rows of columns/: the same columns without `is_asked`, but with `copies`, `counted`,
--                `arrival_delay_seconds` and `event_time`.
--
-- An hour is in one of the two tables. `stored_columns` stands for the columns that the queries need, and
-- `landed_in_span` for the condition that a row landed in the span; queries.py writes both.
with
-- Every line, with the time at which its event happened. That is the browser's time if the server's clock finds it
-- possible (not later than the arrival, and not more than a day before it); otherwise it is the time of arrival.
timed_lines as (
  select
    *,
    case when arrival_delay_seconds between 0 and 86400 then occurredat else receivedat end as event_time
  from (
    select
      *,
      date_diff(
        'second',
        try_cast(replace(substr(occurredat, 1, 19), 'T', ' ') as timestamp),
        try_cast(replace(substr(receivedat, 1, 19), 'T', ' ') as timestamp)
      ) as arrival_delay_seconds
    from stored_lines
  )
),
-- The same, ranked within the hour in which they landed. An event counts in an hour if no line with its id landed in
-- the 25 hours before. (Ordering by receivedat too makes every engine choose the same of two lines that were processed
-- in one batch.)
ranked_lines as (
  select
    *,
    row_number() over (partition by eventid, landing_hour order by processedat desc, receivedat desc) as dedup_rank,
    count(*) over (partition by eventid, landing_hour) as copies,
    count(*) over (partition by eventid order by landing_hour range between 25 preceding and 1 preceding) = 0 as counted
  from (
    select
      *,
      date_diff(
        'hour',
        cast('1970-01-01 00:00:00' as timestamp),
        try_cast(concat(dt, ' ', substr(concat('0', cast(hr as varchar)), -2), ':00:00') as timestamp)
      ) as landing_hour
    from timed_lines
    where eventid is not null
  )
),
-- A row per event and hour, from lines and from columns.
landed_events as (
  select stored_columns, copies, counted, arrival_delay_seconds, event_time
  from ranked_lines
  where dedup_rank = 1 and is_asked
  union all
  select stored_columns, copies, counted, arrival_delay_seconds, event_time from stored_events
),
-- The rows of the span, with their number of lines in that hour (`copies`) and whether they count there (`counted`).
-- `in_zone` stands for the arithmetic of the zone that is asked for, which local_time.py writes.
hourly_events as (select *, in_zone(event_time) as local_time from landed_events where landed_in_span),
-- Each event once: in the hour in which it first landed.
events as (select * from hourly_events where counted),
-- Each event once, without the bots that the rules find.
human_events as (select * from events where bot is null),
-- Every line. Lines are in clicks/ alone, so a query that names this table reads nothing else.
lines as (
  select stored_columns, arrival_delay_seconds, event_time, in_zone(event_time) as local_time
  from timed_lines
  where is_asked and landed_in_span
)
select * from human_events
