"""The table from the topic equals the exporter's, cell by cell."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from lake.allowed import VERSIONS, payload_of, pseudonyms
from lake.stream import COLUMNS, EventsMissing, bronze_of, write_after
from lake.tables import read_table

HEADERS = ("type", "id", "shard", "revision", "leaf", "version", "at")


@pytest.fixture(scope="module")
def records(spark: SparkSession, sample: Path) -> DataFrame:
    """As Spark reads them from the topic."""
    headers = ", ".join(f"struct('{name}' as key, cast({name} as binary) as value)" for name in HEADERS)
    texts = ", ".join(f"{name} string" for name in (*HEADERS, "value"))
    read = spark.read.json(str(sample / "records.jsonl"), texts)
    return read.selectExpr(f"array({headers}) as headers", "cast(value as binary) as value", "revision")


@pytest.fixture(scope="module")
def key(sample: Path) -> str:
    return (sample / "keys" / "export.key").read_text(encoding="utf-8").strip()


def test_the_stream_writes_what_the_exporter_writes(
    spark: SparkSession, records: DataFrame, key: str, lake: str, tmp_path: Path
) -> None:
    exported = read_table(spark, lake, "ledger_events").select(*COLUMNS)
    rows = bronze_of(records, key, "payledger").cache()
    assert rows.select("type").distinct().count() > 12
    assert rows.count() == exported.count()
    difference = rows.exceptAll(exported).first()
    assert difference is None
    for last in (2000, 1000, 5000):
        write_after(rows.where(f"revision <= {last}"), str(tmp_path), "stream")
    written = read_table(spark, str(tmp_path), "ledger_events")
    assert written.count() == rows.count(), "what the table has is left out"
    assert written.exceptAll(exported).first() is None


def with_header(name: str, text: str) -> str:
    changed = f"named_struct('key', '{name}', 'value', cast('{text}' as binary))"
    return f"transform(headers, one -> if(one.key = '{name}', {changed}, one)) as headers"


def test_records_of_others_and_changed_ones_are_skipped(records: DataFrame, key: str) -> None:
    few = records.where("cast(revision as long) < 20")
    foreign = [
        few.selectExpr("headers", "cast(concat(cast(value as string), ' ') as binary) as value", "revision"),
        few.selectExpr(with_header("revision", "7000"), "value", "revision"),
        few.selectExpr(with_header("at", "soon"), "value", "revision"),
        few.selectExpr("filter(headers, h -> h.key != 'leaf') as headers", "value", "revision"),
        few.selectExpr("cast(null as array<struct<key: string, value: binary>>) as headers", "value", "revision"),
        few.selectExpr("headers", "cast(null as binary) as value", "revision"),
    ]
    for others in foreign:
        assert bronze_of(few.union(others), key, "payledger").count() == 20


def test_an_event_that_the_topic_has_lost_is_missed(records: DataFrame, key: str, tmp_path: Path) -> None:
    rows = bronze_of(records.where("cast(revision as long) < 20"), key, "payledger").cache()
    with pytest.raises(EventsMissing, match="event 0 comes next, and the topic has 18 from 2 to 19"):
        write_after(rows.where("revision > 1"), str(tmp_path), "stream")
    write_after(rows.where("revision <= 3"), str(tmp_path), "stream")
    with pytest.raises(EventsMissing, match="event 4 comes next, and the topic has 15 from 4 to 19"):
        write_after(rows.where("revision != 9"), str(tmp_path), "stream")


def test_forms_that_are_newer_than_the_job_are_refused() -> None:
    name = pseudonyms("a key of at least 32 characters..", "test")
    for kind, version in VERSIONS.items():
        with pytest.raises(ValueError, match=f"{kind} version {version + 1} is not known here"):
            payload_of(kind, version + 1, {}, name)
    with pytest.raises(ValueError, match="PaymentMoved version 1 is not known here"):
        payload_of("PaymentMoved", 1, {}, name)
