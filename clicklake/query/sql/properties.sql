-- Which properties did events have, and with which values?
select
  type,
  property,
  element_at(properties, property) as value,
  count(*) as events,
  sum(count(*)) over () as total,
  count(distinct visitor_key) as visitors
from human_events
cross join unnest(map_keys(properties)) as names (property)
group by type, property, element_at(properties, property)
order by events desc, type, property, value
limit 50
