"""Training on the sample: measured against popularity, promoted, explained, and without what came later."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as f

from gold.schema import exists, read_gold
from lake.positions import format_positions
from lake.tables import open_lake
from recommendations.evidence import LeakFound, check_leaks, evidence_at, later_choices, split_at
from recommendations.measure import Measures, measure
from recommendations.model import popular
from recommendations.train import train

MODEL = ("precision_at_10", "recall_at_10", "coverage", "baseline_precision_at_10", "baseline_recall_at_10", "promoted")


@pytest.fixture(scope="module")
def trained(spark: SparkSession, lake: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    gold = str(tmp_path_factory.mktemp("trained") / "gold")
    return gold, train(spark, lake, gold)


def recommendations_of(spark: SparkSession, gold: str) -> list[Row]:
    return sorted(read_gold(spark, gold, "recommendations").collect(), key=str)


def test_a_model_that_beats_popularity_is_promoted(spark: SparkSession, trained: tuple[str, dict[str, Any]]) -> None:
    gold, row = trained
    assert row["promoted"] is True
    assert row["precision_at_10"] > row["baseline_precision_at_10"] > 0
    assert row["recall_at_10"] > row["baseline_recall_at_10"] > 0
    [model] = read_gold(spark, gold, "recommendation_models").collect()
    assert [model[name] for name in MODEL] == [row[name] for name in MODEL]
    assert {one.model_version for one in recommendations_of(spark, gold)} == {model.model_version}


def test_recommendations_are_new_merchants_of_the_market_with_kept_payments(
    spark: SparkSession, lake: str, trained: tuple[str, dict[str, Any]]
) -> None:
    positions = open_lake(spark, lake)
    evidence = evidence_at(spark, positions).collect()
    paid = {(one.payer, one.merchant) for one in evidence}
    by_event = {one.event: one for one in evidence}
    markets = {(one.merchant, one.currency) for one in evidence}
    rows = recommendations_of(spark, trained[0])
    assert len(rows) > 100
    for row in rows:
        assert (row.payer, row.merchant) not in paid
        events = [by_event[event] for event in row.events.split(",")]
        assert 2 <= len(events) <= 20
        others = [event for event in events if event.payer != row.payer]
        assert others and events[: len(others)] == others, "others' payments come first"
        assert {event.merchant for event in others} == {row.merchant}
        assert (row.merchant, events[-1].currency) in markets
        assert events[-1].payer == row.payer, "the payer's own come last"
    for payer in {row.payer for row in rows}:
        mine = [row for row in rows if row.payer == payer]
        assert sorted(row.rank for row in mine) == list(range(1, len(mine) + 1))
        assert len(mine) <= 10


def test_the_same_positions_and_seed_give_the_same_model(
    spark: SparkSession, lake: str, trained: tuple[str, dict[str, Any]], tmp_path: Path
) -> None:
    gold, row = trained
    assert train(spark, lake, str(tmp_path)) == row
    assert recommendations_of(spark, str(tmp_path)) == recommendations_of(spark, gold)


def test_what_is_not_better_is_recorded_but_not_served(
    spark: SparkSession, lake: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recommendations.train.compare", lambda *_: (Measures(0.1, 0.5, 1.0), Measures(0.1, 0.4, 1.0)))
    assert train(spark, lake, str(tmp_path))["promoted"] is False
    assert read_gold(spark, str(tmp_path), "recommendation_models").count() == 1
    assert not exists(spark, str(tmp_path), "recommendations")


def test_payments_refunded_in_whole_are_no_evidence_until_the_refund(spark: SparkSession, lake: str) -> None:
    positions = open_lake(spark, lake)
    whole = spark.sql("""
        select payment_id, min(revision) as paid, max(revision) as refunded, min_by(amount, revision) as amount
        from graph_edges where payee_type = 'merchant' group by payment_id having sum(amount) = 0""").first()
    assert whole.amount > 0
    before = evidence_at(spark, {0: whole.refunded - 1}).where(f.col("payment_id") == whole.payment_id).count()
    after = evidence_at(spark, positions).where(f.col("payment_id") == whole.payment_id).count()
    assert (before, after) == (1, 0)


def test_a_leak_fails_the_job(spark: SparkSession, lake: str) -> None:
    evidence = evidence_at(spark, open_lake(spark, lake)).cache()
    split = split_at(spark, evidence, 0.8)
    training = evidence_at(spark, split).cache()
    later = later_choices(evidence, training, split).cache()
    check_leaks(training, later, split)
    with pytest.raises(LeakFound, match="moved after the split"):
        check_leaks(evidence, later, split)
    foreseen = training.limit(1).select(*later.columns)
    with pytest.raises(LeakFound, match="is to be foreseen"):
        check_leaks(training, later.unionByName(foreseen), split)
    assert 0.7 < training.count() / evidence.count() < 0.85
    assert "0:" in format_positions(split)


def test_measures_are_those_of_a_small_example_by_hand(spark: SparkSession) -> None:
    listed = spark.createDataFrame(
        [("t", "HKD", "ann", shop, rank, 1.0) for rank, shop in enumerate(["a", "b", "c"], 1)]
        + [("t", "HKD", "bob", "a", 1, 1.0)],
        "tenant string, currency string, payer string, merchant string, rank int, score double",
    )
    later = spark.createDataFrame(
        [("t", "HKD", "ann", "b"), ("t", "HKD", "ann", "x"), ("t", "HKD", "bob", "x")],
        "tenant string, currency string, payer string, merchant string",
    )
    # Ann: one of her ten, and one of her two; Bob: none. Three of the four merchants are recommended.
    assert measure(listed, later, 4) == Measures(0.05, 0.25, 0.75)


def test_popularity_recommends_what_most_payers_paid_and_this_one_did_not(spark: SparkSession) -> None:
    payments = [("ann", "a"), ("bob", "a"), ("cat", "a"), ("bob", "b"), ("cat", "b"), ("cat", "c")]
    evidence = spark.createDataFrame(
        [("t", "HKD", payer, merchant) for payer, merchant in payments],
        "tenant string, currency string, payer string, merchant string",
    )
    rows = popular(evidence).where("payer = 'ann'").orderBy("rank").collect()
    assert [(row.merchant, row.rank, row.score) for row in rows] == [("b", 1, 2.0), ("c", 2, 1.0)]
