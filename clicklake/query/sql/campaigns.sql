-- Which campaigns brought visitors, and did those visitors click?
select
  utmcampaign,
  utmsource,
  utmmedium,
  count(*) as events,
  sum(count(*)) over () as total,
  count(distinct session_key) as sessions,
  count(*) filter (where type = 'click') as clicks
from human_events
where utmcampaign is not null or utmsource is not null
group by utmcampaign, utmsource, utmmedium
order by events desc, utmcampaign, utmsource, utmmedium
limit 50
