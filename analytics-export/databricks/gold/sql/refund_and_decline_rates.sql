with refunded as (
  select payment_id from payments group by payment_id having max_by(refunded, revision) > 0
),
attempts as (
  select p.payee as merchant, p.currency, p.booked_at, false as declined, r.payment_id is not null as refunded
  from payments p
  left join refunded r on r.payment_id = p.payment_id
  where p.change in ('PaymentCharged', 'PaymentAuthorized')
  union all
  select get_json_object(payload, '$.payee'), get_json_object(payload, '$.currency'), booked_at, true, false
  from ledger_events
  where type = 'PaymentDeclined'
)
select m.tenant, m.merchant, to_date(from_utc_timestamp(a.booked_at, m.time_zone)) as date, a.currency,
  count(*) as attempts,
  count_if(a.declined) as declined,
  count_if(not a.declined) as accepted,
  count_if(a.refunded) as refunded_payments,
  count_if(a.declined) / count(*) as decline_rate,
  coalesce(count_if(a.refunded) / nullif(count_if(not a.declined), 0), 0) as refund_rate
from attempts a
join merchants m on m.merchant = a.merchant
group by m.tenant, m.merchant, to_date(from_utc_timestamp(a.booked_at, m.time_zone)), a.currency
