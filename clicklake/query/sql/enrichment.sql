-- Did the processor find each item in the catalogue?
select itemlookup, count(*) as events, sum(count(*)) over () as total
from events
where itemid is not null and itemlookup is not null
group by itemlookup
order by events desc, itemlookup
limit 50
