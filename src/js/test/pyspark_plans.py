"""Writes the plans that PySpark's own Connect client builds, for test/plans.test.ts to compare with.

    python test/pyspark_plans.py > test/pyspark_plans.json
"""
import json
import os

os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"

from google.protobuf import json_format
from pyspark.ml.feature import Bucketizer, HashingTF, SQLTransformer, Tokenizer
from pyspark.sql.connect import functions as F
from pyspark.sql.connect import plan as P
from pyspark.sql.connect.column import Column  # noqa: F401
from pyspark.sql.connect.dataframe import DataFrame
from pyspark.sql.connect.streaming.readwriter import DataStreamReader
from pyspark.sql.connect.readwriter import DataFrameReader
from pyspark.sql.connect.window import Window


class Client:
    _user_id = "rivulet"
    _session_id = "0"

    def __getattr__(self, name):
        raise AssertionError(f"the plan asks the server for {name}")


class Session:
    client = Client()
    _client = client
    session_id = "0"


session = Session()
DataFrame._check_same_session = lambda self, other: other
table = DataFrameReader(session).table("t")
other = DataFrameReader(session).table("u")
stream = DataStreamReader(session).format("json").schema("text STRING, createdAt TIMESTAMP, score DOUBLE").option("maxFilesPerTrigger", 1).load("/in")

PLANS = {
    "select": table.select("a", F.col("b") + 1, (F.col("c") * 2.5).alias("d"), F.lit("x"), "*"),
    "operators": table.select(
        ~(F.col("a") == 1), F.col("a") != F.col("b"), (F.col("a") > 1) & (F.col("b") <= 2) | F.col("c").isNull(), -F.col("a"),
        F.col("a") % 3, F.col("a").eqNullSafe(None), F.col("s").like("a%"), F.col("s").startswith("#"), F.col("s").substr(1, 2),
        F.col("a").isin(1, 2, 3), F.col("a").between(1, 5), F.col("a") ** 2,
    ),
    "cast": table.select(F.col("a").cast("string"), F.col("a").cast("decimal(10,2)"), F.col("a").try_cast("int")),
    "nested": table.select(F.col("a").getItem(0), F.col("m").getItem("k"), F.col("s").getField("x"), F.col("s").withField("y", F.lit(1)), F.col("s").dropFields("z")),
    "case": table.select(F.when(F.col("a") > 1, "big").when(F.col("a") > 0, "small").otherwise("none")),
    "literals": table.select(F.lit(None), F.lit(True), F.lit(1), F.lit(2**40), F.lit(1.5), F.lit("t")),
    "filter_sql": table.filter("a > 1"),
    "filter_column": table.filter(F.col("a") > 1),
    "with_columns": table.withColumn("b", F.col("a") + 1).withColumnRenamed("b", "c").drop("d", F.col("e")),
    "sort": table.orderBy("a", F.col("b").desc(), F.col("c").asc_nulls_last()),
    "limit": table.limit(5).offset(2),
    "distinct": table.distinct(),
    "deduplicate": table.dropDuplicates(["a"]),
    "group": table.groupBy("a").agg(F.sum("b").alias("s"), F.countDistinct("c"), F.collect_list("d"), F.first("e")),
    "group_count": table.groupBy("a", "b").count(),
    "rollup": table.rollup("a", "b").agg(F.avg("c")),
    "pivot": table.groupBy("a").pivot("b", ["x", "y"]).agg(F.sum("c")),
    "join_using": table.join(other, ["k"], "left"),
    "join_condition": table.join(other, F.col("a") == F.col("b"), "left_anti"),
    "cross_join": table.crossJoin(other),
    "union": table.union(other).unionByName(other, allowMissingColumns=True),
    "except": table.exceptAll(other).intersect(other).subtract(other),
    "alias": table.alias("x").select("x.a", "x.*"),
    "repartition": table.repartition(4).coalesce(2).repartition(3, "a"),
    "na": table.na.fill(0).na.fill({"a": "x"}).na.drop(how="all", subset=["a"]).na.drop(thresh=2),
    "describe": table.describe("a"),
    "to_df": table.toDF("x", "y"),
    "window_function": table.select(
        F.row_number().over(Window.partitionBy("a").orderBy(F.col("b").desc())),
        F.sum("c").over(Window.partitionBy("a").orderBy("b").rowsBetween(-1, 0)),
        F.lag("c").over(Window.orderBy("b")),
        F.avg("c").over(Window.partitionBy("a").rangeBetween(Window.unboundedPreceding, Window.unboundedFollowing)),
    ),
    "texts": table.select(
        F.split("text", " "), F.regexp_replace("a", "x", "y"), F.concat_ws("-", "a", "b"), F.date_format("t", "yyyy"), F.to_timestamp("t", "yyyy-MM-dd"),
        F.substring("a", 1, 2), F.array_contains("xs", 1), F.element_at("xs", 1), F.round("a", 2), F.date_trunc("hour", "t"), F.lpad("a", 5, "0"),
        F.from_json("j", "a INT"), F.sort_array("xs"), F.get_json_object("j", "$.a"), F.date_add("d", 1), F.coalesce("a", F.lit(0)),
    ),
    "session_window": table.groupBy(F.session_window("t", "5 minutes")).count(),
    "stream": stream,
    "trending": stream.withWatermark("createdAt", "10 minutes")
    .select(F.explode(F.split("text", " ")).alias("hashtag"), "createdAt", "score")
    .filter(F.col("hashtag").startswith("#"))
    .groupBy(F.window("createdAt", "10 minutes", "5 minutes"), "hashtag")
    .agg(F.count("hashtag").alias("n"), F.avg("score").alias("score")),
    "ml_tokenizer": Tokenizer(inputCol="text", outputCol="words").transform(table),
    "ml_hashing": HashingTF(inputCol="words", outputCol="features", numFeatures=2000, binary=True).transform(table),
    "ml_bucketizer": Bucketizer(splits=[-1.0, 0.0, 2.5], inputCol="x", outputCol="b", handleInvalid="keep").transform(table),
    "ml_sql": SQLTransformer(statement="SELECT a FROM __THIS__").transform(stream),
    "window_start": table.groupBy(F.window("t", "1 hour", startTime="15 minutes")).count(),
}


def stripped(value):
    """Without ids and origins, which differ from run to run."""
    if isinstance(value, dict):
        return {k: stripped(v) for k, v in value.items() if k not in ("common", "planId", "uid")}
    if isinstance(value, list):
        return [stripped(v) for v in value]
    return value


def relation(df: DataFrame):
    plan: P.LogicalPlan = df._plan
    return stripped(json_format.MessageToDict(plan.plan(session.client)))


print(json.dumps({name: relation(df) for name, df in PLANS.items()}, indent=1, sort_keys=True))
