-- How many lines does an event have? Firehose delivers at least once; every other query counts an event once.
select coalesce(first_hour.copies, 0) + coalesce(later_hours.copies, 0) as copies, count(*) as events
from (select eventid, copies from hourly_events where counted) first_hour
full join (select eventid, sum(copies) as copies from hourly_events where not counted group by eventid) later_hours
  on first_hour.eventid = later_hours.eventid
group by 1
order by 1
limit 50
