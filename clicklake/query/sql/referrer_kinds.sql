-- What kind of place did visitors come from? Going from page to page (internal) is no coming.
select
  referrerkind,
  count(*) as events,
  sum(count(*)) over () as total,
  count(distinct sessionid) as sessions
from human_clicks
where referrerkind is not null and referrerkind <> 'internal'
group by referrerkind
order by events desc, referrerkind
limit 50
