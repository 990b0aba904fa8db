"""The payments that a recommendation rests on."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as f

from recommendations.model import MARKET, PAIR

EACH = 10
# Payers of a merchant that are looked at: the latest, so that a popular merchant costs no more than another.
LOOKED_AT = 50


def explain(listed: DataFrame, factors: DataFrame, evidence: DataFrame) -> DataFrame:
    """
    Adds `events`: first payments to the recommended merchant, by payers who share the most merchants with this one;
    then the payer's own payments, to the merchants nearest to it in the model. Positions with commas between them.
    """
    latest = latest_per_pair(evidence).cache()
    reasons = by_others(listed, latest).unionByName(by_payer(listed, factors, latest))
    order = Window.partitionBy(*PAIR, "own").orderBy(f.col("weight").desc(), f.col("paid_at").desc(), "event")
    kept = reasons.withColumn("place", f.row_number().over(order)).where(f.col("place") <= EACH)
    texts = kept.groupBy(*PAIR).agg(f.sort_array(f.collect_list(f.struct("own", "place", "event"))).alias("reasons"))
    events = texts.select(*PAIR, f.concat_ws(",", f.col("reasons.event")).alias("events"))
    return listed.join(events, PAIR)


def latest_per_pair(evidence: DataFrame) -> DataFrame:
    """One payment of each payer to each merchant, the latest."""
    latest = f.struct("paid_at", "shard", "first_revision")
    return evidence.groupBy(*PAIR).agg(f.max_by("event", latest).alias("event"), f.max("paid_at").alias("paid_at"))


def by_others(listed: DataFrame, latest: DataFrame) -> DataFrame:
    recent = Window.partitionBy(*MARKET, "merchant").orderBy(f.col("paid_at").desc(), "payer")
    looked_at = latest.withColumn("n", f.row_number().over(recent)).where(f.col("n") <= LOOKED_AT)
    candidates = listed.select(*PAIR).join(
        looked_at.select(*MARKET, "merchant", f.col("payer").alias("other"), "event", "paid_at"), [*MARKET, "merchant"]
    )
    own = latest.select(*MARKET, "payer", f.col("merchant").alias("shared"))
    others = latest.select(*MARKET, f.col("payer").alias("other"), f.col("merchant").alias("shared"))
    pairs = candidates.select(*MARKET, "payer", "other").distinct()
    shared = pairs.join(own, [*MARKET, "payer"]).join(others, [*MARKET, "other", "shared"])
    weights = shared.groupBy(*MARKET, "payer", "other").agg(f.count("*").cast("double").alias("weight"))
    weighed = candidates.join(weights, [*MARKET, "payer", "other"], "left").fillna(0.0, ["weight"])
    return weighed.select(*PAIR, "event", "paid_at", "weight", f.lit(0).alias("own"))


def by_payer(listed: DataFrame, factors: DataFrame, latest: DataFrame) -> DataFrame:
    target = factors.select(*MARKET, "merchant", f.col("features").alias("target"))
    source = factors.select(*MARKET, f.col("merchant").alias("paid"), f.col("features").alias("source"))
    own = latest.select(*MARKET, "payer", f.col("merchant").alias("paid"), "event", "paid_at")
    pairs = listed.select(*PAIR).join(own, [*MARKET, "payer"])
    placed = pairs.join(target, [*MARKET, "merchant"]).join(source, [*MARKET, "paid"])
    nearness = f.round(dot("target", "source") / f.sqrt(dot("target", "target") * dot("source", "source")), 4)
    weighed = placed.withColumn("weight", f.coalesce(nearness.cast("double"), f.lit(0.0)))
    return weighed.select(*PAIR, "event", "paid_at", "weight", f.lit(1).alias("own"))


def dot(left: str, right: str) -> f.Column:
    products = f.zip_with(left, right, lambda a, b: a * b)
    return f.aggregate(products, f.lit(0.0), lambda total, product: total + product.cast("double"))
