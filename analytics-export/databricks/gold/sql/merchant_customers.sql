select s.tenant, s.merchant, date(trunc(s.date, 'month')) as month, s.currency,
  count(distinct s.payer) as customers,
  count(distinct if(trunc(f.date, 'month') = trunc(s.date, 'month'), s.payer, null)) as new_customers,
  count(distinct if(trunc(f.date, 'month') < trunc(s.date, 'month'), s.payer, null)) as returning_customers,
  count(distinct if(f.source_id <> s.source_id, s.source_id, null)) as repeat_payments
from sales s
join first_payments f on f.merchant = s.merchant and f.payer = s.payer
where s.captured > 0
group by s.tenant, s.merchant, trunc(s.date, 'month'), s.currency
