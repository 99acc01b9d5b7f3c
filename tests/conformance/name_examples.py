"""Asks real Spark how it compares names of columns, with and without spark.sql.caseSensitive.

    python name_examples.py ../goldens/sql/names

Needs Java. Writes one case file per operation and setting, in the form of the sql goldens; see their FORMAT.md.
"""
import json
import os
import re
import shutil
import sys

os.environ.setdefault("TZ", "UTC")

import compare
import sql_cases

TABLES = ["t = spark.createDataFrame([(1, 2), (1, None), (2, 4)], 'a BIGINT, b BIGINT')",
          "t.createOrReplaceTempView('t')",
          "u = spark.createDataFrame([(1, 10), (3, 30)], 'A BIGINT, b BIGINT')",
          "u.createOrReplaceTempView('u')"]
STRUCT = "t.select(F.struct('a', 'b').alias('s'))"

OPERATIONS = {
    "select": "t.select('A')",
    "select_both": "t.select('a', 'A')",
    "drop": "t.drop('A')",
    "rename": "t.withColumnRenamed('A', 'x')",
    "with_column": "t.withColumn('B', F.lit(9))",
    "fillna": "t.fillna({'B': 7})",
    "fillna_subset": "t.fillna(7, subset=['B'])",
    "dropna": "t.dropna(subset=['B'])",
    "replace": "t.replace(1, 5, subset=['A'])",
    "unpivot": "t.unpivot(['A'], ['b'], 'var', 'val')",
    "drop_duplicates": "t.dropDuplicates(['A']).select('a')",
    "group_by": "t.groupBy('A').count()",
    "group_by_alias": "spark.sql('SELECT a % 2 AS m, count(*) AS n FROM t GROUP BY M')",
    "pivot": "t.na.drop().groupBy('a').pivot('B', [2, 4]).count()",
    "aggregate": "t.groupBy('a').agg(F.sum('B').alias('s'))",
    "join_using": "t.join(u, 'a')",
    "join_using_other": "t.join(u, 'A')",
    "natural_join": "spark.sql('SELECT * FROM t NATURAL JOIN u')",
    "union_by_name": "t.unionByName(u)",
    "union_by_name_missing": "t.unionByName(u, allowMissingColumns=True)",
    "order_by": "t.orderBy('B')",
    "struct_field": STRUCT + ".select('s.A')",
    "with_field": STRUCT + ".select(F.col('s').withField('A', F.lit(3)).alias('s'))",
    "drop_field": STRUCT + ".select(F.col('s').dropFields('A').alias('s'))",
    "to_schema": "t.to(T.StructType([T.StructField('A', T.LongType())]))",
    "star_except": "spark.sql('SELECT * EXCEPT (B) FROM t')",
    "qualifier": "spark.sql('SELECT T.a FROM t')",
    "qualified_star": "spark.sql('SELECT T.* FROM t')",
    "unicode": "t.select(F.col('a').alias('\\u00c9')).select('\\u00e9')",
    "window": "spark.sql('SELECT a, sum(b) OVER (PARTITION BY A) AS s FROM t')",
    "having": "spark.sql('SELECT a, sum(b) AS s FROM t GROUP BY a HAVING S > 3')",
    "function": "t.agg(F.max('B').alias('m'))",
}


def answer(case, spark):
    from pyspark.sql import Window, functions as F, types as T
    try:
        made = compare.frame(sql_cases.run_code(case, {"spark": spark, "F": F, "T": T, "Window": Window}))
    except Exception as error:
        told = lambda what: getattr(error, what, lambda: None)()
        # Exceptions of tasks that the classic client does not translate say it in their text.
        stated = re.search(r"SparkException: \[([A-Z_.]+)\]", str(error))
        return {"kind": "error", "exception": type(error).__name__, "condition": told("getCondition") or (stated and stated.group(1)),
                "sqlState": told("getSqlState"), "parameters": told("getMessageParameters")}
    return {"kind": "rows", "schema": made["schema"], "columns": made["columns"], "ordered": False, "rows": made["rows"]}


def session(folder):
    """Real Spark, and an empty folder for its answers."""
    from pyspark.sql import SparkSession
    spark = (SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
             .config("spark.sql.session.timeZone", "UTC").config("spark.sql.shuffle.partitions", "1").getOrCreate())
    spark.sparkContext.setLogLevel("OFF")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    return spark


def write(case, folder, spark):
    """Writes a case with Spark's answer."""
    case["expected"] = answer(case, spark)
    with open(os.path.join(folder, case["id"] + ".json"), "w", encoding="utf-8") as f:
        json.dump(case, f, indent=1, ensure_ascii=False)
        f.write("\n")


def main(folder):
    spark = session(folder)
    for sensitive in ("false", "true"):
        spark.conf.set("spark.sql.caseSensitive", sensitive)
        for operation, code in OPERATIONS.items():
            case = {"id": "%s_%s" % (operation, "exact" if sensitive == "true" else "folded"), "family": "names",
                    "description": "names of columns, spark.sql.caseSensitive=" + sensitive, "spark": spark.version, "tables": [],
                    "conf": {"spark.sql.caseSensitive": sensitive}, "code": TABLES + ["out = " + code]}
            write(case, folder, spark)
    print("%d cases in %s" % (2 * len(OPERATIONS), folder))


if __name__ == "__main__":
    main(sys.argv[1])
