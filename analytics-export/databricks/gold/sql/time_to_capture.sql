with authorized as (
  select tenant, payee as merchant, currency, payment_id, booked_at from payments where change = 'PaymentAuthorized'
),
outcome as (
  select payment_id,
    min(if(change = 'PaymentCaptured', booked_at, null)) as captured_at,
    max_by(status, revision) as status
  from payments
  group by payment_id
),
timed as (
  select a.tenant, a.merchant, a.currency, to_date(from_utc_timestamp(a.booked_at, m.time_zone)) as date,
    (unix_micros(o.captured_at) - unix_micros(a.booked_at)) / 1e6 as seconds,
    o.captured_at is null and o.status in ('voided', 'expired') as lapsed
  from authorized a
  join outcome o on o.payment_id = a.payment_id
  join merchants m on m.merchant = a.merchant
)
select tenant, merchant, date, currency,
  count(*) as authorized,
  count(seconds) as captured,
  count_if(lapsed) as lapsed,
  cast(percentile(seconds, 0.5) as double) as p50_seconds,
  cast(percentile(seconds, 0.95) as double) as p95_seconds
from timed
group by tenant, merchant, date, currency
