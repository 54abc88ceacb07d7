-- Which countries do visitors come from?
select country, count(*) as events, sum(count(*)) over () as total, count(distinct visitor_key) as visitors
from human_events
where country is not null
group by country
order by events desc, country
limit 50
