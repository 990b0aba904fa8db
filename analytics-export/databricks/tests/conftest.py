"""One Spark session and one lake for all tests. LAKE_SAMPLE is the data folder that `npm run spark -- sample` made."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from gold.build import build


@pytest.fixture(scope="session")
def spark() -> SparkSession:
    return SparkSession.builder.appName("tests").getOrCreate()


@pytest.fixture(scope="session")
def sample() -> Path:
    return Path(os.environ["LAKE_SAMPLE"])


@pytest.fixture(scope="session")
def lake(sample: Path) -> str:
    return str(sample / "lake")


@pytest.fixture(scope="session")
def expected(sample: Path) -> dict[str, list[dict[str, Any]]]:
    return json.loads((sample / "expected.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def gold(spark: SparkSession, lake: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The gold tables of the sample."""
    folder = str(tmp_path_factory.mktemp("lake") / "gold")
    build(spark, lake, folder)
    return folder
