"""Data-quality expectations in SQL. Each selects the rows that break it; a job whose data breaks one fails."""

from __future__ import annotations

from pyspark.sql import SparkSession

# What the exported tables promise. The first ones are about the export, the others about money.
OF_THE_LAKE = {
    "events_without_gaps": """
        select shard, count(*) as events, max(revision) + 1 as expected
        from ledger_events group by shard having events <> expected""",
    "events_once": """
        select shard, revision, count(*) as times from ledger_events group by shard, revision having times > 1""",
    "postings_once": """
        select shard, revision, posting, count(*) as times
        from postings group by shard, revision, posting having times > 1""",
    "postings_complete": """
        select e.shard, e.revision, e.expected, count(p.posting) as found
        from (
          select shard, revision, size(from_json(get_json_object(payload, '$.postings'), 'array<string>')) as expected
          from ledger_events where get_json_object(payload, '$.postings') is not null
        ) e
        left join postings p on p.shard = e.shard and p.revision = e.revision
        group by e.shard, e.revision, e.expected having found <> e.expected""",
    "payments_complete": """
        select e.shard, e.revision, e.type from ledger_events e
        left anti join payments p on p.shard = e.shard and p.revision = e.revision and p.change = e.type
        where e.type like 'Payment%' and e.type <> 'PaymentDeclined'""",
    "money_conserved": """
        select shard, revision, currency, sum(amount) as balance
        from postings group by shard, revision, currency having balance <> 0""",
    "balances_continue": """
        select shard, revision, account, balance, before + amount as expected from (
          select *, lag(balance, 1, 0) over (partition by account order by shard, revision, posting) as before
          from postings
        ) where balance <> before + amount""",
    "one_currency_per_account": """
        select account, count(distinct currency) as currencies from postings group by account having currencies > 1""",
    "refunds_within_captures": """
        select shard, revision, payment_id, amount, captured, refunded from payments
        where refunded < 0 or refunded > captured or captured > amount or held < 0""",
    "edges_equal_payments": """
        select e.payment_id, e.kept, p.captured - p.refunded as expected
        from (select payment_id, sum(amount) as kept from graph_edges group by payment_id) e
        join (
          select payment_id, max_by(captured, revision) as captured, max_by(refunded, revision) as refunded
          from payments group by payment_id
        ) p on p.payment_id = e.payment_id
        where e.kept <> p.captured - p.refunded""",
}

# What gold promises: it holds the money of the postings, no more and no less.
OF_GOLD = {
    "sales_equal_postings": """
        select coalesce(s.merchant, p.account) as merchant, s.net, p.net as expected
        from (select merchant, sum(net) as net from gold_merchant_daily_sales group by merchant) s
        full join (
          select account, sum(amount) as net from postings
          where (kind = 'payment' and amount > 0 or kind = 'refund' and amount < 0)
            and account in (select account from accounts where account_type = 'merchant')
          group by account
        ) p on p.account = s.merchant
        where s.net is distinct from p.net""",
    "months_equal_days": """
        select coalesce(m.merchant, d.merchant) as merchant,
          coalesce(m.month, d.month) as month, m.net, d.net as expected
        from gold_merchant_monthly_summary m
        full join (
          select merchant, currency, date(trunc(date, 'month')) as month, sum(net) as net, sum(gross) as gross
          from gold_merchant_daily_sales group by all
        ) d on d.merchant = m.merchant and d.month = m.month and d.currency = m.currency
        where m.net is distinct from d.net or m.gross is distinct from d.gross""",
    "volume_equals_postings": """
        select coalesce(v.currency, p.currency) as currency, v.amount, p.amount as expected
        from (select currency, sum(amount) as amount from gold_daily_volume group by currency) v
        full join (select currency, sum(amount) as amount from postings where amount > 0 group by currency) p
          on p.currency = v.currency
        where v.amount is distinct from p.amount""",
    "rates_within_bounds": """
        select * from gold_refund_and_decline_rates
        where accepted + declined <> attempts or refunded_payments > accepted or not decline_rate between 0 and 1""",
    "captures_within_authorizations": """
        select * from gold_time_to_capture where captured + lapsed > authorized or p50_seconds > p95_seconds""",
    "cohorts_start_whole": """
        select * from gold_cohort_retention where active > customers or months = 0 and active <> customers""",
}


class ExpectationFailed(Exception):
    """Names every broken expectation, with its number of rows and one of them."""


def check(spark: SparkSession, expectations: dict[str, str]) -> None:
    faults = []
    for name, query in expectations.items():
        broken = spark.sql(query)
        example = broken.first()
        if example is not None:
            faults.append(f"{name}: {broken.count()} rows break it, such as {example.asDict()}")
    if faults:
        raise ExpectationFailed("; ".join(faults))


def keys_unique(table: str, key: list[str]) -> dict[str, str]:
    """The expectation that a gold table has one row per key."""
    columns = ", ".join(key)
    query = f"select {columns}, count(*) as times from gold_{table} group by {columns} having times > 1"
    return {f"{table}_key_unique": query}
