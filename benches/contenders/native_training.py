"""Training by PySpark and scikit-learn on two cores. PySpark reads Parquet, which is written before the clock starts, into a cache of
vectors; scikit-learn has the rows as one matrix. What a model is worth is counted after the clock has stopped.
"""
import glob
import os
import tempfile
import time

from native_spark import session

# As in workloads/training.js.
NAMES = [f"f{j}" for j in range(100)]
STEPS, PENALTY = 20, 0.01
K, K_STEPS = 10, 10
TREES, DEPTH, BINS = 20, 5, 32
SEED = 5
THREADS = 2
FILES = 4


def table(job):
    import pyarrow
    paths = sorted(glob.glob(job["folders"]["points"] + "/*"))
    return pyarrow.concat_tables([pyarrow.ipc.open_stream(open(path, "rb").read()).read_all() for path in paths])


def regression(coefficients, intercept, accuracy):
    return {"coefficients": {"feature": NAMES + ["intercept"], "value": [*map(float, coefficients), float(intercept)]},
            "worth": {"accuracy": [accuracy]}}


def timed(load, fit, worth):
    """Returns a run in two parts: `load` makes the rows, `fit` a model of them; `worth` makes the answer of both."""
    def run():
        start = time.perf_counter()
        rows = load()
        loaded = time.perf_counter()
        model = fit(rows)
        done = time.perf_counter()
        return {"seconds": done - start, "parts": {"load": loaded - start, "fit": done - loaded}, "answer": worth(model, rows)}

    return run


def spark_of(job, learner, worth):
    """`learner` makes an estimator; its params are those of the workload, and nothing is left to a tolerance."""
    import pyarrow.parquet
    from pyspark.ml.feature import VectorAssembler
    spark, rows, folder = session(), table(job), tempfile.TemporaryDirectory()
    each = -(-rows.num_rows // FILES)
    for n in range(FILES):
        pyarrow.parquet.write_table(rows.slice(n * each, each), os.path.join(folder.name, f"{n}.parquet"))
    assembler = VectorAssembler(inputCols=NAMES, outputCol="features")

    def load():
        spark.catalog.clearCache()
        vectors = assembler.transform(spark.read.parquet(folder.name)).select("label", "features").cache()
        vectors.count()
        return vectors

    return timed(load, lambda vectors: learner().fit(vectors), worth)


def spark_accuracy(model, vectors):
    from pyspark.sql.functions import avg, col
    right = (col("label") == col("prediction")).cast("double")
    return model.transform(vectors).select(avg(right)).first()[0]


def spark_logistic(job):
    from pyspark.ml.classification import LogisticRegression
    return spark_of(job, lambda: LogisticRegression(maxIter=STEPS, tol=0, regParam=PENALTY, standardization=False),
                    lambda model, rows: regression(model.coefficients, model.intercept, spark_accuracy(model, rows)))


def spark_kmeans(job):
    from pyspark.ml.clustering import KMeans
    return spark_of(job, lambda: KMeans(k=K, maxIter=K_STEPS, tol=0, initMode="random", seed=SEED),
                    lambda model, rows: {"cost": [model.summary.trainingCost / rows.count()]})


def spark_forest(job):
    from pyspark.ml.classification import RandomForestClassifier
    return spark_of(job, lambda: RandomForestClassifier(numTrees=TREES, maxDepth=DEPTH, maxBins=BINS, seed=SEED),
                    lambda model, rows: {"accuracy": [spark_accuracy(model, rows)]})


def sklearn_of(job, learner, worth):
    """`learner` makes an estimator of a number of rows. The threads of its own loops and of its linear algebra are THREADS, too."""
    import numpy
    from threadpoolctl import threadpool_limits
    rows = table(job)

    def load():
        return numpy.column_stack([rows[name].to_numpy() for name in NAMES]), rows["label"].to_numpy()

    def fit(data):
        with threadpool_limits(THREADS):
            return learner(len(data[1])).fit(*data)

    return timed(load, fit, worth)


def sklearn_logistic(job):
    import warnings
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    warnings.simplefilter("ignore", ConvergenceWarning)
    # Its loss is a sum over the rows, and C divides the penalty.
    return sklearn_of(job, lambda count: LogisticRegression(C=1 / (PENALTY * count), max_iter=STEPS, tol=0),
                      lambda model, data: regression(model.coef_[0], model.intercept_[0], model.score(*data)))


def sklearn_kmeans(job):
    from sklearn.cluster import KMeans
    return sklearn_of(job, lambda _: KMeans(K, init="random", n_init=1, max_iter=K_STEPS, tol=0, algorithm="lloyd", random_state=SEED),
                      lambda model, data: {"cost": [model.inertia_ / len(data[1])]})


def sklearn_forest(job):
    """It has no bins: a value is where another label begins."""
    from sklearn.ensemble import RandomForestClassifier
    return sklearn_of(job, lambda _: RandomForestClassifier(TREES, max_depth=DEPTH, n_jobs=THREADS, random_state=SEED),
                      lambda model, data: {"accuracy": [model.score(*data)]})


WORKLOADS = {"sklearn": {"logistic": sklearn_logistic, "kmeans": sklearn_kmeans, "forest": sklearn_forest},
             "pyspark": {"logistic": spark_logistic, "kmeans": spark_kmeans, "forest": spark_forest}}
