"""
For those who want no exporter: the table `ledger_events` straight from Event Hubs, by Structured Streaming, with the
same columns, pseudonyms and allow-list.

  python -m lake.stream --lake <lake> --brokers <namespace>.servicebus.windows.net:9093 --topic <topic>
      --checkpoints <folder> --connection-secret <scope>/<key> --key-secret <scope>/<key> [--data-set payledger]
      [--authority <file.pem>]

Writes everything there is, and ends. Each event is written once, also after a crash or with new checkpoints: what the
table has is left out. Records that are no events of the ledger are skipped, as their leaves tell. Not for a lake that
the exporter writes to.
"""

from __future__ import annotations

import argparse
import json
import os

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

from lake.allowed import payload_of, pseudonyms
from lake.leaves import leaf_of
from lake.secrets import secret_of

COLUMNS = "booked_date shard revision booked_at tenant event_id type version payload leaf".split()
LOGIN_MODULE = "org.apache.kafka.common.security.plain.PlainLoginModule"


def bronze_of(records: DataFrame, key: str, data_set: str) -> DataFrame:
    """Rows of `ledger_events` from records of the topic: headers hold all but the stored form."""

    @f.udf("tenant string, payload string")
    def exported(
        shard: int, revision: int, event_id: str, kind: str, version: int, at: int, leaf: str, value: bytes
    ) -> tuple[str, str] | None:
        record = (shard, revision, event_id, kind, version, at, value)
        if None in record or leaf_of(*record[:-1], bytes(value)) != leaf:
            return None
        name = pseudonyms(key, data_set)
        stored = json.loads(value)
        return name("tenant", stored["origin"]["tenant"]), payload_of(kind, version, stored, name)

    def header(name: str, kind: str = "string") -> f.Column:
        """Null if there is none, or if it is no number where it must be one."""
        found = f.try_element_at(f.filter("headers", lambda one: one["key"] == name), f.lit(-1))
        return found["value"].cast("string").try_cast(kind)

    read = records.select(
        header("shard", "int").alias("shard"),
        header("revision", "long").alias("revision"),
        header("at", "long").alias("at"),
        header("id").alias("event_id"),
        header("type").alias("type"),
        header("version", "int").alias("version"),
        header("leaf").alias("leaf"),
        "value",
    )
    # Else Spark computes it for the condition, and again for the columns.
    once = exported.asNondeterministic()
    arguments = ("shard", "revision", "event_id", "type", "version", "at", "leaf", "value")
    events = read.withColumn("exported", once(*arguments)).where("exported is not null")
    timed = events.withColumn("booked_at", f.timestamp_micros("at"))
    return timed.select("*", "exported.*", f.to_date("booked_at").alias("booked_date")).select(*COLUMNS)


class EventsMissing(Exception):
    """The topic does not have the event that comes next."""


def write_after(rows: DataFrame, lake: str, stream: str) -> None:
    """
    Appends the events that the table does not have. Its version for the stream is the number of events in it, so that
    a second writer at the same time is refused. @throws EventsMissing
    """
    spark, folder = rows.sparkSession, f"{lake.rstrip('/')}/ledger_events"
    ends = [f.min("revision").alias("first"), f.max("revision").alias("last"), f.count("*").alias("events")]
    had = {}
    if DeltaTable.isDeltaTable(spark, folder):
        table = spark.read.format("delta").load(folder)
        had = {row["shard"]: row["last"] for row in table.groupBy("shard").agg(*ends).collect()}
    later = f.lit(True)
    for shard, revision in had.items():
        later &= (f.col("shard") != shard) | (f.col("revision") > revision)
    fresh = rows.where(later).dropDuplicates(["shard", "revision"]).persist()
    has = dict(had)
    for shard, first, last, events in fresh.groupBy("shard").agg(*ends).collect():
        following = had.get(shard, -1) + 1
        if first != following or last - first + 1 != events:
            raise EventsMissing(
                f"shard {shard}: event {following} comes next, and the topic has {events} from {first} to {last}: "
                "export with `ledger start export`, which reads the log as well"
            )
        has[shard] = last
    if has != had:
        writer = fresh.write.format("delta").mode("append").partitionBy("booked_date")
        writer.option("txnAppId", stream).option("txnVersion", sum(has.values()) + len(has)).save(folder)
    fresh.unpersist()


def records_of(
    spark: SparkSession, brokers: str, topic: str, connection: str, authority: str | None = None
) -> DataFrame:
    # Databricks has Kafka's client under a name of its own.
    module = f"kafkashaded.{LOGIN_MODULE}" if "DATABRICKS_RUNTIME_VERSION" in os.environ else LOGIN_MODULE
    login = f'{module} required username="$ConnectionString" password="{connection}";'
    trust = {"kafka.ssl.truststore.type": "PEM", "kafka.ssl.truststore.location": authority} if authority else {}
    options = {
        "kafka.bootstrap.servers": brokers,
        "kafka.security.protocol": "SASL_SSL",
        "kafka.sasl.mechanism": "PLAIN",
        "kafka.sasl.jaas.config": login,
        "subscribe": topic,
        "startingOffsets": "earliest",
        "includeHeaders": "true",
        "failOnDataLoss": "true",
        **trust,
    }
    return spark.readStream.format("kafka").options(**options).load()


def write_all(rows: DataFrame, lake: str, checkpoints: str, stream: str) -> None:
    """Writes the events of all records that the topic has now, from where the checkpoints are."""
    query = (
        rows.writeStream.foreachBatch(lambda batch, _: write_after(batch, lake, stream))
        .option("checkpointLocation", checkpoints)
        .trigger(availableNow=True)
        .start()
    )
    query.awaitTermination()


def main() -> None:
    parser = argparse.ArgumentParser(description="write ledger_events from Event Hubs")
    parser.add_argument("--lake", required=True, help="the folder or URL of the tables")
    parser.add_argument("--brokers", required=True, help="host:port of the Kafka endpoint")
    parser.add_argument("--topic", required=True, help="the event hub of the mirror")
    parser.add_argument("--checkpoints", required=True, help="a folder for the progress of the stream")
    parser.add_argument("--connection-secret", help="scope/key of the connection string; default: LEDGER_BROKER_LOGIN")
    parser.add_argument("--key-secret", help="scope/key of EXPORT_KEY; default: the variable EXPORT_KEY")
    parser.add_argument("--authority", help="PEM file of the broker's authority; default: those that Java trusts")
    parser.add_argument("--data-set", default="payledger", help="EXPORT_DATA_SET of the exporter")
    args = parser.parse_args()
    spark = SparkSession.builder.appName("stream").getOrCreate()
    connection = secret_of(spark, args.connection_secret, "LEDGER_BROKER_LOGIN")
    key = secret_of(spark, args.key_secret, "EXPORT_KEY")
    records = records_of(spark, args.brokers, args.topic, connection, args.authority)
    write_all(bronze_of(records, key, args.data_set), args.lake, args.checkpoints, f"payledger-stream/{args.topic}")


if __name__ == "__main__":
    main()
