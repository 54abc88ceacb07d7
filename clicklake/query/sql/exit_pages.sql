-- On which pages did sessions end? A session's exit is the page of its last event that has one.
select path, count(*) as sessions, sum(count(*)) over () as total
from (
  select session_key, max_by(path, concat(event_time, eventid)) as path
  from human_events
  where session_key is not null and path is not null
  group by session_key
)
group by path
order by sessions desc, path
limit 50
