-- Which kinds of sites did visitors come from? Moving from page to page (internal) does not count.
select
  referrerkind,
  count(*) as events,
  sum(count(*)) over () as total,
  count(distinct session_key) as sessions
from human_events
where referrerkind is not null and referrerkind <> 'internal'
group by referrerkind
order by events desc, referrerkind
limit 50
