-- View: each payer's first payment to each merchant.
select merchant, payer,
  min_by(date, struct(booked_at, shard, revision, posting)) as date,
  min_by(source_id, struct(booked_at, shard, revision, posting)) as source_id
from sales
where captured > 0
group by merchant, payer
