-- Which browsers do visitors use, on which systems?
select browser, os, count(*) as events, sum(count(*)) over () as total, count(distinct visitor_key) as visitors
from human_events
where browser is not null
group by browser, os
order by events desc, browser, os
limit 50
