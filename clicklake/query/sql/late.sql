-- How long after they happened did events arrive? Pages keep them while they cannot send.
-- Seconds are upper bounds, null is longer than a day; where the browser's clock is ahead, 0.
select
  case
    when latesec < 0 then 0
    when latesec <= 10 then 10
    when latesec <= 60 then 60
    when latesec <= 600 then 600
    when latesec <= 3600 then 3600
    when latesec <= 86400 then 86400
  end as seconds,
  count(*) as events
from human_clicks
where latesec is not null
group by 1
order by min(latesec)
