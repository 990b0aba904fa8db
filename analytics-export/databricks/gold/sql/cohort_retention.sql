with paid as (
  select distinct tenant, payer, date(trunc(date, 'month')) as month from sales where captured > 0
),
cohorts as (
  select tenant, payer, min(month) as cohort from paid group by tenant, payer
),
sizes as (
  select tenant, cohort, count(*) as customers from cohorts group by tenant, cohort
),
grid as (
  select s.tenant, s.cohort, s.customers, explode(sequence(s.cohort, last.month, interval 1 month)) as month
  from sizes s
  join (select tenant, max(month) as month from paid group by tenant) last on last.tenant = s.tenant
),
active as (
  select c.tenant, c.cohort, p.month, count(*) as active
  from cohorts c
  join paid p on p.tenant = c.tenant and p.payer = c.payer
  group by c.tenant, c.cohort, p.month
)
select g.tenant, g.cohort, g.month, cast(months_between(g.month, g.cohort) as int) as months, g.customers,
  coalesce(a.active, 0) as active,
  coalesce(a.active, 0) / g.customers as retention
from grid g
left join active a on a.tenant = g.tenant and a.cohort = g.cohort and a.month = g.month
