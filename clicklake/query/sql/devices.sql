-- What do they hold in their hands?
select device, count(*) as events, sum(count(*)) over () as total, count(distinct visitorid) as visitors
from human_clicks
where device is not null
group by device
order by events desc, device
limit 50
