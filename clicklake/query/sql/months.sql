-- When, by the month (UTC) in which it happened?
select
  substr(happenedat, 1, 7) as month,
  count(*) filter (where type = 'click') as clicks,
  count(*) filter (where type = 'pageview') as pageviews,
  count(distinct visitorid) as visitors,
  count(distinct sessionid) as sessions
from human_clicks
where happenedat is not null
group by 1
order by 1
