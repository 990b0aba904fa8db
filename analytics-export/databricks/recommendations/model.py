"""Implicit ALS per market, and the popularity that it must beat. A market is a tenant and a currency."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from pyspark.ml.recommendation import ALS
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as f

MARKET = ["tenant", "currency"]
PAIR = [*MARKET, "payer", "merchant"]
LISTED = 10


@dataclass(frozen=True)
class Parameters:
    """The same parameters, seed and positions give the same model."""

    rank: int = 8
    iterations: int = 10
    regularization: float = 0.1
    alpha: float = 10.0
    # Parts into which payers and merchants are divided: about two per core of the cluster.
    blocks: int = 2
    seed: int = 1

    def as_dict(self) -> dict[str, float]:
        return asdict(self)


@dataclass(frozen=True)
class Fitted:
    """Ten new merchants per payer with their scores, and what places a merchant among the others."""

    listed: DataFrame
    factors: DataFrame


def recommend(spark: SparkSession, evidence: DataFrame, parameters: Parameters) -> Fitted:
    """Fits a model in each market: nobody can pay in another tenant or currency."""
    markets = evidence.select(*MARKET).distinct().orderBy(*MARKET).collect()
    parts = [
        fit(spark, evidence.where((f.col("tenant") == one.tenant) & (f.col("currency") == one.currency)), parameters)
        for one in markets
    ]
    listed, factors = parts[0].listed, parts[0].factors
    for part in parts[1:]:
        listed, factors = listed.unionByName(part.listed), factors.unionByName(part.factors)
    return Fitted(listed, factors)


def fit(spark: SparkSession, evidence: DataFrame, parameters: Parameters) -> Fitted:
    """One market. Ids are numbered in the order of their pseudonyms, so that the rows' order does not matter."""
    counts = evidence.groupBy(*PAIR).agg(f.countDistinct("payment_id").cast("float").alias("payments"))
    payers = numbered(counts, "payer")
    merchants = numbered(counts, "merchant")
    rated = (
        counts.join(payers, "payer")
        .join(merchants, "merchant")
        .repartition(1)
        .sortWithinPartitions("payer_no", "merchant_no")
        .cache()
    )
    als = ALS(
        rank=parameters.rank,
        maxIter=parameters.iterations,
        regParam=parameters.regularization,
        alpha=parameters.alpha,
        numUserBlocks=parameters.blocks,
        numItemBlocks=parameters.blocks,
        implicitPrefs=True,
        coldStartStrategy="drop",
        seed=parameters.seed,
        userCol="payer_no",
        itemCol="merchant_no",
        ratingCol="payments",
    )
    model = als.fit(rated)
    [most] = rated.groupBy("payer_no").count().agg(f.max("count")).first()
    scored = (
        model.recommendForAllUsers(LISTED + int(most))
        .select("payer_no", f.explode("recommendations").alias("one"))
        .select("payer_no", f.col("one.merchant_no").alias("merchant_no"), f.col("one.rating").alias("score"))
        .join(payers, "payer_no")
        .join(merchants, "merchant_no")
    )
    market = counts.select(*MARKET).distinct()
    listed = best(scored.crossJoin(f.broadcast(market)), counts).cache()
    factors = model.itemFactors.withColumnRenamed("id", "merchant_no").join(merchants, "merchant_no")
    return Fitted(listed, factors.select("merchant", "features").crossJoin(f.broadcast(market)))


def popular(evidence: DataFrame) -> DataFrame:
    """The baseline: to everyone the merchants with the most payers in their market that they have not paid yet."""
    counts = evidence.select(*PAIR).distinct()
    ranked = counts.groupBy(*MARKET, "merchant").agg(f.count("*").cast("double").alias("score"))
    payers = counts.select(*MARKET, "payer").distinct()
    return best(payers.join(ranked, MARKET), counts)


def best(scored: DataFrame, known: DataFrame) -> DataFrame:
    """The ten best merchants of each payer, without those that the payer has paid; ties by pseudonym."""
    order = Window.partitionBy(*MARKET, "payer").orderBy(f.col("score").desc(), "merchant")
    new = scored.where("score > 0").join(known.select(*PAIR), PAIR, "left_anti")
    # Digits beyond these depend on the order in which numbers were added.
    rounded = new.withColumn("score", f.round(f.col("score").cast("double"), 6))
    return (
        rounded.withColumn("rank", f.row_number().over(order))
        .where(f.col("rank") <= LISTED)
        .select(*PAIR, "rank", "score")
    )


def numbered(counts: DataFrame, column: str) -> DataFrame:
    ids = counts.select(column).distinct()
    return ids.withColumn(f"{column}_no", f.row_number().over(Window.orderBy(column)))
