-- View: what payments and refunds moved on merchants' accounts, on their business days.
select p.tenant, p.account as merchant, p.currency, p.effective_date as date, p.counterparty as payer, p.source_id,
  p.shard, p.revision, p.posting, p.booked_at,
  if(p.kind = 'payment', p.amount, 0) as captured,
  if(p.kind = 'refund', -p.amount, 0) as refunded
from postings p
join merchants m on m.merchant = p.account
where p.kind = 'payment' and p.amount > 0 or p.kind = 'refund' and p.amount < 0
