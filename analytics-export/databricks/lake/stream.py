"""
For those who want no exporter: the table `ledger_events` straight from Event Hubs, by Structured Streaming, with the
same columns, pseudonyms and allow-list.

  python -m lake.stream --lake <lake> --brokers <namespace>.servicebus.windows.net:9093 --topic <topic>
      --checkpoints <folder> --connection-secret <scope>/<key> --key-secret <scope>/<key> [--data-set payledger]

Writes everything there is, and ends. Each event is written once: a batch that is repeated has the same number, which
Delta then skips. Not for a lake that the exporter writes to.
"""

from __future__ import annotations

import argparse
import json

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

from lake.allowed import payload_of, pseudonyms
from lake.secrets import secret_of

COLUMNS = "booked_date shard revision booked_at tenant event_id type version payload leaf".split()
# Databricks has Kafka's client under a name of its own.
LOGIN_MODULE = "kafkashaded.org.apache.kafka.common.security.plain.PlainLoginModule"


def bronze_of(records: DataFrame, key: str, data_set: str) -> DataFrame:
    """Rows of `ledger_events` from records of the topic: headers hold all but the stored form."""

    @f.udf("tenant string, payload string")
    def exported(kind: str, version: int, value: bytes) -> tuple[str, str]:
        name = pseudonyms(key, data_set)
        stored = json.loads(value)
        return name("tenant", stored["origin"]["tenant"]), payload_of(kind, version, stored, name)

    def header(name: str, kind: str = "string") -> f.Column:
        return f.map_from_entries("headers")[name].cast("string").cast(kind)

    read = records.select(
        header("shard", "int").alias("shard"),
        header("revision", "long").alias("revision"),
        f.timestamp_micros(header("at", "long")).alias("booked_at"),
        header("id").alias("event_id"),
        header("type").alias("type"),
        header("version", "int").alias("version"),
        header("leaf").alias("leaf"),
        "value",
    )
    rows = read.withColumn("exported", exported("type", "version", "value"))
    return rows.select("*", "exported.*", f.to_date("booked_at").alias("booked_date")).select(*COLUMNS)


def write_once(rows: DataFrame, lake: str, batch: int, stream: str) -> None:
    writer = rows.write.format("delta").mode("append").partitionBy("booked_date")
    writer.option("txnAppId", stream).option("txnVersion", batch).save(f"{lake.rstrip('/')}/ledger_events")


def records_of(spark: SparkSession, brokers: str, topic: str, connection: str) -> DataFrame:
    login = f'{LOGIN_MODULE} required username="$ConnectionString" password="{connection}";'
    options = {
        "kafka.bootstrap.servers": brokers,
        "kafka.security.protocol": "SASL_SSL",
        "kafka.sasl.mechanism": "PLAIN",
        "kafka.sasl.jaas.config": login,
        "subscribe": topic,
        "startingOffsets": "earliest",
        "includeHeaders": "true",
        "failOnDataLoss": "true",
    }
    return spark.readStream.format("kafka").options(**options).load()


def main() -> None:
    parser = argparse.ArgumentParser(description="write ledger_events from Event Hubs")
    parser.add_argument("--lake", required=True, help="the folder or URL of the tables")
    parser.add_argument("--brokers", required=True, help="host:port of the Kafka endpoint")
    parser.add_argument("--topic", required=True, help="the event hub of the mirror")
    parser.add_argument("--checkpoints", required=True, help="a folder for the progress of the stream")
    parser.add_argument("--connection-secret", help="scope/key of the connection string; default: LEDGER_BROKER_LOGIN")
    parser.add_argument("--key-secret", help="scope/key of EXPORT_KEY; default: the variable EXPORT_KEY")
    parser.add_argument("--data-set", default="payledger", help="EXPORT_DATA_SET of the exporter")
    args = parser.parse_args()
    spark = SparkSession.builder.appName("stream").getOrCreate()
    connection = secret_of(spark, args.connection_secret, "LEDGER_BROKER_LOGIN")
    key = secret_of(spark, args.key_secret, "EXPORT_KEY")
    rows = bronze_of(records_of(spark, args.brokers, args.topic, connection), key, args.data_set)
    stream = f"payledger-stream/{args.topic}"
    query = (
        rows.writeStream.foreachBatch(lambda batch, number: write_once(batch, args.lake, number, stream))
        .option("checkpointLocation", args.checkpoints)
        .trigger(availableNow=True)
        .start()
    )
    query.awaitTermination()


if __name__ == "__main__":
    main()
