"""What a model learns from: payments to merchants that were kept, as of positions."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession

from lake.positions import Positions, up_to


class LeakFound(Exception):
    """The data of a training holds what came after its positions."""


def evidence_at(spark: SparkSession, positions: Positions) -> DataFrame:
    """
    The payments of which money was kept as of the positions: one refunded in whole by then is none, and a refund that
    came later is not known yet. `first_revision` and `last_revision` are those of its movements, `event` is the
    position of the payment's first event, by which the ledger finds it.
    """
    spark.table("graph_edges").where(up_to(positions)).createOrReplaceTempView("edges_then")
    return spark.sql("""
        select e.tenant, e.currency, e.payer, e.payee as merchant, e.payment_id, e.shard,
          min(e.revision) as first_revision, max(e.revision) as last_revision, min(e.booked_at) as paid_at,
          first(concat(p.shard, ':', p.revision)) as event
        from edges_then e
        join payments p on p.payment_id = e.payment_id and p.change in ('PaymentCharged', 'PaymentAuthorized')
        where e.payee_type = 'merchant'
        group by e.tenant, e.currency, e.payer, e.payee, e.payment_id, e.shard
        having sum(e.amount) > 0""")


def later_choices(evidence: DataFrame, known: DataFrame, split: Positions) -> DataFrame:
    """The merchants that payers with evidence paid for the first time after the split: what a model must foresee."""
    pair = ["tenant", "currency", "payer", "merchant"]
    after = evidence.where(f"not {up_to(split, 'first_revision')}")
    payers = known.select("tenant", "currency", "payer").distinct()
    new = after.select(*pair).distinct().join(known.select(*pair).distinct(), pair, "left_anti")
    return new.join(payers, ["tenant", "currency", "payer"], "left_semi")


def check_leaks(training: DataFrame, later: DataFrame, split: Positions) -> None:
    """@throws LeakFound when the training set holds a movement after the split, or a pair that is to be foreseen"""
    late = training.where(f"not {up_to(split, 'last_revision')}").first()
    if late is not None:
        raise LeakFound(f"the training set holds payment {late.payment_id}, moved after the split")
    pair = ["tenant", "currency", "payer", "merchant"]
    known = later.join(training.select(*pair).distinct(), pair).first()
    if known is not None:
        raise LeakFound(f"the pair {known.payer}, {known.merchant} is to be foreseen, but is in the training set")


def split_at(spark: SparkSession, evidence: DataFrame, share: float) -> Positions:
    """The last position per shard before the time at which this share of all payments had been made."""
    [seconds] = evidence.selectExpr("unix_micros(paid_at) as at").approxQuantile("at", [share], 0.0)
    rows = spark.sql(f"""
        select shard, max(revision) as revision from ledger_events
        where unix_micros(booked_at) < {int(seconds)} group by shard""")
    return {row["shard"]: row["revision"] for row in rows.collect()}
