"""The exported tables as views, all as of the same positions."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

from lake.positions import Positions, up_to

EXPORTED = ("ledger_events", "postings", "payments", "accounts", "graph_edges")

# Which events have rows in a table, by what bronze knows of them.
ROWS_OF = {
    "postings": "get_json_object(payload, '$.postings') is not null",
    "payments": "get_json_object(payload, '$.payment.id') is not null and get_json_object(payload, '$.code') is null",
    "accounts": "get_json_object(payload, '$.account.id') is not null and get_json_object(payload, '$.code') is null",
    "graph_edges": "type in ('PaymentCharged', 'PaymentCaptured', 'PaymentRefunded')",
}


def read_table(spark: SparkSession, lake: str, name: str) -> DataFrame:
    """A table by its folder below the lake, which may be a path, a volume or a URL of a storage account."""
    return spark.read.format("delta").load(f"{lake.rstrip('/')}/{name}")


def open_lake(spark: SparkSession, lake: str, positions: Positions | None = None) -> Positions:
    """
    Makes a view of each exported table, up to the given positions, or as far as all tables have come. Returns the
    positions. Tables are written one by one: without common positions a payment could lack its postings.
    """
    # Every expectation reads them again.
    frames = {name: read_table(spark, lake, name).cache() for name in EXPORTED}
    reached = common_positions(frames)
    chosen = reached if positions is None else positions
    for shard, revision in chosen.items():
        if revision > reached.get(shard, -1):
            raise ValueError(f"the lake has shard {shard} up to {reached.get(shard, -1)}, not yet {revision}")
    for name, frame in frames.items():
        frame.where(up_to(chosen)).createOrReplaceTempView(name)
    return chosen


def common_positions(frames: dict[str, DataFrame]) -> Positions:
    """The last revision per shard that every table includes. A table that lags lacks the rows of some event."""
    events = frames["ledger_events"]
    last = f.max("revision").alias("last")
    reached = {row["shard"]: row["last"] for row in events.groupBy("shard").agg(last).collect()}
    for name, has_rows in ROWS_OF.items():
        behind = events.where(has_rows).join(frames[name].groupBy("shard").agg(last), "shard", "left")
        missing = behind.where("revision > coalesce(last, -1)").groupBy("shard").agg(f.min("revision").alias("next"))
        for row in missing.collect():
            reached[row["shard"]] = min(reached[row["shard"]], row["next"] - 1)
    return {shard: revision for shard, revision in reached.items() if revision >= 0}
