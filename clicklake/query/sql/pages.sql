-- Which pages were viewed, and in how many of their sessions was something clicked on them?
select
  path,
  sum(seen) as views,
  sum(sum(seen)) over () as total,
  count(*) filter (where seen > 0 and session_key is not null) as sessions,
  count(*) filter (where seen > 0 and clicked > 0 and session_key is not null) as clicking
from (
  select
    path,
    session_key,
    count(*) filter (where type = 'pageview') as seen,
    count(*) filter (where type = 'click') as clicked
  from human_events
  where path is not null
  group by path, session_key
)
group by path
having sum(seen) > 0
order by views desc, path
limit 50
