-- The facts of the Berka import (data/berka), from the exported tables alone. Customers are the wallets.
create or replace temporary view customers as
  select distinct account from accounts where account_type = 'wallet';
create or replace temporary view booked as
  select p.*, c.account is not null as of_customer from postings p left join customers c on p.account = c.account;
select
  count_if(of_customer) as rows,
  (select count(*) from customers) as customers,
  sum(if(of_customer and amount > 0, amount, 0)) as credits,
  -sum(if(of_customer and amount < 0, amount, 0)) as debits,
  sum(if(of_customer, amount, 0)) as customers_sum,
  sum(if(of_customer, 0, amount)) as counterparties_sum,
  count_if(of_customer and balance < 0) as below_zero
from booked;
select count(*) as events_out_of_balance
  from (select shard, revision, currency from postings group by all having sum(amount) <> 0);
select count(*) as events, count(distinct shard, revision) as distinct_events, max(revision) + 1 as expected
  from ledger_events;
