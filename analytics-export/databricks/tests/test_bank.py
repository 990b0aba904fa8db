"""
A bank's year, imported through the API and exported: what its file says, from SQL alone. BANK_FILE is the file,
BANK_DATA the ledger's data folder.
"""

from __future__ import annotations

import csv
import os
from collections import defaultdict
from itertools import count
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lake.allowed import pseudonyms
from lake.tables import open_lake

# The facts that the description of the real file names, in hellers.
REAL = {
    "rows": 28_205,
    "customers": 1_139,
    "credits": 12_044_223_740,
    "debits": 8_386_629_130,
    "customers_sum": 3_657_594_610,
    "counterparties_sum": -3_657_594_610,
    "below_zero": 15,
    "exact_rows": 17_774,
    "difference_max": 60,
    "exact_at_end": 681,
}


def hellers(text: str) -> int:
    whole, part = text.removeprefix("-").split(".")
    return (-1 if text.startswith("-") else 1) * (int(whole) * 100 + int(part))


Row = tuple[str, int, int, int]


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """Account, its number in the account, amount and the bank's own balance, of each row of the file."""
    numbers = defaultdict(count)
    with Path(os.environ["BANK_FILE"]).open(encoding="utf-8", newline="") as file:
        return [
            (
                row["account_id"],
                next(numbers[row["account_id"]]) + 1,
                hellers(row["amount"]) * (1 if row["type"] == "PRIJEM" else -1),
                hellers(row["balance"]),
            )
            for row in csv.DictReader(file)
        ]


def facts_of(rows: list[Row]) -> dict[str, int]:
    sums: dict[str, int] = defaultdict(int)
    differences, last, below = [], {}, 0
    for account, _, amount, balance in rows:
        sums[account] += amount
        below += sums[account] < 0
        differences.append(abs(sums[account] - balance))
        last[account] = differences[-1]
    amounts = [amount for _, _, amount, _ in rows]
    return {
        "rows": len(rows),
        "customers": len(sums),
        "credits": sum(amount for amount in amounts if amount > 0),
        "debits": -sum(amount for amount in amounts if amount < 0),
        "customers_sum": sum(amounts),
        "counterparties_sum": -sum(amounts),
        "below_zero": below,
        "exact_rows": differences.count(0),
        "difference_max": max(differences),
        "exact_at_end": list(last.values()).count(0),
    }


FACTS = """
    with customers as (select distinct account, owner from accounts where account_type = 'wallet'),
    booked as (
      select p.*, c.owner,
        row_number() over (partition by p.account order by p.shard, p.revision, p.posting) as n,
        row_number() over (partition by p.account order by p.shard desc, p.revision desc, p.posting desc) as from_end
      from postings p left join customers c on c.account = p.account),
    compared as (
      select b.*, abs(b.balance - k.balance) as difference from booked b join bank k using (owner, n)
      where b.amount = k.amount)
    select count(*) as rows, count(distinct owner) as customers,
      sum(if(amount > 0, amount, 0)) as credits, -sum(if(amount < 0, amount, 0)) as debits,
      sum(if(from_end = 1, balance, 0)) as customers_sum,
      (select sum(amount) from booked where owner is null) as counterparties_sum,
      count_if(balance < 0) as below_zero, count_if(difference = 0) as exact_rows,
      max(difference) as difference_max, count_if(from_end = 1 and difference = 0) as exact_at_end
    from compared"""


def test_the_lake_says_what_the_bank_says(spark: SparkSession, rows: list[Row]) -> None:
    data = Path(os.environ["BANK_DATA"])
    open_lake(spark, str(data / "lake"))
    name = pseudonyms((data / "keys" / "export.key").read_text(encoding="utf-8").strip(), "payledger")
    owners = {account: name("owner", f"berka:{account}") for account, *_ in rows}
    bank = [(owners[account], *figures) for account, *figures in rows]
    schema = "owner string, n int, amount long, balance long"
    spark.createDataFrame(bank, schema).createOrReplaceTempView("bank")
    found = spark.sql(FACTS).first().asDict()
    expected = facts_of(rows)
    assert found == expected
    unequal = "select 1 from postings group by shard, revision, currency having sum(amount) != 0"
    assert spark.sql(unequal).count() == 0
    events = spark.sql("select count(*), count(distinct shard, revision), max(revision) + 1 from ledger_events").first()
    assert events[0] == events[1] == events[2]
    if Path(os.environ["BANK_FILE"]).name == "transactions-1993.csv":
        assert found == REAL
