-- Which types of events were there?
select type, count(*) as events, sum(count(*)) over () as total, count(distinct visitor_key) as visitors
from human_events
group by type
order by events desc, type
limit 50
