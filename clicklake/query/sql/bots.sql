-- Which rules told robots, and how many events are theirs?
select bot, count(*) as events, sum(count(*)) over () as total
from unique_clicks
where bot is not null
group by bot
order by events desc, bot
limit 50
