"""The jobs of benches/rdd.mjs as PySpark RDDs, local[2]: sizes as JSON in, seconds and facts as JSON out, one line a run."""
import json
import sys
import time

from pyspark import SparkConf, SparkContext

sizes = json.loads(sys.argv[1])
conf = SparkConf().setMaster("local[2]").setAppName("rdd bench").set("spark.ui.enabled", "false").set("spark.driver.memory", "4g")
sc = SparkContext(conf=conf)
sc.setLogLevel("ERROR")
PARTS = sizes["parts"]
MODULUS = 1_000_003


def mixed(i):
    """As Math.imul: 32 bits."""
    return ((i ^ (i >> 15)) * 0x2C1B3C6D) & 0xFFFFFFFF


def add(a, b):
    return a + b


def sums(a, b):
    return (a[0] + b[0], (a[1] + b[1]) % MODULUS)


def wordcount(scale):
    path = sizes["warm_path"] if scale else sizes["path"]
    lines = sc.textFile(path, PARTS)
    counts = lines.flatMap(lambda line: line.split(" ")).map(lambda word: (word, 1)).reduceByKey(add, PARTS).cache()
    top = counts.top(10, key=lambda pair: pair[1])
    return [counts.count(), [n for _, n in top]]


def reduce(scale):
    keys = sizes["keys"]
    pairs = sc.range(0, scale or sizes["pairs"], 1, PARTS).map(lambda i: (mixed(i) % keys, i % 100)).reduceByKey(add, PARTS)
    return list(pairs.aggregate((0, 0), lambda s, kv: (s[0] + 1, (s[1] + kv[0] * kv[1]) % MODULUS), sums))


def join(scale):
    right = sizes["right"]
    a = sc.range(0, scale or sizes["left"], 1, PARTS).map(lambda i: (mixed(i) % right, i))
    b = sc.range(0, right, 1, PARTS).map(lambda i: (i, i * 3))
    return list(a.join(b, PARTS).aggregate((0, 0), lambda s, kv: (s[0] + 1, (s[1] + kv[1][0] + kv[1][1]) % MODULUS), sums))


def look(rows):
    """As in rdd_page.js: first, last, length, whether the run ascends, a checksum."""
    first, last, count, ascends, check = None, float("-inf"), 0, True, 0
    for x in rows:
        if count == 0:
            first = x
        count += 1
        if x < last:
            ascends = False
        check += int(x) % 1000
        last = x
    return [(first, last, count, ascends, check)] if count else []


def sort(scale):
    values = sc.range(0, scale or sizes["numbers"], 1, PARTS).map(lambda i: mixed(i) / 7)
    runs = values.sortBy(lambda x: x, True, PARTS).mapPartitions(look).collect()
    ascends = all(run[3] and (i == 0 or runs[i - 1][1] <= run[0]) for i, run in enumerate(runs))
    return [runs[0][0], runs[-1][1], sum(run[2] for run in runs), ascends, sum(run[4] for run in runs)]


JOBS = {"wordcount": wordcount, "reduce": reduce, "join": join, "sort": sort}
for name in sizes["jobs"]:
    JOBS[name](20_000)
    for _ in range(sizes["runs"]):
        start = time.monotonic()
        facts = JOBS[name](0)
        print(json.dumps({"job": name, "seconds": time.monotonic() - start, "facts": facts}), flush=True)
sc.stop()
