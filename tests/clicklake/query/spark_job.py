"""Run queries in Spark SQL. Started by test_spark.py under an environment of its own: .run/envs/spark.

Reads one JSON job from standard input and writes one JSON answer to standard output:

    {"tables": {name: {"format", "path", "schema", "select"}}, "queries": {name: SQL}}
    {name: [columns, rows]}
"""

import json
import os
import sys
from typing import Any

from pyspark.sql import DataFrame, SparkSession

SETTINGS = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.sql.ansi.enabled": "true",  # errors instead of wrong values, as in Athena
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.caseSensitive": "true",  # a line may hold "url" and "Url"
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",  # dt is text in the Glue table
}


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what Java prints belongs to the log
    job = json.load(sys.stdin)
    builder = SparkSession.builder.master("local[2]").appName("clicklake")
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    for name, table in job["tables"].items():
        _read(spark, table).selectExpr(*table["select"]).createOrReplaceTempView(name)
    json.dump({name: _run(spark, sql) for name, sql in job["queries"].items()}, answers)
    answers.close()
    spark.stop()


def _read(spark: SparkSession, table: dict[str, Any]) -> DataFrame:
    reader = spark.read.format(table["format"])
    if table["schema"]:
        reader = reader.schema(table["schema"])
    return reader.load(table["path"])


def _run(spark: SparkSession, sql: str) -> tuple[list[str], list[list[Any]]]:
    result = spark.sql(sql)
    return result.columns, [list(row) for row in result.collect()]


if __name__ == "__main__":
    main()
