"""One life of two queries over a Kafka topic whose tasks stay, by PySpark's client: kafka_epochs.py REMOTE SERVERS FOLDER LIMIT

The first hands on each record into another topic (a continuous trigger), the second how many records each key has (a real-time one).
Both continue from their checkpoints, and are stopped when they have read what there is. If LIMIT is `check`, it prints what the topics
hold, as JSON.
"""

import json
import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as F


def main():
    remote, servers, folder, limit = sys.argv[1:5]
    spark = SparkSession.builder.remote(remote).getOrCreate()
    if limit == "check":
        topic = lambda name: spark.read.format("kafka").option("kafka.bootstrap.servers", servers).option("subscribe", name).load()
        each = topic("each").selectExpr("CAST(CAST(value AS STRING) AS BIGINT) AS n")
        found = each.agg(F.count("*").alias("copies"), F.count_distinct("n").alias("numbers"), F.sum_distinct("n").alias("sum"))
        last = topic("keyed").selectExpr("CAST(key AS STRING) AS k", "CAST(CAST(value AS STRING) AS BIGINT) AS n")
        last = last.groupBy("k").agg(F.max("n").alias("n")).agg(F.count("*").alias("keys"), F.sum("n").alias("counted"))
        print(json.dumps({**found.collect()[0].asDict(), **last.collect()[0].asDict()}))
        return
    spark.conf.set("spark.sql.streaming.realTimeMode.minBatchDuration", "200")
    records = (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", servers)
        .option("subscribe", "numbers")
        .option("startingOffsets", "earliest")
        .option("maxOffsetsPerTrigger", limit)
        .load()
        .selectExpr("CAST(CAST(value AS STRING) AS BIGINT) AS n")
    )

    def into(rows, name):
        writer = rows.writeStream.format("kafka").option("kafka.bootstrap.servers", servers).option("topic", name)
        return writer.option("checkpointLocation", f"{folder}/{name}-checkpoint").outputMode("update")

    each = records.selectExpr("CAST(n AS STRING) AS value")
    keyed = records.groupBy((F.col("n") % 7).alias("k")).count().selectExpr("CAST(k AS STRING) AS key", "CAST(count AS STRING) AS value")
    queries = [
        into(each, "each").trigger(continuous="200 milliseconds").start(),
        into(keyed, "keyed").trigger(realTime="200 milliseconds").start(),
    ]
    for query in queries:
        query.processAllAvailable()
        query.stop()


main()
