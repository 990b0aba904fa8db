"""Each expectation is broken by a fault of its own kind, planted into the sample, and by no other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from gold.build import compute
from gold.expectations import OF_GOLD, OF_THE_LAKE, ExpectationFailed, check, keys_unique
from lake.tables import EXPORTED, common_positions, open_lake, read_table

POSTING = "(revision = (select max(revision) from kept_postings) and posting = 0)"
PAYMENT = "(revision = (select max(revision) from kept_payments where captured > 0))"
DAY = "(date = (select max(date) from kept_gold_merchant_daily_sales))"

# Expectation: the table and what a fault makes of it.
FAULTS = {
    "events_without_gaps": ("ledger_events", "select * from kept_ledger_events where revision <> 7"),
    "events_once": (
        "ledger_events",
        "select * from kept_ledger_events union all (select * from kept_ledger_events limit 1)",
    ),
    "postings_once": ("postings", f"select * from kept_postings union all select * from kept_postings where {POSTING}"),
    "postings_complete": ("postings", f"select * from kept_postings where not {POSTING}"),
    "payments_complete": ("payments", f"select * from kept_payments where not {PAYMENT}"),
    "money_conserved": (
        "postings",
        f"select * except (amount), amount + if({POSTING}, 1, 0) as amount from kept_postings",
    ),
    "balances_continue": (
        "postings",
        f"select * except (balance), balance + if({POSTING}, 1, 0) as balance from kept_postings",
    ),
    "one_currency_per_account": (
        "postings",
        f"select * except (currency), if({POSTING}, 'EUR', currency) as currency from kept_postings",
    ),
    "refunds_within_captures": (
        "payments",
        f"select * except (refunded), if({PAYMENT}, captured + 1, refunded) as refunded from kept_payments",
    ),
    "edges_equal_payments": (
        "graph_edges",
        "select * except (amount), amount + if(revision = (select max(revision) from kept_graph_edges), 1, 0) as amount"
        " from kept_graph_edges",
    ),
    "sales_equal_postings": (
        "gold_merchant_daily_sales",
        f"select * except (net), net + if({DAY}, 1, 0) as net from kept_gold_merchant_daily_sales",
    ),
    "months_equal_days": (
        "gold_merchant_daily_sales",
        f"select * from kept_gold_merchant_daily_sales where not {DAY}",
    ),
    "volume_equals_postings": (
        "gold_daily_volume",
        "select * except (amount), amount + 1 as amount from kept_gold_daily_volume",
    ),
    "rates_within_bounds": (
        "gold_refund_and_decline_rates",
        "select * except (declined), declined + 1 as declined from kept_gold_refund_and_decline_rates",
    ),
    "captures_within_authorizations": (
        "gold_time_to_capture",
        "select * except (captured), captured + 1 as captured from kept_gold_time_to_capture",
    ),
    "cohorts_start_whole": (
        "gold_cohort_retention",
        "select * except (active), active - 1 as active from kept_gold_cohort_retention",
    ),
    "merchant_daily_sales_key_unique": (
        "gold_merchant_daily_sales",
        "select * except (date), date(trunc(date, 'year')) as date from kept_gold_merchant_daily_sales",
    ),
}
ALL = {**OF_THE_LAKE, **OF_GOLD, **keys_unique("merchant_daily_sales", ["tenant", "merchant", "date", "currency"])}


@pytest.fixture(scope="module", autouse=True)
def views(spark: SparkSession, lake: str) -> Iterator[None]:
    open_lake(spark, lake)
    for name in EXPORTED:
        spark.table(name).createOrReplaceTempView(f"kept_{name}")
    for name, frame in compute(spark).items():
        frame.createOrReplaceTempView(f"gold_{name}")
        frame.createOrReplaceTempView(f"kept_gold_{name}")
    yield
    spark.catalog.clearCache()


def test_every_expectation_has_a_fault() -> None:
    assert set(FAULTS) == set(ALL)


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_named(spark: SparkSession, name: str) -> None:
    table, fault = FAULTS[name]
    spark.sql(fault).createOrReplaceTempView(table)
    try:
        with pytest.raises(ExpectationFailed, match=rf"{name}: \d+ rows break it, such as"):
            check(spark, {name: ALL[name]})
    finally:
        spark.table(f"kept_{table}").createOrReplaceTempView(table)


@pytest.mark.parametrize("behind", [name for name in EXPORTED if name != "ledger_events"])
def test_tables_are_read_as_far_as_the_last_of_them(spark: SparkSession, lake: str, behind: str) -> None:
    frames = {name: read_table(spark, lake, name) for name in EXPORTED}
    revisions = [row.revision for row in frames[behind].select("revision").distinct().orderBy("revision").collect()]
    there, missing = revisions[len(revisions) // 2 - 1 : len(revisions) // 2 + 1]
    cut = {**frames, behind: frames[behind].where(f"revision <= {there}")}
    assert common_positions(cut) == {0: missing - 1}


def test_positions_beyond_the_lake_are_refused(spark: SparkSession, lake: str) -> None:
    with pytest.raises(ValueError, match="not yet 99999"):
        open_lake(spark, lake, {0: 99_999})
