-- Which rules found bots, and how many events are theirs?
select bot, count(*) as events, sum(count(*)) over () as total
from events
where bot is not null
group by bot
order by events desc, bot
limit 50
