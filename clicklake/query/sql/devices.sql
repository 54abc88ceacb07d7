-- Which kinds of devices do visitors use?
select device, count(*) as events, sum(count(*)) over () as total, count(distinct visitor_key) as visitors
from human_events
where device is not null
group by device
order by events desc, device
limit 50
