"""The comparison with a replica, whose rows are those that the same query gives on the lake's own postings."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as f

from lake.compare_mysql import ReplicaDiffers, compare, figures_of_lake, replica_query
from lake.tables import open_lake


@pytest.fixture(scope="module", autouse=True)
def entries(spark: SparkSession, lake: str) -> Iterator[None]:
    """The view of MySQL, as far as the query reads it; it holds more than is compared."""
    open_lake(spark, lake)
    view = "select *, (cast(shard as bigint) << 40) + 5 as account_number, kind as type from postings"
    spark.sql(view).createOrReplaceTempView("v_entries")
    yield
    spark.catalog.clearCache()


def test_equal_figures_pass_as_of_a_position(spark: SparkSession, lake: str) -> None:
    positions = open_lake(spark, lake, {0: 2000})
    assert compare(figures_of_lake(spark), spark.sql(replica_query(positions))) > 100


@pytest.mark.parametrize("column", ["entries", "credits", "debits"])
def test_a_different_figure_is_named(spark: SparkSession, lake: str, column: str) -> None:
    positions = open_lake(spark, lake, {0: 2000})
    replica = spark.sql(replica_query(positions))
    first = replica.agg(f.min("effective_date")).first()[0]
    changed = f.when(f.col("effective_date") == first, f.col(column) + 1).otherwise(f.col(column))
    with pytest.raises(ReplicaDiffers, match=rf"lake .*{first.year}.*; replica "):
        compare(figures_of_lake(spark), replica.withColumn(column, changed))
