-- Which links, buttons and other controls were clicked? Only pages with data-autocapture send these events.
select
  coalesce(element_at(element, 'name'), element_at(element, 'selector'), element_at(element, 'tag')) as element,
  element_at(element, 'tag') as tag,
  count(*) as clicks,
  sum(count(*)) over () as total,
  count(distinct visitor_key) as visitors
from human_events
where type = 'element_click' and element_at(element, 'tag') is not null
group by 1, 2
order by clicks desc, 1, 2
limit 50
