"""Secrets of a job: of a secret scope on Databricks, of the environment elsewhere. Never on a command line."""

from __future__ import annotations

import os

from pyspark.sql import SparkSession


def secret_of(spark: SparkSession, scope_and_key: str | None, variable: str) -> str:
    """@param scope_and_key `scope/key`; without one, the environment variable is read"""
    if scope_and_key is None:
        return os.environ[variable]
    from pyspark.dbutils import DBUtils  # only on Databricks

    scope, key = scope_and_key.split("/")
    return DBUtils(spark).secrets.get(scope, key)
