-- The tables that a query may read. They are built from `stored_lines`: the lake's lines in the span that is asked about.
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
-- The same, with that time in the zone that is asked for. `in_zone` stands for the arithmetic, which local_time.py writes.
lines as (select *, in_zone(event_time) as local_time from timed_lines),
-- Each event once. Of several lines with one id, the line that was processed last counts. (Ordering by receivedat too
-- makes every engine choose the same of two lines that were processed in one batch.)
events as (
  select *
  from (
    select *, row_number() over (partition by eventid order by processedat desc, receivedat desc) as dedup_rank
    from lines
    where eventid is not null
  )
  where dedup_rank = 1
),
-- Each event once, without the bots that the rules find.
human_events as (select * from events where bot is null)
select * from human_events
