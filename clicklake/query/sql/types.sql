-- What kinds of events were there?
select type, count(*) as events, sum(count(*)) over () as total, count(distinct visitorid) as visitors
from human_clicks
group by type
order by events desc, type
limit 50
