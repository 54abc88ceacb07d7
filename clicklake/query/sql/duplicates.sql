-- How many lines does an event have? Firehose delivers at least once; every other query counts an event once.
select copies, count(*) as events
from (select eventid, sum(copies) as copies from hourly_events group by eventid)
group by copies
order by copies
limit 50
