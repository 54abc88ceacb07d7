-- How many events happened in each hour (of the time zone)?
select
  substr(local_time, 1, 13) as hour,
  count(*) filter (where type = 'click') as clicks,
  count(*) filter (where type = 'pageview') as pageviews,
  count(distinct visitor_key) as visitors,
  count(distinct session_key) as sessions
from human_events
where local_time is not null
group by 1
order by 1
