"""One life of two queries over a Kafka topic, by PySpark's client: kafka_life.py REMOTE SERVERS FOLDER LIMIT

The first writes each record's place and value into files, the second how many records each window has into another topic. Both
continue from their checkpoints, take at most LIMIT records a batch, and end when they have read what there is. If LIMIT is `check`, it
prints what the files hold, as JSON.
"""

import json
import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as F


def main():
    remote, servers, folder, limit = sys.argv[1:5]
    spark = SparkSession.builder.remote(remote).getOrCreate()
    if limit == "check":
        files = spark.read.schema("partition INT, offset BIGINT, n BIGINT").json(f"{folder}/records")
        total = files.agg(
            F.count("*").alias("records"),
            F.count_distinct("partition", "offset").alias("places"),
            F.count_distinct("n").alias("numbers"),
            F.sum("n").alias("sum"),
        )
        print(json.dumps(total.collect()[0].asDict()))
        return
    records = (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", servers)
        .option("subscribe", "numbers")
        .option("startingOffsets", "earliest")
        .option("maxOffsetsPerTrigger", limit)
        .load()
    )
    place = records.selectExpr("partition", "offset", "CAST(CAST(value AS STRING) AS BIGINT) AS n")
    counts = (
        records.withWatermark("timestamp", "1 minute")
        .groupBy(F.window("timestamp", "1 minute"))
        .count()
        .selectExpr("CAST(unix_seconds(window.start) AS STRING) AS key", "CAST(count AS STRING) AS value")
    )
    queries = [
        place.writeStream.format("json")
        .option("path", f"{folder}/records")
        .option("checkpointLocation", f"{folder}/records-checkpoint")
        .trigger(availableNow=True)
        .start(),
        counts.writeStream.format("kafka")
        .option("kafka.bootstrap.servers", servers)
        .option("topic", "counts")
        .option("checkpointLocation", f"{folder}/counts-checkpoint")
        .outputMode("update")
        .trigger(availableNow=True)
        .start(),
    ]
    for query in queries:
        query.awaitTermination()


main()
