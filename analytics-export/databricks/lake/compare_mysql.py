"""
Compares the lake with the read models in MySQL, a replica's, as of the same positions: per shard, business day,
currency and kind the number of entries and the sums of credits and of debits.

  python -m lake.compare_mysql --lake <lake> --url jdbc:mysql://<host>:3306/<database>?sslMode=VERIFY_IDENTITY
      --user <read-only user> [--secret <scope>/<key>] [--at <positions or manifest.json>]

The password is the environment's LEDGER_MYSQL_PASSWORD, or a secret of the workspace. Fails with the first differences.
"""

from __future__ import annotations

import argparse

from pyspark.sql import DataFrame, SparkSession

from lake.positions import Positions, format_positions, parse_positions, up_to
from lake.secrets import secret_of
from lake.tables import open_lake

GROUP = ["shard", "effective_date", "currency", "kind"]
FIGURES = ["entries", "credits", "debits"]
SHOWN = 5


class ReplicaDiffers(Exception):
    """The lake and the read models hold different figures."""


def replica_query(positions: Positions) -> str:
    """The query that MySQL answers. An account's number has its shard above 40 bits."""
    return f"""
        select shard, effective_date, currency, kind, count(*) as entries,
          sum(case when amount > 0 then amount else 0 end) as credits,
          sum(case when amount < 0 then amount else 0 end) as debits
        from (
          select account_number div 1099511627776 as shard, revision, effective_date, currency, type as kind, amount
          from v_entries
        ) e
        where {up_to(positions)}
        group by shard, effective_date, currency, kind"""


def read_replica(spark: SparkSession, url: str, user: str, password: str, positions: Positions) -> DataFrame:
    options = {"url": url, "user": user, "password": password, "driver": "com.mysql.cj.jdbc.Driver"}
    return spark.read.format("jdbc").options(**options).option("query", replica_query(positions)).load()


def figures_of_lake(spark: SparkSession) -> DataFrame:
    return spark.sql("""
        select shard, effective_date, currency, kind, count(*) as entries,
          sum(if(amount > 0, amount, 0)) as credits, sum(if(amount < 0, amount, 0)) as debits
        from postings group by shard, effective_date, currency, kind""")


def compare(lake: DataFrame, replica: DataFrame) -> int:
    """@return the number of groups that are equal; @throws ReplicaDiffers"""

    def typed(frame: DataFrame) -> DataFrame:
        return frame.selectExpr(
            *["cast(shard as int) as shard", "cast(effective_date as date) as effective_date", "currency", "kind"],
            *[f"cast({figure} as decimal(38, 0)) as {figure}" for figure in FIGURES],
        )

    left, right = typed(lake), typed(replica)
    only_lake, only_replica = left.exceptAll(right), right.exceptAll(left)
    differences = [f"lake {row.asDict()}" for row in only_lake.orderBy(*GROUP).take(SHOWN)]
    differences += [f"replica {row.asDict()}" for row in only_replica.orderBy(*GROUP).take(SHOWN)]
    if differences:
        raise ReplicaDiffers("; ".join(differences))
    return left.count()


def main() -> None:
    parser = argparse.ArgumentParser(description="compare the lake with the read models in MySQL")
    parser.add_argument("--lake", required=True, help="the folder or URL of the exported tables")
    parser.add_argument("--url", required=True, help="JDBC URL of the replica, without a password")
    parser.add_argument("--user", required=True, help="a user that may only read the views")
    parser.add_argument("--secret", help="scope/key of the password; default: the variable LEDGER_MYSQL_PASSWORD")
    parser.add_argument("--at", type=parse_positions, help="positions such as 0:123,1:456, or a manifest; default: all")
    args = parser.parse_args()
    spark = SparkSession.builder.appName("compare").getOrCreate()
    positions = open_lake(spark, args.lake, args.at)
    replica = read_replica(
        spark, args.url, args.user, secret_of(spark, args.secret, "LEDGER_MYSQL_PASSWORD"), positions
    )
    equal = compare(figures_of_lake(spark), replica)
    print(f"lake and replica are equal as of {format_positions(positions)}: {equal} groups")


if __name__ == "__main__":
    main()
