-- How long did clicks take from the server to the processor (processedAt - receivedAt)?
-- Seconds are upper bounds; null is longer.
select
  case
    when lagms <= 1000 then 1
    when lagms <= 5000 then 5
    when lagms <= 30000 then 30
    when lagms <= 60000 then 60
    when lagms <= 120000 then 120
    when lagms <= 300000 then 300
    when lagms <= 3600000 then 3600
  end as seconds,
  count(*) as events
from events
where lagms is not null
group by 1
order by min(lagms)
