-- How many events were there in all? Bots and opted-out visitors are counted apart.
select
  count(*) filter (where bot is null and type = 'click') as clicks,
  count(*) filter (where bot is null and type = 'pageview') as pageviews,
  count(*) filter (where bot is null and type not in ('click', 'pageview')) as others,
  count(distinct visitor_key) filter (where bot is null) as visitors,
  count(distinct session_key) filter (where bot is null) as sessions,
  count(*) filter (where bot is null and type = 'click' and session_key is not null) as session_clicks,
  count(*) filter (where bot is not null) as bots,
  count(*) filter (where bot is null and privacy is not null) as optouts
from events
