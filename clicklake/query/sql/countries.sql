-- Which countries do visitors come from?
select country, count(*) as events, sum(count(*)) over () as total, count(distinct visitorid) as visitors
from human_events
where country is not null
group by country
order by events desc, country
limit 50
