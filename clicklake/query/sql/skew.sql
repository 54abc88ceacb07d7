-- How far off are browsers' clocks (receivedAt - sentAt, including the time on the network)?
-- Seconds are upper bounds; null is further off.
select
  case
    when abs(skewms) <= 1000 then 1
    when abs(skewms) <= 10000 then 10
    when abs(skewms) <= 60000 then 60
    when abs(skewms) <= 600000 then 600
    when abs(skewms) <= 3600000 then 3600
  end as seconds,
  count(*) as events
from human_events
where skewms is not null
group by 1
order by min(abs(skewms))
