"""The table from the topic equals the exporter's, cell by cell."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lake.allowed import VERSIONS, payload_of, pseudonyms
from lake.stream import COLUMNS, bronze_of, write_once
from lake.tables import read_table

HEADERS = ("type", "id", "shard", "revision", "leaf", "version", "at")


def test_the_stream_writes_what_the_exporter_writes(
    spark: SparkSession, sample: Path, lake: str, tmp_path: Path
) -> None:
    key = (sample / "keys" / "export.key").read_text(encoding="utf-8").strip()
    exported = read_table(spark, lake, "ledger_events").select(*COLUMNS)
    headers = ", ".join(f"struct('{name}' as key, cast({name} as binary) as value)" for name in HEADERS)
    texts = ", ".join(f"{name} string" for name in (*HEADERS, "value"))
    records = spark.read.json(str(sample / "records.jsonl"), texts)
    kafka = records.selectExpr(f"array({headers}) as headers", "cast(value as binary) as value")
    rows = bronze_of(kafka, key, "payledger").cache()
    assert rows.select("type").distinct().count() > 12
    assert rows.count() == exported.count()
    difference = rows.exceptAll(exported).first()
    assert difference is None
    for _ in range(2):
        write_once(rows, str(tmp_path), 0, "stream")
    assert read_table(spark, str(tmp_path), "ledger_events").count() == rows.count(), "a repeated batch is skipped"


def test_forms_that_are_newer_than_the_job_are_refused() -> None:
    name = pseudonyms("a key of at least 32 characters..", "test")
    for kind, version in VERSIONS.items():
        with pytest.raises(ValueError, match=f"{kind} version {version + 1} is not known here"):
            payload_of(kind, version + 1, {}, name)
    with pytest.raises(ValueError, match="PaymentMoved version 1 is not known here"):
        payload_of("PaymentMoved", 1, {}, name)
