-- Do people click good or evil, law or chaos?
select goodevil, lawchaos, count(*) as clicks, sum(count(*)) over () as total
from human_events
where type = 'click' and goodevil is not null and lawchaos is not null
group by goodevil, lawchaos
order by clicks desc, goodevil, lawchaos
limit 50
