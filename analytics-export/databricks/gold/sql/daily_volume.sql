select tenant, effective_date as date, currency, kind,
  count(distinct source_id) as movements,
  count(*) as postings,
  sum(amount) as amount,
  count(distinct account) as accounts
from postings
where amount > 0
group by tenant, effective_date, currency, kind
