"""
Makes the gold tables from the exported ones, all as of the same positions: the same positions give the same rows.

  python -m gold.build --lake <lake> [--gold <folder or catalog.schema>] [--at <positions or manifest.json>]

Fails, and leaves the former tables, when the data breaks an expectation.
"""

from __future__ import annotations

import argparse
from importlib.resources import files

from pyspark.sql import DataFrame, SparkSession

from gold.expectations import OF_GOLD, OF_THE_LAKE, check, keys_unique
from gold.schema import TABLES, write_gold
from lake.positions import Positions, format_positions, parse_positions
from lake.tables import open_lake

VIEWS = ("merchants", "sales", "first_payments")
REPORTS = ("merchant_daily_sales", "merchant_monthly_summary", "merchant_customers")
COMPUTED = ("daily_volume", *REPORTS, "refund_and_decline_rates", "time_to_capture", "cohort_retention")


def query(name: str) -> str:
    return files("gold").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")


def compute(spark: SparkSession) -> dict[str, DataFrame]:
    """The gold tables of the views that `open_lake` made."""
    for name in VIEWS:
        spark.sql(query(name)).createOrReplaceTempView(name)
    return {name: spark.sql(query(name)).cache() for name in COMPUTED}


def positions_of_reports(spark: SparkSession) -> DataFrame:
    """
    A business day is final once the log's time has passed its end in the westernmost zone, UTC-12: times only grow
    within a shard, so nothing of that day can come any more.
    """
    reports = ", ".join(f"('{name}')" for name in REPORTS)
    return spark.sql(f"""
        select r.table_name, e.shard, max(e.revision) as position,
          to_date(max(e.booked_at) - interval 12 hours) - interval 1 day as complete_to,
          current_timestamp() as computed_at
        from ledger_events e cross join (values {reports}) r(table_name)
        group by r.table_name, e.shard""")


def build(spark: SparkSession, lake: str, gold: str, at: Positions | None = None) -> Positions:
    """Replaces every gold table of reports; returns the positions that they are as of."""
    positions = open_lake(spark, lake, at)
    check(spark, OF_THE_LAKE)
    tables = compute(spark)
    for name, frame in tables.items():
        frame.createOrReplaceTempView(f"gold_{name}")
    check(spark, OF_GOLD)
    for name in tables:
        check(spark, keys_unique(name, TABLES[name]["key"]))
    for name, frame in tables.items():
        write_gold(spark, gold, name, frame)
    # Last: a report never claims a day whose rows are not there yet.
    write_gold(spark, gold, "report_positions", positions_of_reports(spark))
    spark.catalog.clearCache()
    return positions


def main() -> None:
    parser = argparse.ArgumentParser(description="make the gold tables")
    parser.add_argument("--lake", required=True, help="the folder or URL of the exported tables")
    parser.add_argument("--gold", help="a folder, or catalog.schema; default: the folder gold of the lake")
    parser.add_argument("--at", type=parse_positions, help="positions such as 0:123,1:456, or a manifest; default: all")
    args = parser.parse_args()
    spark = SparkSession.builder.appName("gold").getOrCreate()
    positions = build(spark, args.lake, args.gold or f"{args.lake}/gold", args.at)
    print(f"gold tables as of {format_positions(positions)}; every expectation held")


if __name__ == "__main__":
    main()
