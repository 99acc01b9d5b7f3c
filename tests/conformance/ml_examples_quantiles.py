"""Cases of stages that look for quantiles: QuantileDiscretizer and RobustScaler."""
from ml_examples import case, dense, sparse

DF = ("id INT, a DOUBLE, b INT", [[0, 0.1, 3], [1, 0.4, 3], [2, 1.2, 1], [3, 1.5, None], [4, "NaN", 9], [5, None, 8], [6, 1.5, 7], [7, -2.0, 3], [8, 3.25, 4]])
ONE = "inputCol='a', outputCol='x'"
TWO = "inputCols=['a', 'b'], outputCols=['x', 'y']"
MANY = ["import random", "r = random.Random(7)",
        "df = spark.createDataFrame([(float(r.randint(0, 700)), r.gauss(0.0, 3.0)) for _ in range(%d)], 'a DOUBLE, b DOUBLE').coalesce(1)"]


def discretizer(id, description, arguments, df=DF, more=(), saved=None, count=False):
    splits = "getSplits" if "inputCol=" in arguments else "getSplitsArray"
    code = list(more) + ["m = QuantileDiscretizer(%s).fit(df)" % arguments, "out['splits'] = m.%s()" % splits]
    if saved:
        code += ["m.write().overwrite().save(MODEL_DIR)", "m = Bucketizer.load(MODEL_DIR)"]
    code += ["out['counts'] = m.transform(df).groupBy('x').count().orderBy('x')" if count else "out['transform'] = m.transform(df)"]
    return case("quantile_discretizer", id, description, code, model=saved, df=df)


VECTORS = ("id INT, v VECTOR", [[0, dense(0.0, 1.0, 5.0)], [1, dense(2.0, 1.0, -5.0)], [2, sparse(3, {0: 4.0})], [3, dense(-3.0, 1.0, 8.5)],
                                [4, dense("NaN", 1.0, 2.25)], [5, sparse(3, {2: 100.0})], [6, dense(1.0, 1.0, 0.5)]])


def scaler(id, description, arguments="", df=VECTORS, more=(), model=None):
    code = ["m = RobustScaler(inputCol='v', outputCol='o'%s).fit(df)" % (", " + arguments if arguments else "")] + list(more)
    if model:
        code += ["m.write().overwrite().save(MODEL_DIR)", "m = RobustScalerModel.load(MODEL_DIR)"]
    return case("robust_scaler", id, description, code + ["out['range'] = m.range", "out['median'] = m.median", "out['transform'] = m.transform(df)"],
                model=model, df=df)


CASES = [
    discretizer("two_buckets", "Two buckets; NaN is refused when it is transformed", ONE),
    discretizer("keep", "NaN in a bucket of its own", ONE + ", handleInvalid='keep'", saved="quantile_discretizer"),
    discretizer("skip", "NaN and null are dropped", ONE + ", handleInvalid='skip', numBuckets=3"),
    discretizer("many_buckets", "More buckets than values", ONE + ", handleInvalid='keep', numBuckets=20"),
    discretizer("two_columns", "Two columns", TWO + ", handleInvalid='keep', numBuckets=3"),
    discretizer("buckets_of_each", "A number of buckets for each column", TWO + ", handleInvalid='keep', numBucketsArray=[2, 4]"),
    discretizer("relative_error", "Bounds of some error", ONE + ", handleInvalid='keep', numBuckets=4, relativeError=0.2"),
    discretizer("ties", "Many equal values", ONE + ", numBuckets=4", ("a DOUBLE", [[1.0]] * 6 + [[2.0], [-0.0], [0.0]])),
    discretizer("empty", "No values", ONE, ("a DOUBLE", [[None], ["NaN"]])),
    discretizer("one_bucket", "One bucket is refused", ONE + ", numBuckets=1"),
    discretizer("array_of_one_column", "A list of numbers for one column", ONE + ", numBucketsArray=[2]"),
    discretizer("array_length", "A list of another length", TWO + ", numBucketsArray=[2]"),
    discretizer("strings", "A column of strings", ONE, ("a STRING", [["x"]])),
    discretizer("thousand", "1,000 values: exact", "inputCol='a', outputCol='x', numBuckets=7", more=[MANY[0], MANY[1], MANY[2] % 1000], count=True),
    discretizer("twenty_thousand", "20,000 values: by a sketch", "inputCol='a', outputCol='x', numBuckets=7", more=[MANY[0], MANY[1], MANY[2] % 20000], count=True),
    discretizer("rough", "20,000 values by a rough sketch", "inputCol='a', outputCol='x', numBuckets=9, relativeError=0.02",
                more=[MANY[0], MANY[1], MANY[2] % 20000], count=True),
    discretizer("sixty_thousand", "60,000 values: the buffer of the sketch overflows", "inputCols=['a', 'b'], outputCols=['x', 'y'], numBuckets=5",
                more=[MANY[0], MANY[1], MANY[2] % 60000], count=True),
    scaler("default", "Scaled by the range", model="robust_scaler"),
    scaler("centred", "Shifted and scaled", "withCentering=True"),
    scaler("only_centred", "Shifted only", "withCentering=True, withScaling=False"),
    scaler("neither", "Neither", "withScaling=False"),
    scaler("wider", "A wider range", "lower=0.1, upper=0.95"),
    scaler("lower_above_upper", "A lower quantile above the upper one", "lower=0.9, upper=0.1"),
    scaler("bad_lower", "A quantile out of range", "lower=-0.1"),
    scaler("null", "A null vector", df=("v VECTOR", [[dense(1.0)], [None]])),
    scaler("sizes", "Vectors of two sizes", df=("v VECTOR", [[dense(1.0)], [dense(1.0, 2.0)]])),
    scaler("empty", "No rows", df=("v VECTOR", [])),
    scaler("only_nan", "A feature of NaN alone", df=("v VECTOR", [[dense(1.0, "NaN")], [dense(2.0, "NaN")]])),
]
