-- Did the processor find each item in the catalogue?
select enrichment, count(*) as events, sum(count(*)) over () as total
from unique_clicks
where enrichment is not null and enrichment <> 'none'
group by enrichment
order by events desc, enrichment
limit 50
