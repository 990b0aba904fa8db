select tenant, merchant, date, currency,
  count(distinct if(captured > 0, source_id, null)) as payments,
  sum(captured) as gross,
  count(distinct if(refunded > 0, source_id, null)) as refunds,
  sum(refunded) as refunded,
  sum(captured - refunded) as net,
  count(distinct if(captured > 0, payer, null)) as customers
from sales
group by tenant, merchant, date, currency
