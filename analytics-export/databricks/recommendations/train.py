"""
Trains recommendations on payments as of positions, measures them on a later time, and promotes them if they are better
than popularity.

  python -m recommendations.train --lake <lake> [--gold <folder or catalog.schema>] [--at <positions or manifest.json>]
      [--split <positions or manifest.json>] [--blocks 2] [--seed 1]

A model as of the split is measured on what came after it up to the positions; then the same parameters are trained on
everything up to the positions. Fails when the training set holds what came later.
"""

from __future__ import annotations

import argparse
import hashlib
import json

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

from gold.schema import write_gold
from lake.positions import Positions, format_positions, parse_positions
from lake.tables import open_lake
from recommendations.evidence import check_leaks, evidence_at, later_choices, split_at
from recommendations.explain import explain
from recommendations.measure import Measures, measure
from recommendations.model import MARKET, Parameters, popular, recommend

# Share of the payments before the split.
TRAINED_ON = 0.8
STANDARD = Parameters()


def train(
    spark: SparkSession,
    lake: str,
    gold: str,
    at: Positions | None = None,
    split: Positions | None = None,
    parameters: Parameters = STANDARD,
) -> dict[str, object]:
    """Writes the model's row, and its recommendations if it is promoted; returns the row."""
    positions = open_lake(spark, lake, at)
    evidence = evidence_at(spark, positions).cache()
    before = split or split_at(spark, evidence, TRAINED_ON)
    learned, baseline = compare(spark, evidence, before, parameters)
    version = version_of(positions, before, parameters)
    row = {
        "model_version": version,
        "positions": format_positions(positions),
        "precision_at_10": learned.precision_at_10,
        "recall_at_10": learned.recall_at_10,
        "coverage": learned.coverage,
        "baseline_precision_at_10": baseline.precision_at_10,
        "baseline_recall_at_10": baseline.recall_at_10,
        "promoted": learned.better_than(baseline),
    }
    model = spark.createDataFrame([row]).withColumn("trained_at", f.current_timestamp())
    write_gold(spark, gold, "recommendation_models", model, f"model_version = '{version}'")
    if row["promoted"]:
        write_gold(spark, gold, "recommendations", served(spark, evidence, version, parameters).cache())
    spark.catalog.clearCache()
    return row


def compare(
    spark: SparkSession, evidence: DataFrame, split: Positions, parameters: Parameters
) -> tuple[Measures, Measures]:
    """The measures of a model as of the split, and those of popularity at the same time."""
    training = evidence_at(spark, split).cache()
    later = later_choices(evidence, training, split).cache()
    check_leaks(training, later, split)
    merchants = training.select(*MARKET, "merchant").distinct().count()
    learned = measure(recommend(spark, training, parameters).listed, later, merchants)
    return learned, measure(popular(training), later, merchants)


def served(spark: SparkSession, evidence: DataFrame, version: str, parameters: Parameters) -> DataFrame:
    """The recommendations of a model on all evidence, of merchants that are open."""
    fitted = recommend(spark, evidence, parameters)
    open_merchants = spark.sql("""
        select account as merchant from accounts group by account
        having max_by(status, struct(booked_at, shard, revision)) = 'open'""")
    listed = fitted.listed.join(open_merchants, "merchant", "left_semi").cache()
    explained = explain(listed, fitted.factors, evidence).withColumn("model_version", f.lit(version))
    return explained.select("tenant", "payer", "merchant", "rank", "score", "model_version", "events")


def version_of(positions: Positions, split: Positions, parameters: Parameters) -> str:
    what = json.dumps([format_positions(positions), format_positions(split), parameters.as_dict()], sort_keys=True)
    return f"als-{hashlib.sha256(what.encode()).hexdigest()[:16]}"


def main() -> None:
    parser = argparse.ArgumentParser(description="train recommendations, and promote them if they are better")
    parser.add_argument("--lake", required=True, help="the folder or URL of the exported tables")
    parser.add_argument("--gold", help="a folder, or catalog.schema; default: the folder gold of the lake")
    parser.add_argument("--at", type=parse_positions, help="train up to these positions, or a manifest's; default: all")
    parser.add_argument("--split", type=parse_positions, help="measure on what came later; default: after 80 percent")
    parser.add_argument("--blocks", type=int, default=STANDARD.blocks, help="about two per core of the cluster")
    parser.add_argument("--seed", type=int, default=STANDARD.seed)
    args = parser.parse_args()
    spark = SparkSession.builder.appName("recommendations").getOrCreate()
    gold = args.gold or f"{args.lake}/gold"
    parameters = Parameters(blocks=args.blocks, seed=args.seed)
    print(json.dumps(train(spark, args.lake, gold, args.at, args.split, parameters), indent=2))


if __name__ == "__main__":
    main()
