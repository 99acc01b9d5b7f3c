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


def sort(scale):
    ordered = sc.range(0, scale or sizes["numbers"], 1, PARTS).map(lambda i: mixed(i) / 7).sortBy(lambda x: x, True, PARTS).cache()
    lengths = ordered.mapPartitions(lambda rows: [sum(1 for _ in rows)]).collect()
    starts = [sum(lengths[:p]) for p in range(len(lengths))]

    def look(p, rows):
        at, check, first, last = starts[p], 0, None, None
        for x in rows:
            if at % 1000 == 0:
                check = (check + int(x)) % MODULUS
            at += 1
            first = x if first is None else first
            last = x
        return [(first, last, check)]

    facts = ordered.mapPartitionsWithIndex(look).collect()
    return [sum(lengths), facts[0][0], facts[-1][1], sum(f[2] for f in facts) % MODULUS]


JOBS = {"wordcount": wordcount, "reduce": reduce, "join": join, "sort": sort}
for name in sizes["jobs"]:
    JOBS[name](20_000)
    for _ in range(sizes["runs"]):
        start = time.monotonic()
        facts = JOBS[name](0)
        print(json.dumps({"job": name, "seconds": time.monotonic() - start, "facts": facts}), flush=True)
sc.stop()
