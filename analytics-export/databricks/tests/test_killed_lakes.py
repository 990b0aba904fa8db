"""Lakes of exporters that were killed at any step hold each event once. KILLED_LAKES has a folder per target."""

from __future__ import annotations

import os
from pathlib import Path
from shutil import copytree

import pytest
from delta.tables import DeltaTable
from pyspark.sql import SparkSession

from killed_lakes import faults_of, lakes_in
from lake.tables import read_table


@pytest.mark.parametrize("target", os.listdir(os.environ["KILLED_LAKES"]))
def test_each_event_is_there_once(spark: SparkSession, target: str) -> None:
    lakes = lakes_in(Path(os.environ["KILLED_LAKES"]) / target)
    assert lakes
    assert list(faults_of(spark, lakes)) == []


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    [first, *_] = lakes_in(Path(os.environ["KILLED_LAKES"]) / "folder")
    copytree(first, tmp_path / "0")
    return tmp_path / "0"


def test_an_event_that_is_there_twice_is_counted(spark: SparkSession, copy: Path) -> None:
    again = read_table(spark, str(copy / "lake"), "ledger_events").where("revision = 3").localCheckpoint()
    again.write.format("delta").mode("append").save(str(copy / "lake" / "ledger_events"))
    [fault] = faults_of(spark, [copy])
    assert fault.startswith("0, ledger_events: ")


def test_an_event_that_is_missing_is_counted(spark: SparkSession, copy: Path) -> None:
    folder = str(copy / "lake" / "postings")
    spark.sql(f"alter table delta.`{folder}` unset tblproperties ('delta.appendOnly')")
    last = read_table(spark, str(copy / "lake"), "postings").agg({"revision": "max"}).first()[0]
    DeltaTable.forPath(spark, folder).delete(f"revision = {last}")
    [fault] = faults_of(spark, [copy])
    assert fault.startswith("0, postings: ")
