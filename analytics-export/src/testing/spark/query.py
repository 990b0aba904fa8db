"""Answers SQL on exported tables with Spark: a folder of tables, then a file of statements; rows as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pyspark.sql import SparkSession

lake = Path(sys.argv[1])
statements = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).with_name("berka.sql")
spark = SparkSession.builder.appName("sql").getOrCreate()
for log in sorted(lake.glob("*/_delta_log")):
    spark.read.format("delta").load(str(log.parent)).createOrReplaceTempView(log.parent.name)
lines = [line for line in statements.read_text(encoding="utf-8").splitlines() if not line.startswith("--")]
for statement in "\n".join(lines).split(";"):
    if statement.strip():
        for row in spark.sql(statement).collect():
            print(json.dumps(row.asDict(), default=str))
spark.stop()
