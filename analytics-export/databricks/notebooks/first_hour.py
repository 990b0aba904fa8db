# Databricks notebook source
# MAGIC %md
# MAGIC # The ledger's history: a first hour
# MAGIC Every event of the ledger is in the lake once. Amounts are minor units, accounts are pseudonyms, and
# MAGIC `shard` and `revision` order the rows. Set the widget `lake` to the URL of the exported tables; outside
# MAGIC Databricks, `npm run spark -- hour --lake <folder>` runs this file.

# COMMAND ----------
import sys

from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
lake = sys.argv[-1] if "--lake" in sys.argv else dbutils.widgets.get("lake")  # noqa: F821
for name in ("ledger_events", "postings", "payments", "accounts", "graph_edges"):
    spark.read.format("delta").load(f"{lake}/{name}").createOrReplaceTempView(name)

# COMMAND ----------
# MAGIC %md
# MAGIC ## What happens in it

# COMMAND ----------
spark.sql("""
    select type, count(*) as events, date(min(booked_at)) as first, date(max(booked_at)) as last
    from ledger_events group by type order by events desc""").show(20, truncate=False)

# COMMAND ----------
# MAGIC %md
# MAGIC ## Money is conserved: zero for each currency

# COMMAND ----------
spark.sql("select currency, count(*) as postings, sum(amount) as balance from postings group by currency").show()

# COMMAND ----------
# MAGIC %md
# MAGIC ## Payments as they are now: the last row of each

# COMMAND ----------
spark.sql("""
    with latest as (
      select *, row_number() over (partition by payment_id order by revision desc) as place from payments
    )
    select currency, status, count(*) as payments, sum(captured) as captured, sum(refunded) as refunded
    from latest where place = 1 group by currency, status order by currency, payments desc""").show()

# COMMAND ----------
# MAGIC %md
# MAGIC ## The same as of a position
# MAGIC A training set must not know what came later. `ledger export snapshot --at` writes the positions of a time.

# COMMAND ----------
half = spark.sql("select max(revision) div 2 as half from ledger_events where shard = 0").first()["half"]
spark.table("payments").where(f"shard = 0 and revision <= {half}").createOrReplaceTempView("payments_then")
spark.sql("""
    select status, count(*) as payments from (
      select payment_id, max_by(status, revision) as status from payments_then group by payment_id
    ) group by status order by payments desc""").show()

# COMMAND ----------
# MAGIC %md
# MAGIC ## Features of a payer, ready for a model

# COMMAND ----------
features = spark.sql("""
    select payer, count(distinct payee) as merchants, count(distinct payment_id) as payments, sum(amount) as kept,
      datediff((select max(booked_at) from graph_edges), max(booked_at)) as days_since
    from graph_edges where payee_type = 'merchant' group by payer""")
features.describe("merchants", "payments", "days_since").show()

# COMMAND ----------
# MAGIC %md
# MAGIC ## Gold: the tables of reports, made by `gold.build`

# COMMAND ----------
spark.read.format("delta").load(f"{lake}/gold/cohort_retention").createOrReplaceTempView("cohort_retention")
spark.sql("""
    select cohort, first(customers) as customers, round(max(if(months = 1, retention, null)), 2) as after_1_month,
      round(max(if(months = 2, retention, null)), 2) as after_2_months
    from cohort_retention group by cohort order by cohort""").show()
