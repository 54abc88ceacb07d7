-- Which types of events were there?
select type, count(*) as events, sum(count(*)) over () as total, count(distinct visitorid) as visitors
from human_events
group by type
order by events desc, type
limit 50
