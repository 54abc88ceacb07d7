-- How long after they happened did events arrive? Pages keep events while they cannot send them.
-- Seconds are upper bounds; null is longer than a day; 0 means that the browser's clock is ahead.
select
  case
    when arrival_delay_seconds < 0 then 0
    when arrival_delay_seconds <= 10 then 10
    when arrival_delay_seconds <= 60 then 60
    when arrival_delay_seconds <= 600 then 600
    when arrival_delay_seconds <= 3600 then 3600
    when arrival_delay_seconds <= 86400 then 86400
  end as seconds,
  count(*) as events
from human_events
where arrival_delay_seconds is not null
group by 1
order by min(arrival_delay_seconds)
