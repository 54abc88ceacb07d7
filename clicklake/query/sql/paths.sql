-- What was clicked on which page, and in how many sessions?
select
  path,
  coalesce(name, species, itemid) as item,
  count(*) as clicks,
  sum(count(*)) over () as total,
  count(distinct session_key) as sessions
from human_events
where type = 'click' and itemid is not null and path is not null
group by 1, 2
order by clicks desc, path, item
limit 50
