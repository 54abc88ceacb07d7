-- Which way did sessions take: the page they came in by, the page of their first click, and the item?
select entry, page, item, count(*) as sessions, sum(count(*)) over () as total
from (
  select
    min_by(path, happenedat || eventid) as entry,
    min_by(path, happenedat || eventid) filter (where type = 'click' and itemid is not null) as page,
    min_by(coalesce(name, species, itemid), happenedat || eventid) filter (where type = 'click' and itemid is not null) as item
  from human_clicks
  where sessionid is not null and path is not null and happenedat is not null
  group by sessionid
)
where item is not null
group by entry, page, item
order by sessions desc, entry, page, item
limit 50
