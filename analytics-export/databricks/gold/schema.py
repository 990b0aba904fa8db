"""The gold tables as schema.json describes them, and where they are kept."""

from __future__ import annotations

import json
from pathlib import Path

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as t

TYPES: dict[str, t.DataType] = {
    "string": t.StringType(),
    "int": t.IntegerType(),
    "long": t.LongType(),
    "date": t.DateType(),
    "timestamp": t.TimestampType(),
    "double": t.DoubleType(),
    "boolean": t.BooleanType(),
}
SCHEMA = json.loads(Path(__file__).with_name("schema.json").read_text(encoding="utf-8"))
TABLES = {table["name"]: table for table in SCHEMA["tables"]}


def schema_of(name: str) -> t.StructType:
    return t.StructType(
        [
            t.StructField(column["name"], TYPES[column["type"]], True, {"comment": column["about"]})
            for column in TABLES[name]["columns"]
        ]
    )


def conform(name: str, frame: DataFrame) -> DataFrame:
    """The columns of a table in its order, with their comments; refuses other columns and other types."""
    wanted = schema_of(name)
    found = {field.name: field.dataType for field in frame.schema}
    if set(found) != set(wanted.names):
        raise TypeError(f"{name} must have the columns {wanted.names}, not {list(found)}")
    for field in wanted:
        type_found = found[field.name]
        if type_found != field.dataType:
            raise TypeError(f"{name}.{field.name} must be {field.dataType}, not {type_found}")
    return frame.select(*[frame[field.name].alias(field.name, metadata=field.metadata) for field in wanted])


def write_gold(spark: SparkSession, gold: str, name: str, frame: DataFrame, where: str | None = None) -> None:
    """
    Replaces a table, or only the rows that a condition selects. `gold` is a folder, or `catalog.schema` of Unity
    Catalog.
    """
    rows = conform(name, frame).sort(*TABLES[name]["key"])
    writer = rows.write.format("delta").mode("overwrite")
    if where is not None and exists(spark, gold, name):
        writer = writer.option("replaceWhere", where)
    if is_folder(gold):
        writer.save(f"{gold.rstrip('/')}/{name}")
    else:
        writer.saveAsTable(f"{gold}.{name}")


def read_gold(spark: SparkSession, gold: str, name: str) -> DataFrame:
    if is_folder(gold):
        return spark.read.format("delta").load(f"{gold.rstrip('/')}/{name}")
    return spark.table(f"{gold}.{name}")


def exists(spark: SparkSession, gold: str, name: str) -> bool:
    if not is_folder(gold):
        return spark.catalog.tableExists(f"{gold}.{name}")
    try:
        read_gold(spark, gold, name)
    except AnalysisException as error:
        if error.getCondition() in ("DELTA_TABLE_NOT_FOUND", "DELTA_PATH_DOES_NOT_EXIST", "PATH_NOT_FOUND"):
            return False
        raise
    return True


def is_folder(gold: str) -> bool:
    return "/" in gold
