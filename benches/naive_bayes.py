"""The native peers of naive_bayes.mjs: python naive_bayes.py sklearn|pyspark FOLDER FEATURES; prints one line of JSON."""
import glob
import json
import sys
import time

which, folder, features = sys.argv[1], sys.argv[2], int(sys.argv[3])


def sklearn():
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.naive_bayes import MultinomialNB

    def load(name):
        lines = [line.rstrip("\n") for path in sorted(glob.glob("%s/%s-*.tsv" % (folder, name))) for line in open(path, encoding="utf-8")]
        return [line[2:] for line in lines], [line[0] for line in lines]

    (train_texts, train_labels), (texts, labels) = load("train"), load("score")
    vectors = HashingVectorizer(n_features=features, alternate_sign=False, norm=None, token_pattern=None, tokenizer=str.split)
    start = time.perf_counter()
    model = MultinomialNB(alpha=1.0).fit(vectors.transform(train_texts), train_labels)
    trained = time.perf_counter()
    right = 0
    for i in range(0, len(texts), 10000):
        predicted = model.predict(vectors.transform(texts[i:i + 10000]))
        right += sum(a == b for a, b in zip(predicted, labels[i:i + 10000]))
    return trained - start, time.perf_counter() - trained, right


def pyspark():
    from pyspark.ml import Pipeline
    from pyspark.ml.classification import NaiveBayes
    from pyspark.ml.feature import HashingTF, Tokenizer
    from pyspark.sql import SparkSession
    spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()

    def read(name):
        return spark.read.option("sep", "\t").schema("label DOUBLE, text STRING").csv("%s/%s-*.tsv" % (folder, name))

    pipeline = Pipeline(stages=[Tokenizer(inputCol="text", outputCol="words"),
                                HashingTF(inputCol="words", outputCol="features", numFeatures=features), NaiveBayes()])
    pipeline.fit(read("train").limit(1000))
    start = time.perf_counter()
    model = pipeline.fit(read("train"))
    trained = time.perf_counter()
    groups = model.transform(read("score")).groupBy("label", "prediction").count().collect()
    scored = time.perf_counter()
    return trained - start, scored - trained, sum(g["count"] for g in groups if g.label == g.prediction)


train, score, right = {"sklearn": sklearn, "pyspark": pyspark}[which]()
print(json.dumps({"train": train, "score": score, "right": int(right)}))
