"""One life of a query over Flume's events, by PySpark's client: flume_life.py REMOTE URL FOLDER OPTIONS LIMIT

It writes each event's number and body into files, from its checkpoint on, until the file `FOLDER/done` is there; OPTIONS are the source's,
as JSON. If LIMIT is `check`, it prints how many copies of each number the files hold, as JSON.
"""

import json
import os
import sys

from pyspark.sql import SparkSession


def main():
    remote, url, folder, options, limit = sys.argv[1:6]
    spark = SparkSession.builder.remote(remote).getOrCreate()
    if limit == "check":
        files = spark.read.schema("n BIGINT, body STRING").json(f"{folder}/events")
        wrong = files.filter("body IS NULL OR body != concat('event ', n)").count()
        copies = {str(row["n"]): row["count"] for row in files.groupBy("n").count().collect()}
        print(json.dumps({"wrong": wrong, "copies": copies}))
        return
    query = (
        spark.readStream.format("flume")
        .option("url", url)
        .options(**json.loads(options))
        .load()
        .selectExpr("CAST(headers['n'] AS BIGINT) AS n", "CAST(body AS STRING) AS body")
        .writeStream.format("json")
        .option("path", f"{folder}/events")
        .option("checkpointLocation", f"{folder}/checkpoint")
        .start()
    )
    while not os.path.exists(f"{folder}/done"):
        if query.awaitTermination(0.2):
            sys.exit("the query has ended")
    query.processAllAvailable()
    query.stop()


main()
