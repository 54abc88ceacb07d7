-- Did the processor find each item in the catalogue?
select itemlookup, count(*) as events, sum(count(*)) over () as total
from events
where itemlookup is not null and itemlookup <> 'none'
group by itemlookup
order by events desc, itemlookup
limit 50
