"""Asks real Spark for DataFrames turned, joined with the nearest rows, sampled, kept and noted about.

    python shape_examples.py ../goldens/sql/shapes sc://localhost:15002

Needs real Spark's Connect server (serve_real_connect.sh). Writes one case file per call, in the form of the sql goldens; see their
FORMAT.md. Answers that are not DataFrames become one of a string.
"""
import os
import sys

os.environ.setdefault("TZ", "UTC")

from dataframe_examples import record

TABLES = ["t = spark.createDataFrame([(1, 12, 'a', 1), (10, 1, 'b', None), (19, 8, 'a', 3), (None, 8, None, 4)], 'a BIGINT, b BIGINT, s STRING, d BIGINT')",
          "left = spark.createDataFrame([(1, 'a'), (5, 'b'), (10, 'c')], 'a INT, s STRING')",
          "right = spark.createDataFrame([(1, 1, 'a'), (2, 2, 'b'), (3, 3, 'c'), (6, 6, 'b'), (7, 7, 'd')], 'a INT, b INT, s STRING')",
          "times = spark.sql(\"SELECT to_timestamp(x) AS t, v FROM VALUES ('2024-01-01 10:00:00', 1), ('2024-01-01 10:01:00', 2), ('2024-01-01 10:05:00', 3) AS q(x, v)\")",
          "noted = t.select(F.col('a').alias('x', metadata={'max': 99}))",
          "kept = lambda df: (df.persist(), df.count(), df)[2]",
          "view_of = lambda df: (df.createOrReplaceTempView('kept'), spark.sql('SELECT s, sum(b) AS n FROM kept GROUP BY s'))[1]",
          "t.createOrReplaceTempView('t')",
          "from pyspark import StorageLevel",
          "level = lambda df: str(df.storageLevel)",
          "text = lambda value: spark.createDataFrame([(repr(value),)], 'v STRING')"]

OPERATIONS = {
    "transpose": "t.select('a', 'b', 'd').transpose('b')",
    "transpose_numbers": "t.select('s', 'a', 'd').where('a < 11').transpose()",
    "transpose_null_keys": "t.select('a', 'b', 'd').transpose()",
    "transpose_key_only": "t.select('s').limit(0).transpose()",
    "transpose_no_rows": "t.select('a', 'b').where('b > 100').transpose()",
    "transpose_no_common_type": "t.transpose('a')",
    "transpose_expression": "t.transpose(F.col('a') + 1)",
    "transpose_missing": "t.transpose('nosuch')",
    "as_of": "left._joinAsOf(right, leftAsOfColumn='a', rightAsOfColumn='a')",
    "as_of_left": "left._joinAsOf(right, leftAsOfColumn='a', rightAsOfColumn='a', how='left', tolerance=F.lit(1))",
    "as_of_inexact": "left._joinAsOf(right, leftAsOfColumn='a', rightAsOfColumn='a', allowExactMatches=False)",
    "as_of_inexact_tolerance": "left._joinAsOf(right, leftAsOfColumn='a', rightAsOfColumn='a', allowExactMatches=False, tolerance=F.lit(2))",
    "as_of_forward": "left._joinAsOf(right, leftAsOfColumn='a', rightAsOfColumn='a', direction='forward')",
    "as_of_forward_tolerance": "left._joinAsOf(right, leftAsOfColumn='a', rightAsOfColumn='a', direction='forward', tolerance=F.lit(0))",
    "as_of_nearest": "left._joinAsOf(right, leftAsOfColumn='a', rightAsOfColumn='a', direction='nearest', tolerance=F.lit(3))",
    "as_of_columns": "left._joinAsOf(right, leftAsOfColumn='a', rightAsOfColumn='b', on='s')",
    "as_of_condition": "left._joinAsOf(right, leftAsOfColumn=left.a, rightAsOfColumn=right.a, on=left.s < right.s, how='leftouter')",
    "as_of_times": "times._joinAsOf(times.withColumnRenamed('v', 'w'), leftAsOfColumn='t', rightAsOfColumn='t', allowExactMatches=False,"
                   " tolerance=F.expr(\"INTERVAL '90' SECOND\"))",
    "as_of_direction": "left._joinAsOf(right, leftAsOfColumn='a', rightAsOfColumn='a', direction='up')",
    "as_of_right": "left._joinAsOf(right, leftAsOfColumn='a', rightAsOfColumn='a', how='right')",
    "as_of_tolerance": "left._joinAsOf(right, leftAsOfColumn='a', rightAsOfColumn='a', tolerance=F.lit(-1))",
    "nearest_by": "left.nearestByJoin(right, F.abs(left.a - right.a), 2, 'exact', 'distance')",
    "nearest_by_similarity": "left.nearestByJoin(right, -F.abs(left.a - right.a), 1, 'approx', 'similarity').select(left.a, right.b)",
    "nearest_by_left": "left.nearestByJoin(right.where('a > 100'), right.a, 1, 'exact', 'distance', joinType='leftouter').select(left.a, 'b')",
    "sample_again": "spark.range(0, 20, 1, 2).sample(True, 0.5, 3)",
    "sample_again_often": "spark.range(0, 20, 1, 3).sample(True, 2.5, 42)",
    "sample_again_columns": "t.coalesce(1).sample(True, 1.5, 7).select('s', 'a')",
    "sample_again_negative": "t.sample(True, -0.5, 7)",
    "sample_partitions": "spark.range(0, 60, 1, 3).sample(0.3, 5)",
    "rand_partitions": "spark.range(0, 9, 1, 3).select('id', F.rand(7).alias('u'), F.randn(7).alias('g'), F.spark_partition_id().alias('p'))",
    "persist": "kept(t.groupBy('s').count())",
    "persist_view": "view_of(t.where('b > 1').cache())",
    "persist_again": "text([level(t.persist()), level(t.persist(StorageLevel.DISK_ONLY)), level(t.unpersist()), level(t)])",
    "persist_levels": "text([level(t.select('a').persist(getattr(StorageLevel, n))) for n in ('MEMORY_ONLY', 'DISK_ONLY_2', 'MEMORY_AND_DISK_DESER')])",
    "checkpoint_same": "(lambda p: text([p.collect() == p.collect(), p.count()]))(t.select('a', F.expr('uuid()').alias('u')).localCheckpoint())",
    "persist_columns": "(lambda p: p.select(p.a, t.b).where(t.b > 1))(t.where('a > 1').cache())",
    "persist_join": "(lambda p: p.join(p.withColumnRenamed('b', 'c'), 's'))(t.select('s', 'b').cache())",
    "checkpoint": "t.where('a > 1').localCheckpoint().where('b < 12').select('s', 'a')",
    "checkpoint_lazy": "t.where('a > 1').localCheckpoint(False).groupBy('s').agg(F.sum('b'))",
    "cache_sql": "(spark.sql('CACHE TABLE c AS SELECT s, count(*) AS n FROM t GROUP BY s'), spark.sql('SELECT * FROM c WHERE n > 1'))[1]",
    "metadata": "text(t.select(F.col('a').alias('x', metadata={'max': 99}), 'b').withMetadata('b', {'k': [1]}).schema.json())",
    "metadata_kept": "text(noted.where('x > 1').withColumn('y', F.col('x') + 1).select('x', 'y', F.col('x').alias('z')).schema.json())",
    "metadata_grouped": "text(noted.groupBy('x').count().schema.json())",
    "same_semantics": "text([t.select(F.col('a') * 2).sameSemantics(t.select((F.col('a') * 2).alias('n'))), t.sameSemantics(t.where('a > 1')), "
                      "t.where('a > 1').sameSemantics(t.where('a > 1')), t.semanticHash() == t.semanticHash()])",
    "is_local": "text([spark.createDataFrame([(1,)], 'a INT').isLocal(), spark.range(3).isLocal()])",
    "try_cast_name": "t.select(F.col('s').try_cast('int'), (F.col('a') + 1).try_cast('string'), F.lit('7').try_cast('int'))",
    "parameters_of_functions": "spark.sql('SELECT abs(:x), element_at(:m, \\'a\\') AS e, 1+:x AS s', {'x': -5, 'm': F.create_map(F.lit('a'), F.lit(1))})",
}


if __name__ == "__main__":
    record(*sys.argv[1:], "shapes", "transposing, nearest rows, sampling, kept rows, metadata", TABLES, OPERATIONS)
