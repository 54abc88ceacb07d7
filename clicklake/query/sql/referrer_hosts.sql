-- Which sites did visitors come from?
select
  referrerhost,
  referrerkind,
  count(*) as events,
  sum(count(*)) over () as total,
  count(distinct session_key) as sessions
from human_events
where referrerhost is not null and referrerkind <> 'internal'
group by referrerhost, referrerkind
order by events desc, referrerhost, referrerkind
limit 50
