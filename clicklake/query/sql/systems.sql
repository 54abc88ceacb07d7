-- Which operating systems do visitors use?
select os, count(*) as events, sum(count(*)) over () as total, count(distinct visitor_key) as visitors
from human_events
where os is not null
group by os
order by events desc, os
limit 50
