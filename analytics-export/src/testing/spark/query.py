"""Answers SQL on exported tables with Spark and Delta: a folder of tables, then a file of statements; rows as JSON."""

import glob
import json
import os
import sys

os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
from pyspark.sql import SparkSession

SETTINGS = {
    "spark.driver.memory": "2g",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "2",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}

jars, lake, statements = sys.argv[1:]
builder = SparkSession.builder.master("local[2]").config("spark.jars", ",".join(sorted(glob.glob(f"{jars}/*.jar"))))
for key, value in SETTINGS.items():
    builder = builder.config(key, value)
spark = builder.getOrCreate()
spark.sparkContext.setLogLevel("ERROR")
for name in sorted(os.listdir(lake)):
    if not name.startswith("_"):
        spark.read.format("delta").load(os.path.join(lake, name)).createOrReplaceTempView(name)
lines = [line for line in open(statements, encoding="utf-8") if not line.startswith("--")]
for statement in "".join(lines).split(";"):
    if statement.strip():
        for row in spark.sql(statement).collect():
            print(json.dumps(row.asDict(), default=str))
spark.stop()
