"""
The jobs that read a broker and a MySQL server, as they are started, on real ones: Kafka's topic holds the sample's
events and records of others, a MariaDB replica its read models. JOB_ENGINES says where, as `npm run spark -- test` does.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lake import compare_mysql, stream
from lake.compare_mysql import ReplicaDiffers, compare, figures_of_lake, read_replica
from lake.tables import open_lake, read_table


@pytest.fixture(scope="module")
def engines() -> dict[str, Any]:
    return json.loads(Path(os.environ["JOB_ENGINES"]).read_text(encoding="utf-8"))


def test_the_stream_from_kafka_equals_the_export(
    spark: SparkSession, engines: dict[str, Any], sample: Path, lake: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kafka = engines["kafka"]
    monkeypatch.setenv("LEDGER_BROKER_LOGIN", kafka["connection"])
    monkeypatch.setenv("EXPORT_KEY", (sample / "keys" / "export.key").read_text(encoding="utf-8").strip())
    exported = read_table(spark, lake, "ledger_events").select(*stream.COLUMNS).cache()
    place = ["--lake", str(tmp_path), "--brokers", kafka["brokers"], "--topic", kafka["topic"]]
    for checkpoints in ("first", "first", "new"):
        checked = ["--checkpoints", str(tmp_path / checkpoints), "--authority", kafka["authority"]]
        monkeypatch.setattr("sys.argv", ["stream", *place, *checked])
        stream.main()
        written = read_table(spark, str(tmp_path), "ledger_events")
        assert written.count() == exported.count() > 3000
        assert written.exceptAll(exported).first() is None


def test_the_read_models_of_a_replica_equal_the_lake(
    spark: SparkSession,
    engines: dict[str, Any],
    lake: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    mysql = engines["mysql"]
    monkeypatch.setenv("LEDGER_MYSQL_PASSWORD", mysql["password"])
    place = ["--lake", lake, "--url", mysql["url"], "--user", mysql["user"]]
    for at in ([], ["--at", "0:2000"]):
        monkeypatch.setattr("sys.argv", ["compare", *place, *at])
        compare_mysql.main()
        assert "lake and replica are equal as of 0:" in capsys.readouterr().out


def test_a_replica_with_other_rows_is_named(spark: SparkSession, engines: dict[str, Any], lake: str) -> None:
    mysql = engines["mysql"]
    open_lake(spark, lake, {0: 2000})
    replica = read_replica(spark, mysql["url"], mysql["user"], mysql["password"], {0: 2300})
    with pytest.raises(ReplicaDiffers, match="; replica "):
        compare(figures_of_lake(spark), replica)


def test_the_user_of_the_job_cannot_write(spark: SparkSession, engines: dict[str, Any]) -> None:
    mysql = engines["mysql"]
    login = {"user": mysql["user"], "password": mysql["password"], "driver": "com.mysql.cj.jdbc.Driver"}
    with pytest.raises(Exception, match="(?i)command denied|read-only"):
        spark.sql("select 1 as one").write.jdbc(mysql["url"], "written_by_the_job", properties=login)
