"""The contenders that run natively: python native.py CONTENDER WORKLOAD JSON; prints one line of JSON per run.

JSON has `reps`, `folders` (of each input, by name) and what the workload's page would make itself. A run is `{seconds, parts, answer}`
with the answer's columns as the workload's reference has them. Graphs and training are in files of their own.
"""
import glob
import json
import sys
import time

import native_graphs
import native_training
from native_spark import session

MODULUS = 1_000_003
PARTS = 4
FEATURES = 2_000


def confusion(cells):
    """Columns of how often each label was predicted for which."""
    pairs = [(0, 0), (0, 1), (1, 0), (1, 1)]
    return {"label": [a for a, _ in pairs], "predicted": [b for _, b in pairs], "n": [cells.get(pair, 0) for pair in pairs]}


def sklearn_bayes(job):
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.naive_bayes import MultinomialNB

    def load(name):
        lines = [line.rstrip("\n") for path in sorted(glob.glob(job["folders"][name] + "/*")) for line in open(path, encoding="utf-8")]
        return [line[2:] for line in lines], [int(line[0]) for line in lines]

    (training, labels), (scoring, truth) = load("training"), load("scoring")
    vectors = HashingVectorizer(n_features=FEATURES, alternate_sign=False, norm=None, token_pattern=None, tokenizer=str.split)

    def run():
        start = time.perf_counter()
        model = MultinomialNB(alpha=1.0).fit(vectors.transform(training), labels)
        trained = time.perf_counter()
        cells = {}
        for at in range(0, len(scoring), 10_000):
            for pair in zip(truth[at:at + 10_000], model.predict(vectors.transform(scoring[at:at + 10_000])).tolist()):
                cells[pair] = cells.get(pair, 0) + 1
        scored = time.perf_counter()
        return {"parts": {"train": trained - start, "score": scored - trained}, "answer": confusion(cells)}

    return run


def spark_bayes(job):
    from pyspark.ml import Pipeline
    from pyspark.ml.classification import NaiveBayes
    from pyspark.ml.feature import HashingTF, Tokenizer
    spark = session()

    def read(name):
        return spark.read.option("sep", "\t").schema("label DOUBLE, text STRING").csv(job["folders"][name])

    stages = [Tokenizer(inputCol="text", outputCol="words"),
              HashingTF(inputCol="words", outputCol="features", numFeatures=FEATURES), NaiveBayes()]

    def run():
        start = time.perf_counter()
        model = Pipeline(stages=stages).fit(read("training"))
        trained = time.perf_counter()
        groups = model.transform(read("scoring")).groupBy("label", "prediction").count().collect()
        scored = time.perf_counter()
        cells = {(int(g["label"]), int(g["prediction"])): g["count"] for g in groups}
        return {"parts": {"train": trained - start, "score": scored - trained}, "answer": confusion(cells)}

    return run


def mixed(i):
    """As Math.imul: 32 bits."""
    return ((i ^ (i >> 15)) * 0x2C1B3C6D) & 0xFFFFFFFF


def add(a, b):
    return a + b


def sums(a, b):
    return (a[0] + b[0], (a[1] + b[1]) % MODULUS)


def checked(pair):
    return {"count": [pair[0]], "check": [pair[1]]}


def wordcount(job):
    sc = session().sparkContext

    def run():
        lines = sc.textFile(job["folders"]["words"], PARTS)
        counts = lines.flatMap(lambda line: line.split(" ")).map(lambda word: (word, 1)).reduceByKey(add, PARTS).cache()
        top = [n for _, n in counts.top(10, key=lambda pair: pair[1])]
        distinct = counts.count()
        counts.unpersist()
        return {"answer": {"top": top, "distinct": [distinct] * len(top), "rank": list(range(len(top)))}}

    return run


def reduce(job):
    sc, pairs, keys = session().sparkContext, job["sizes"]["pairs"], job["sizes"]["keys"]

    def run():
        totals = sc.range(0, pairs, 1, PARTS).map(lambda i: (mixed(i) % keys, i % 100)).reduceByKey(add, PARTS)
        return {"answer": checked(totals.aggregate((0, 0), lambda s, kv: (s[0] + 1, (s[1] + kv[0] * kv[1]) % MODULUS), sums))}

    return run


def join(job):
    sc, left, right = session().sparkContext, job["sizes"]["left"], job["sizes"]["right"]

    def run():
        many = sc.range(0, left, 1, PARTS).map(lambda i: (mixed(i) % right, i))
        few = sc.range(0, right, 1, PARTS).map(lambda i: (i, i * 3))
        pairs = many.join(few, PARTS)
        return {"answer": checked(pairs.aggregate((0, 0), lambda s, kv: (s[0] + 1, (s[1] + kv[1][0] + kv[1][1]) % MODULUS), sums))}

    return run


def look(rows):
    """As in workloads/rdd.js: first, last, length, whether the run ascends, a checksum."""
    first, last, count, ascends, check = None, float("-inf"), 0, True, 0
    for x in rows:
        if count == 0:
            first = x
        count += 1
        ascends = ascends and x >= last
        check += int(x) % 1000
        last = x
    return [(first, last, count, ascends, check)] if count else []


def sort(job):
    sc, numbers = session().sparkContext, job["sizes"]["numbers"]

    def run():
        values = sc.range(0, numbers, 1, PARTS).map(lambda i: mixed(i) / 7)
        runs = values.sortBy(lambda x: x, True, PARTS).mapPartitions(look).collect()
        ascends = all(run[3] and (i == 0 or runs[i - 1][1] <= run[0]) for i, run in enumerate(runs))
        return {"answer": {"first": [runs[0][0]], "last": [runs[-1][1]], "count": [sum(run[2] for run in runs)],
                           "ascends": [int(ascends)], "check": [sum(run[4] for run in runs)]}}

    return run


WORKLOADS = {"sklearn": {"W7": sklearn_bayes, **native_training.WORKLOADS["sklearn"]},
             "pyspark": {"W7": spark_bayes, "wordcount": wordcount, "reduce": reduce, "join": join, "sort": sort,
                         **native_training.WORKLOADS["pyspark"]},
             **native_graphs.WORKLOADS}


def main():
    which, workload, job = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    run = WORKLOADS[which][workload](job)
    if job["warmUp"]:
        run()
    for _ in range(job["reps"]):
        start = time.perf_counter()
        found = run()
        print(json.dumps({"seconds": time.perf_counter() - start, "parts": {}, **found}), flush=True)


if __name__ == "__main__":
    main()
