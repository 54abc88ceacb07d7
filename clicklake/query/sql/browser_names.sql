-- Which browsers do visitors use, whatever the system?
select browser, count(*) as events, sum(count(*)) over () as total, count(distinct visitor_key) as visitors
from human_events
where browser is not null
group by browser
order by events desc, browser
limit 50
