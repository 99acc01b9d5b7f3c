"""What Rivulet saves, loaded by real Spark: models make the same predictions to 1e-9, files have the same rows.

    python exchange.py --remote sc://localhost:15002      (needs Java for the real Spark)

The first process fits and saves through Spark Connect, and writes down what Rivulet predicts; the second is a plain local
Spark that loads the directories and predicts again.
"""
import argparse
import json
import math
import os
import subprocess
import sys
import tempfile

TEXTS = ["good great film", "bad awful film", "great fun", "awful, just awful", "good fun and a great end", "a bad end"]
MOODS = ["happy", "sad", "happy", "sad", "happy", "sad"]
NUMBERS = [[1.0, 0.0, 3.0], [0.0, 2.0, 1.0], [2.0, 1.0, 0.0], [0.0, 0.0, 4.0], [1.0, 1.0, 1.0], [0.0, 3.0, 0.0]]


def frame(spark):
    from pyspark.ml.linalg import Vectors
    rows = [(i, text, mood, float(mood == "happy"), float(i % 3), Vectors.dense(numbers))
            for i, (text, mood, numbers) in enumerate(zip(TEXTS, MOODS, NUMBERS))]
    return spark.createDataFrame(rows, ["id", "text", "mood", "label", "category", "numbers"])


def pipelines():
    """Name -> a pipeline; together they have every stage that Rivulet saves."""
    from pyspark.ml import Pipeline
    from pyspark.ml import feature as f
    from pyspark.ml.classification import NaiveBayes
    made = {
        "hashed": [f.Tokenizer(inputCol="text", outputCol="words"), f.StopWordsRemover(inputCol="words", outputCol="kept"),
                   f.NGram(inputCol="kept", outputCol="grams", n=2),
                   f.HashingTF(inputCol="kept", outputCol="features", numFeatures=64), NaiveBayes(smoothing=0.5)],
        "counted": [f.StringIndexer(inputCol="mood", outputCol="y", handleInvalid="keep"),
                    f.RegexTokenizer(inputCol="text", outputCol="words", pattern="\\W+"),
                    f.CountVectorizer(inputCol="words", outputCol="tf", minDF=2.0), f.IDF(inputCol="tf", outputCol="features"),
                    NaiveBayes(labelCol="y", modelType="complement", thresholds=[0.4, 0.6]),
                    f.IndexToString(inputCol="prediction", outputCol="predicted", labels=["happy", "sad"])],
        "scaled": [f.StandardScaler(inputCol="numbers", outputCol="standard", withMean=True),
                   f.MinMaxScaler(inputCol="numbers", outputCol="ranged"), f.MaxAbsScaler(inputCol="numbers", outputCol="absolute"),
                   f.Normalizer(inputCol="numbers", outputCol="normal", p=1.0), f.Binarizer(inputCol="category", outputCol="binary", threshold=1.0),
                   f.Bucketizer(inputCol="category", outputCol="bucket", splits=[-float("inf"), 0.5, 1.5, float("inf")]),
                   f.OneHotEncoder(inputCols=["category"], outputCols=["hot"]),
                   f.VectorAssembler(inputCols=["standard", "hot", "binary"], outputCol="features"),
                   f.SQLTransformer(statement="SELECT *, category + 1 AS next FROM __THIS__"), NaiveBayes(modelType="gaussian")],
        "bernoulli": [f.Binarizer(inputCol="numbers", outputCol="features", threshold=0.5), NaiveBayes(modelType="bernoulli")],
    }
    return {name: Pipeline(stages=stages) for name, stages in made.items()}


def plain(value):
    """A value of a row as JSON."""
    if hasattr(value, "toArray"):
        return [float(x) for x in value.toArray()]
    return [plain(v) for v in value] if isinstance(value, (list, tuple)) else value


def rows(df):
    return [[plain(v) for v in row] for row in df.orderBy("id").collect()]


SCHEMA = ("id BIGINT, name STRING, x DOUBLE, exact DECIMAL(10,2), yes BOOLEAN, day DATE, time TIMESTAMP, "
          "words ARRAY<STRING>, pair STRUCT<a: INT, b: STRING>")
QUOTED = {"csv": {"header": "true", "nullValue": "(null)", "sep": ";"}}


def table(spark, name):
    """Rows with quotes, separators, nulls and every plain type; CSV and text hold no nested values."""
    import datetime
    from decimal import Decimal
    day, time = datetime.date(2026, 2, 28), datetime.datetime(2026, 2, 28, 23, 59, 59, 125000)
    rows = [(1, 'a "quoted"; name', 0.1, Decimal("12.50"), True, day, time, ["x", None], (1, "b")),
            (2, "größer, ein\\ Wort", float("nan"), Decimal("-0.01"), False, day, time, [], (None, None)),
            (3, None, None, None, None, None, None, None, None)]
    df = spark.createDataFrame(rows, SCHEMA)
    if name == "csv":
        return df.drop("words", "pair")
    return df if name == "json" else df.select("name").na.fill("")


def save_files(spark, folder):
    """Rows of a batch as files, for the other Spark to read."""
    for name in ("json", "csv", "text"):
        writer = table(spark, name).write.format(name).mode("overwrite").options(**QUOTED.get(name, {}))
        writer.save(os.path.join(folder, name + "_files"))


def load_files(folder):
    spark, failed = local(), 0
    for name in ("json", "csv", "text"):
        wanted = table(spark, name)
        reader = spark.read.schema(wanted.schema).options(**QUOTED.get(name, {}))
        found = reader.format(name).load(os.path.join(folder, name + "_files"))
        order = wanted.columns[0]
        pair = [[[str(v) for v in row] for row in df.orderBy(order).collect()] for df in (found, wanted)]
        failed += pair[0] != pair[1]
        print("%-8s exchange/%s files%s" % ("FAIL" if pair[0] != pair[1] else "ok", name, ": %s" % (pair,) if pair[0] != pair[1] else ""))
    spark.stop()
    return failed


def save(remote, folder):
    from pyspark.sql import SparkSession
    spark = SparkSession.builder.remote(remote).getOrCreate()
    save_files(spark, folder)
    df, predicted = frame(spark), {}
    for name, pipeline in pipelines().items():
        model = pipeline.fit(df)
        model.write().overwrite().save(os.path.join(folder, name))
        predicted[name] = {"columns": model.transform(df).columns, "rows": rows(model.transform(df))}
    with open(os.path.join(folder, "predicted.json"), "w", encoding="utf-8") as f:
        json.dump(predicted, f)
    spark.stop()


def local():
    from pyspark.sql import SparkSession
    return SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()


def load(folder):
    from pyspark.ml import PipelineModel
    spark = local()
    with open(os.path.join(folder, "predicted.json"), encoding="utf-8") as f:
        predicted = json.load(f)
    df, failed = frame(spark), 0
    for name, expected in predicted.items():
        scored = PipelineModel.load(os.path.join(folder, name)).transform(df)
        difference = scored.columns != expected["columns"] or different(rows(scored), expected["rows"])
        failed += bool(difference)
        print("%-8s exchange/%s%s" % ("FAIL" if difference else "ok", name, ": %s" % (difference,) if difference else ""))
    spark.stop()
    return failed


def different(actual, expected):
    """None, or the first pair of values that differ."""
    if isinstance(expected, list):
        if len(actual) != len(expected):
            return actual, expected
        return next((d for d in map(different, actual, expected) if d), None)
    if isinstance(expected, float):
        same = math.isclose(actual, expected, rel_tol=1e-9, abs_tol=1e-12) or math.isnan(actual) and math.isnan(expected)
        return None if same else (actual, expected)
    return None if actual == expected else (actual, expected)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--remote", required=True)
    parser.add_argument("--step", choices=["save", "load", "load-files"])
    parser.add_argument("--folder")
    args = parser.parse_args()
    if args.step == "save":
        return save(args.remote, args.folder)
    if args.step == "load":
        return load(args.folder)
    if args.step == "load-files":
        return load_files(args.folder)
    with tempfile.TemporaryDirectory() as folder:
        for step in ("save", "load", "load-files"):
            code = subprocess.call([sys.executable, __file__, "--remote", args.remote, "--step", step, "--folder", folder])
            if code:
                return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
