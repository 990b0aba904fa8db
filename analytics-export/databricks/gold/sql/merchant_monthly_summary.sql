select s.tenant, s.merchant, date(trunc(s.date, 'month')) as month, s.currency,
  count(distinct if(captured > 0, s.source_id, null)) as payments,
  sum(captured) as gross,
  count(distinct if(refunded > 0, s.source_id, null)) as refunds,
  sum(refunded) as refunded,
  sum(captured - refunded) as net,
  count(distinct if(captured > 0, s.payer, null)) as customers,
  count(distinct if(captured > 0 and trunc(f.date, 'month') = trunc(s.date, 'month'), s.payer, null)) as new_customers,
  coalesce(sum(captured) div nullif(count(distinct if(captured > 0, s.source_id, null)), 0), 0) as average
from sales s
left join first_payments f on f.merchant = s.merchant and f.payer = s.payer
group by s.tenant, s.merchant, trunc(s.date, 'month'), s.currency
