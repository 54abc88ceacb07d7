-- On which pages did sessions begin? A session's entry is the page of its first event that has one.
select path, count(*) as sessions, sum(count(*)) over () as total
from (
  select session_key, min_by(path, concat(event_time, eventid)) as path
  from human_events
  where session_key is not null and path is not null
  group by session_key
)
group by path
order by sessions desc, path
limit 50
