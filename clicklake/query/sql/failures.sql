-- Which records failed, and why? Firehose keeps them whole; `clicklake replay` sends them again.
select errorcode, errormessage, count(*) as records, sum(count(*)) over () as total
from failed
group by errorcode, errormessage
order by records desc, errorcode, errormessage
limit 50
