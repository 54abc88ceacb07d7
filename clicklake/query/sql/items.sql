-- Which items were clicked, and what are they?
select
  itemid,
  max(name) as name,
  max(species) as species,
  max(goodevil) as goodevil,
  max(lawchaos) as lawchaos,
  count(*) as clicks,
  sum(count(*)) over () as total,
  count(distinct visitor_key) as visitors
from human_events
where type = 'click' and itemid is not null
group by itemid
order by clicks desc, itemid
limit 50
