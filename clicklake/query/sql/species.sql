-- Which species were clicked?
select species, count(*) as clicks, sum(count(*)) over () as total, count(distinct visitor_key) as visitors
from human_events
where type = 'click' and species is not null
group by species
order by clicks desc, species
limit 50
