"""How well lists of recommendations foresee which merchants payers paid later."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as f

from recommendations.model import LISTED, MARKET, PAIR


@dataclass(frozen=True)
class Measures:
    """Averages over the payers who later paid a merchant that was new to them."""

    precision_at_10: float
    recall_at_10: float
    coverage: float

    def better_than(self, other: Measures) -> bool:
        return self.precision_at_10 > other.precision_at_10 and self.recall_at_10 > other.recall_at_10


def measure(listed: DataFrame, later: DataFrame, merchants: int) -> Measures:
    """@param merchants how many there are in the training set, in all markets"""
    payer = [*MARKET, "payer"]
    hits = listed.select(*PAIR).join(later.select(*PAIR), PAIR).groupBy(*payer).agg(f.count("*").alias("hits"))
    per_payer = later.groupBy(*payer).agg(f.count("*").alias("wanted")).join(hits, payer, "left").fillna(0, ["hits"])
    row = per_payer.agg(
        f.avg(f.col("hits") / LISTED).alias("precision"), f.avg(f.col("hits") / f.col("wanted")).alias("recall")
    ).first()
    if row is None or row["precision"] is None:
        raise ValueError("nobody paid a new merchant after the split: choose an earlier one")
    distinct = listed.select(*MARKET, "merchant").distinct().count()
    return Measures(row["precision"], row["recall"], distinct / max(merchants, 1))
