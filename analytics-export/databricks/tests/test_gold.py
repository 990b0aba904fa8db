"""The gold tables of the sample, compared with figures that TypeScript computed from the events."""

from __future__ import annotations

from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from gold.build import COMPUTED, REPORTS, build
from gold.expectations import ExpectationFailed
from gold.schema import TABLES, exists, read_gold, write_gold


def rows_of(spark: SparkSession, gold: str, name: str) -> list[Row]:
    return sorted(read_gold(spark, gold, name).collect(), key=str)


@pytest.mark.parametrize("name", COMPUTED)
def test_figures_equal_those_of_the_events(
    spark: SparkSession, gold: str, expected: dict[str, list[dict[str, Any]]], name: str
) -> None:
    key = TABLES[name]["key"]
    found = {tuple(str(row[column]) for column in key): row.asDict() for row in rows_of(spark, gold, name)}
    wanted = {tuple(str(row[column]) for column in key): row for row in expected[name]}
    # The four months of the sample are ten pairs of a cohort and a month.
    assert len(wanted) >= (10 if name == "cohort_retention" else 20)
    assert found.keys() == wanted.keys()
    for place, figures in wanted.items():
        for column, value in figures.items():
            assert str(found[place][column]) == str(value) or found[place][column] == pytest.approx(value), (
                place,
                column,
            )


def test_rates_are_shares_of_their_counts(spark: SparkSession, gold: str) -> None:
    for row in rows_of(spark, gold, "refund_and_decline_rates"):
        assert row.decline_rate == pytest.approx(row.declined / row.attempts)
        assert row.refund_rate == pytest.approx(row.refunded_payments / max(row.accepted, 1))
    for row in rows_of(spark, gold, "cohort_retention"):
        assert row.retention == pytest.approx(row.active / row.customers)


def test_every_column_has_its_meaning_and_type(spark: SparkSession, gold: str) -> None:
    for name in (*COMPUTED, "report_positions"):
        fields = read_gold(spark, gold, name).schema.fields
        assert [(field.name, field.metadata["comment"]) for field in fields] == [
            (column["name"], column["about"]) for column in TABLES[name]["columns"]
        ]


def test_reports_are_complete_to_a_day_that_has_ended_everywhere(spark: SparkSession, gold: str, lake: str) -> None:
    events = spark.read.format("delta").load(f"{lake}/ledger_events")
    last = events.orderBy(events.revision.desc()).first()
    rows = rows_of(spark, gold, "report_positions")
    assert sorted(row.table_name for row in rows) == sorted(REPORTS)
    for row in rows:
        assert (row.shard, row.position) == (0, last.revision)
        # 36 hours after its start, a day has ended in UTC-12 too.
        assert 36 * 3600 <= (last.booked_at.date() - row.complete_to).days * 86_400 + seconds_of_day(last.booked_at)


def seconds_of_day(time: Any) -> int:
    return time.hour * 3600 + time.minute * 60 + time.second


def test_the_same_positions_give_the_same_rows(spark: SparkSession, gold: str, lake: str, tmp_path: Path) -> None:
    events = spark.read.format("delta").load(f"{lake}/ledger_events")
    build(spark, lake, str(tmp_path), {0: events.count() - 1})
    for name in COMPUTED:
        assert rows_of(spark, str(tmp_path), name) == rows_of(spark, gold, name)


def test_nothing_is_written_when_the_lake_breaks_an_expectation(spark: SparkSession, lake: str, tmp_path: Path) -> None:
    copy = str(tmp_path / "lake")
    copytree(lake, copy)
    again = spark.read.format("delta").load(f"{lake}/postings").limit(1)
    again.write.format("delta").mode("append").save(f"{copy}/postings")
    with pytest.raises(ExpectationFailed, match="postings_once: 1 rows break it"):
        build(spark, copy, str(tmp_path / "gold"))
    assert not exists(spark, str(tmp_path / "gold"), "merchant_daily_sales")


def test_a_table_with_other_columns_or_types_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="report_positions must have the columns"):
        write_gold(spark, str(tmp_path), "report_positions", spark.sql("select 1 as shard"))
    wrong = spark.sql(
        "select 'x' as table_name, 0 as shard, 1 as position, current_date() as complete_to, now() as computed_at"
    )
    with pytest.raises(TypeError, match="report_positions.position must be LongType"):
        write_gold(spark, str(tmp_path), "report_positions", wrong)
