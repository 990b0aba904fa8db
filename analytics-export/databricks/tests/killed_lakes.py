"""
Counts, with Spark, what is in the lakes of killed exporters: each event once, in every table. The folder is that of
`kill-loop-main.ts --keep`; beside each lake is what the history says.

  python killed_lakes.py <folder>
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from functools import reduce
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

from lake.tables import EXPORTED, read_table


def lakes_in(folder: Path) -> list[Path]:
    return sorted(path.parent for path in folder.glob("*/expected.json"))


def counts_of(table: DataFrame, columns: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Per lake the rows, different events, the last of them and sums, as in expected.json; and different rows."""
    sums = [f.coalesce(f.sum(column), f.lit(0)).cast("string").alias(column) for column in columns]
    rows = table.groupBy("lake").agg(
        f.count("*").alias("rows"),
        f.count_distinct(f.struct("*")).alias("different_rows"),
        f.count_distinct("shard", "revision").alias("revisions"),
        f.max("revision").alias("last"),
        f.struct(*sums).alias("sums"),
    )
    counts = [row.asDict(recursive=True) for row in rows.collect()]
    return {count.pop("lake"): count for count in counts}


def faults_of(spark: SparkSession, lakes: list[Path]) -> Iterator[str]:
    """Names the tables that do not hold each event once."""
    expected = {lake.name: json.loads((lake / "expected.json").read_text(encoding="utf-8")) for lake in lakes}
    for table in EXPORTED:
        frames = [read_table(spark, str(lake / "lake"), table).withColumn("lake", f.lit(lake.name)) for lake in lakes]
        [sums, *_] = [list(counts[table]["sums"]) for counts in expected.values()]
        found = counts_of(reduce(DataFrame.unionAll, frames), sums)
        for lake, counts in expected.items():
            wanted = {**counts[table], "different_rows": counts[table]["rows"]}
            if found.get(lake) != (wanted if wanted["rows"] else None):
                yield f"{lake}, {table}: {found.get(lake)}, and must be {wanted}"


def main() -> None:
    lakes = lakes_in(Path(sys.argv[1]))
    if not lakes:
        sys.exit(f"{sys.argv[1]} has no lakes of kill-loop-main.ts --keep")
    spark = SparkSession.builder.appName("killed lakes").getOrCreate()
    faults = 0
    for fault in faults_of(spark, lakes):
        print(fault)
        faults += 1
    events = sum(json.loads((lake / "expected.json").read_text())["ledger_events"]["rows"] for lake in lakes)
    print(json.dumps({"lakes": len(lakes), "events": events, "faults": faults}))
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
