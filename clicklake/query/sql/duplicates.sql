-- How many lines does an event have? Firehose delivers at least once; every other query counts an event once.
-- Of an event that landed in several hours, the copies of all hours are added up. Few did: all others are counted by
-- their own copies, without comparing ids.
select copies, sum(events) as events
from (
  select copies, count(*) as events
  from hourly_events
  where counted
  group by copies
  union all
  select
    case when part = 'first hour' then copies else all_copies end as copies,
    sum(case when part = 'all hours' and place = 1 then 1 when part = 'first hour' and counted then -1 else 0 end) as events
  from (
    select
      copies,
      counted,
      sum(copies) over (partition by eventid) as all_copies,
      row_number() over (partition by eventid order by dt, hr) as place
    from hourly_events
    where eventid in (select eventid from hourly_events where not counted)
  )
  cross join (select 'first hour' as part union all select 'all hours' as part) parts
  group by 1
)
group by copies
having sum(events) > 0
order by copies
limit 50
