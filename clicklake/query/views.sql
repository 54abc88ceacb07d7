-- What the questions in sql/ ask of, made of `lines`: the lake's lines in the range of time that is asked about.
with
-- Each line, with when its event happened. That is what the browser says, where the server's clock finds it possible
-- (not later than its arrival, nor more than a day before); else it is the time of arrival.
clicks as (
  select
    *,
    case when latesec between 0 and 86400 then occurredat else receivedat end as happenedat
  from (
    select
      *,
      date_diff(
        'second',
        try_cast(replace(substr(occurredat, 1, 19), 'T', ' ') as timestamp),
        try_cast(replace(substr(receivedat, 1, 19), 'T', ' ') as timestamp)
      ) as latesec
    from lines
  )
),
-- Each event once. Of several lines with one id the one processed last counts (the order by its request only makes
-- every engine choose the same of two that were processed in one batch).
unique_clicks as (
  select *
  from (
    select *, row_number() over (partition by eventid order by processedat desc, receivedat desc) as nth
    from clicks
    where eventid is not null
  )
  where nth = 1
),
-- What people did, as far as rules tell robots.
human_clicks as (select * from unique_clicks where bot is null)
select * from human_clicks
