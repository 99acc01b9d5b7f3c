"""One life of two queries over a stream of Kinesis, by PySpark's client: kinesis_life.py REMOTE URL FOLDER LIMIT

The first writes each record's key, number and value into files, the second writes it into another stream. Both continue from their
checkpoints, take at most LIMIT records of a shard in a batch, and end when they have read what there is. If LIMIT is `check`, it prints
what the files hold, as JSON.
"""

import json
import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as F


def main():
    remote, url, folder, limit = sys.argv[1:5]
    spark = SparkSession.builder.remote(remote).getOrCreate()
    if limit == "check":
        files = spark.read.schema("key STRING, sequence STRING, n BIGINT").json(f"{folder}/records")
        total = files.agg(
            F.count("*").alias("records"),
            F.count_distinct("n").alias("numbers"),
            F.sum("n").alias("sum"),
        )
        print(json.dumps(total.collect()[0].asDict()))
        return
    server = {
        "kinesis.endpointUrl": url,
        "kinesis.region": "us-east-1",
        "kinesis.awsAccessKeyId": "id",
        "kinesis.awsSecretKey": "secret",
        "kinesis.clientRetryIntervalsMs": "20",
    }
    records = (
        spark.readStream.format("aws-kinesis")
        .options(**server)
        .option("kinesis.streamName", "numbers")
        .option("kinesis.startingposition", "TRIM_HORIZON")
        .option("kinesis.failOnDataLoss", "true")
        .option("kinesis.maxFetchRecordsPerShard", limit)
        .option("kinesis.getRecords.fetchIntervalMs", "50")
        .load()
    )
    queries = [
        records.selectExpr(
            "partitionKey AS key", "sequenceNumber AS sequence", "CAST(CAST(data AS STRING) AS BIGINT) AS n"
        )
        .writeStream.format("json")
        .option("path", f"{folder}/records")
        .option("checkpointLocation", f"{folder}/records-checkpoint")
        .trigger(availableNow=True)
        .start(),
        records.select("partitionKey", "data")
        .writeStream.format("aws-kinesis")
        .options(**server)
        .option("kinesis.streamName", "copies")
        .option("checkpointLocation", f"{folder}/copies-checkpoint")
        .trigger(availableNow=True)
        .start(),
    ]
    for query in queries:
        query.awaitTermination()


main()
