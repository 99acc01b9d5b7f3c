"""Kafka's topics as tables, by PySpark's client: kafka_tables.py REMOTE SERVERS NOWHERE RECORDS

Writes a DataFrame into the topic `table` (four partitions) and reads it back: whole, between offsets, with headers, joined with others,
in SQL, beside a stream. The topic `numbers` (four partitions) has the numbers below RECORDS, all at or after BEGIN_MS. What is wrong must
be said, also of the servers NOWHERE, at which nobody answers.
"""

import json
import sys
import threading
import time

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

BEGIN_MS = 1_700_000_040_000
ROWS = 1_000


def number(column):
    return f"CAST(CAST({column} AS STRING) AS BIGINT)"


class Tables:
    def __init__(self, remote, servers, nowhere, records):
        self.spark = SparkSession.builder.remote(remote).getOrCreate()
        self.servers, self.nowhere, self.records = servers, nowhere, records

    def read(self, topic=None, **options):
        reader = self.spark.read.format("kafka").option("kafka.bootstrap.servers", self.servers)
        if topic:
            reader = reader.option("subscribe", topic)
        return reader.options(**options).load()

    def refused(self, act, *said):
        """What it raises must say this; then the session goes on."""
        try:
            act()
        except PySparkException as error:
            for part in said:
                assert part in str(error), f"{part!r} is not in: {error}"
        else:
            raise AssertionError(f"nothing was raised that says {said}")
        assert self.spark.range(3).count() == 3

    def save(self, rows, mode=None, **options):
        writer = rows.write.format("kafka").option("kafka.bootstrap.servers", self.servers).options(**options)
        (writer.mode(mode) if mode else writer).save()

    def write(self):
        rows = self.spark.range(0, ROWS, 1, 3).selectExpr(
            "CAST(id AS STRING) AS key",
            "CAST(CAST(id * 3 AS STRING) AS BINARY) AS value",
            "CAST(id % 4 AS INT) AS partition",
            "array(named_struct('key', 'half', 'value', CAST(CAST(id DIV 2 AS STRING) AS BINARY))) AS headers",
        )
        self.save(rows, topic="table")
        self.save(rows.where("key < 100").selectExpr("'table' AS topic", "value", "partition"), mode="append")

    def read_back(self):
        table = self.read("table")
        names = ["key", "value", "topic", "partition", "offset", "timestamp", "timestampType"]
        assert table.columns == names, table.columns
        assert table.count() == ROWS + 100
        found = table.where("key IS NOT NULL").selectExpr(
            f"{number('key')} AS k", f"{number('value')} AS v", "topic", "partition", "offset"
        )
        for row in found.collect():
            assert (row.v, row.topic, row.partition) == (3 * row.k, "table", row.k % 4), row
            assert row.offset == row.k // 4, row
        headers = self.read("table", includeHeaders="true").where("key = '77'").collect()
        assert [(h.key, bytes(h.value)) for h in headers[0].headers] == [("half", b"38")], headers
        without = self.read("table", includeHeaders="true").where("key IS NULL").select("headers").first()
        assert without.headers is None, without

        starting = {"table": {"0": 10, "1": -2, "2": 250, "3": 275}}
        ending = {"table": {"0": 20, "1": 5, "2": 260, "3": -1}}
        between = self.read("table", startingOffsets=json.dumps(starting), endingOffsets=json.dumps(ending))
        counts = {r.partition: (r.low, r.high) for r in between.groupBy("partition").agg(
            F.min("offset").alias("low"), F.max("offset").alias("high")).collect()}
        # Partition 3 has 250 records with keys and 25 without: it ends where it begins.
        assert counts == {0: (10, 19), 1: (0, 4), 2: (250, 259)}, counts

        one = self.read(assign=json.dumps({"table": [2]}))
        assert [r.partition for r in one.select("partition").distinct().collect()] == [2]
        assert self.read(subscribePattern="tab.*").count() == ROWS + 100
        assert self.read("numbers,table").select("topic").distinct().count() == 2

        def pieces(**options):
            return self.read("table", **options).select(F.spark_partition_id()).distinct().count()

        # 275 records of each partition: four pieces, eight of 138 at most, three of 100 at most for each.
        sizes = pieces(), pieces(minPartitions=8), pieces(maxRecordsPerPartition=100)
        assert sizes == (4, 8, 12), sizes

    def read_times(self):
        """The broker of these tests (tansu 0.6) answers every time with the first offset: only what is right then, too, can be asked."""
        first, each = BEGIN_MS, json.dumps({"numbers": {str(p): BEGIN_MS for p in range(4)}})
        assert self.read("numbers", startingTimestamp=first).count() == self.records
        assert self.read("numbers", endingTimestamp=first).count() == 0
        assert self.read("numbers", startingTimestamp=first - 1, endingTimestamp=first).count() == 0
        assert self.read("numbers", startingOffsetsByTimestamp=each).count() == self.records
        assert self.read("numbers", endingOffsetsByTimestamp=each).count() == 0
        some = json.dumps({"numbers": {"0": BEGIN_MS}})
        told = "Partitions specified for Kafka timestamp based start offsets", "Specified: numbers-0 Assigned: numbers-0,numbers-1"
        self.refused(lambda: self.read("numbers", startingOffsetsByTimestamp=some).count(), *told)

    def join(self):
        table, others = self.read("table"), self.spark.range(40, 60).withColumnRenamed("id", "n")
        joined = table.join(others, F.expr(f"{number('key')} = n"))
        assert joined.agg(F.count("*"), F.sum("n")).first() == (20, sum(range(40, 60)))
        table.createOrReplaceTempView("records")
        found = self.spark.sql(
            "SELECT a.partition, count(*) AS n FROM records a JOIN records b ON a.partition = b.partition AND a.offset = b.offset "
            "WHERE a.key IS NOT NULL GROUP BY a.partition ORDER BY a.partition"
        )
        assert [tuple(row) for row in found.collect()] == [(p, 250) for p in range(4)]
        pivot = table.groupBy("topic").pivot("partition").count().collect()
        assert [tuple(row) for row in pivot] == [("table", 275, 275, 275, 275)], pivot

    def beside_a_stream(self):
        stream = (
            self.spark.readStream.format("kafka")
            .option("kafka.bootstrap.servers", self.servers)
            .option("subscribe", "numbers")
            .option("startingOffsets", "earliest")
            .option("maxOffsetsPerTrigger", max(4, self.records // 3))
            .load()
            .selectExpr(f"{number('value')} AS n")
        )
        table = self.read("table").where("key IS NOT NULL").selectExpr(f"{number('key')} AS k")
        query = (
            stream.join(table, F.expr("n = k")).writeStream.format("memory").queryName("both").trigger(availableNow=True).start()
        )
        query.awaitTermination()
        batches = len(query.recentProgress)
        total = self.spark.sql("SELECT count(*), count(DISTINCT n), max(n) FROM both").first()
        most = min(self.records, ROWS)
        assert tuple(total) == (most, most, most - 1) and batches >= 2, (total, batches)

    def wrong(self):
        self.refused(lambda: self.read("table", startingOffsets="latest").count(), "starting offset can't be latest")
        self.refused(lambda: self.read("table", endingOffsets="earliest").schema, "ending offset can't be earliest")
        self.refused(lambda: self.read().count(), "One of the following options must be specified")
        self.refused(lambda: self.read("table", startingOffset="earliest").count(), "Did you mean 'startingOffsets'")
        tried = {"fetchOffset.numRetries": "2", "fetchOffset.retryIntervalMs": "10"}
        self.refused(lambda: self.read("nope", **tried).count(), "does not host this topic-partition", "nope")
        beyond = json.dumps({"table": {"0": 900, "1": -1, "2": -1, "3": -1}})
        self.refused(lambda: self.read("table", endingOffsets=beyond).count(), "KAFKA_DATA_LOSS", "offsets 0 to 275 are there")
        assert self.read("table", endingOffsets=beyond, failOnDataLoss="false").count() == ROWS + 100
        self.refused(lambda: self.read("table", endingOffsets=json.dumps({"table": {"0": 1}})).count(), "Specified: table-0 Assigned")

        rows = self.spark.range(3).selectExpr("CAST(id AS STRING) AS value")
        for mode, word in (("overwrite", "Overwrite"), ("ignore", "Ignore")):
            self.refused(lambda: self.save(rows, mode=mode, topic="table"), f"Save mode {word} not allowed for Kafka")
        self.refused(lambda: self.save(rows), "topic option required when no 'topic' attribute is present")
        self.refused(lambda: self.save(rows.selectExpr("value AS key"), topic="table"), "Required attribute 'value' not found")
        self.refused(lambda: self.save(rows.selectExpr("value", "NULL AS topic")), "KAFKA_NULL_TOPIC_IN_DATA")
        self.refused(lambda: self.save(rows, topic="nope"), "does not host this topic-partition: nope")
        self.refused(lambda: self.save(rows.selectExpr("value", "9 AS partition"), topic="table"), "Topic table has 4 partitions")

    def away(self):
        once = {"kafka.bootstrap.servers": self.nowhere, "fetchOffset.numRetries": "1"}
        away = self.read("table", **once)
        # Neither asks anybody.
        assert away.schema.fieldNames()[0] == "key"
        away.explain()
        away.createOrReplaceTempView("away")
        begun = time.monotonic()
        self.refused(lambda: away.count(), "RIVULET_KAFKA_UNANSWERED", f"kafka.bootstrap.servers is '{self.nowhere}'")
        assert time.monotonic() - begun < 60
        ended = []

        def wait():
            try:
                self.spark.sql("SELECT count(*) FROM away").collect()
            except Exception as error:
                ended.append(error)

        waiting = threading.Thread(target=wait)
        begun = time.monotonic()
        waiting.start()
        time.sleep(1)
        # Others work meanwhile.
        assert self.read("table").count() == ROWS + 100 and not ended
        self.spark.interruptAll()
        waiting.join(5)
        took = time.monotonic() - begun
        assert len(ended) == 1 and "OPERATION_CANCELED" in str(ended[0]) and took < 8, (ended, took)


def main():
    remote, servers, nowhere, records = sys.argv[1:5]
    tables = Tables(remote, servers, nowhere, int(records))
    steps = [tables.write, tables.read_back, tables.read_times, tables.join, tables.beside_a_stream, tables.wrong, tables.away]
    for step in steps:
        begun = time.monotonic()
        step()
        print(f"{step.__name__} {time.monotonic() - begun:.1f} s", file=sys.stderr)
    print("read and written")


main()
