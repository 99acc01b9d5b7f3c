"""Cases of pyspark.ml.stat: tests of independence and of a distribution, correlations, summaries."""
from ml_examples import case, dense, sparse

CATEGORIES = ("features VECTOR, label INT", [[dense(0.0, 0.0, 1.0), 0], [dense(1.0, 0.0, 1.0), 0], [dense(2.0, 1.0, 1.0), 1], [dense(3.0, 1.0, 1.0), 1],
                                             [dense(3.0, 0.0, 1.0), 2], [dense(0.0, 1.0, 1.0), 2], [dense(1.0, 1.0, 1.0), 0]])
SPARSE = ("features VECTOR, label DOUBLE", [[sparse(4, {0: 1.0}), 0.0], [sparse(4, {1: 2.0, 2: 1.0}), 1.0], [sparse(4, {2: 1.0}), 1.0],
                                            [sparse(4, {0: 1.0, 1: 2.0}), 0.0], [sparse(4, {2: 5.0}), 2.0]])
CHI = ["out['test'] = ChiSquareTest.test(df, 'features', 'label')", "out['flat'] = ChiSquareTest.test(df, 'features', 'label', True).orderBy('featureIndex')"]
VECTORS = ("id INT, v VECTOR, w DOUBLE", [[0, dense(1.0, 0.0, 0.0, -2.0), 1.0], [1, dense(4.0, 5.0, 0.0, 3.0), 0.5], [2, sparse(4, {0: 6.0, 1: 7.0, 3: 8.0}), 2.0],
                                          [3, dense(9.0, 0.0, 0.0, 1.0), 0.0], [4, dense(4.0, -2.5, 0.0, 1.0), 3.25]])
CORR = ["out['pearson'] = Correlation.corr(df, 'v', 'pearson')", "out['spearman'] = Correlation.corr(df, 'v', 'spearman')"]
METRICS = "'mean', 'sum', 'variance', 'std', 'count', 'numNonZeros', 'max', 'min', 'normL1', 'normL2'"
SUMMARY = ["out['plain'] = df.select(Summarizer.metrics(%s).summary(df.v).alias('s')).select('s.*')" % METRICS,
           "out['weighted'] = df.select(Summarizer.metrics(%s).summary(df.v, df.w).alias('s')).select('s.*')" % METRICS]


def normal(rows, mean, deviation, args):
    return ["import random", "r = random.Random(%d)" % rows,
            "df = spark.createDataFrame([(r.gauss(%s, %s),) for _ in range(%d)], ['x']).coalesce(1)" % (mean, deviation, rows),
            "out['test'] = KolmogorovSmirnovTest.test(df, 'x', 'norm'%s)" % args]


def numbers(rows, columns):
    return ["import random", "r = random.Random(5)",
            "df = spark.createDataFrame([(Vectors.dense([r.gauss(0.0, 1.0) + i %% (j + 2) for j in range(%d)]),) for i in range(%d)], ['v']).coalesce(1)"
            % (columns, rows)]


CASES = [
    case("chi_square_test", "dense", "Dense vectors", CHI, df=CATEGORIES),
    case("chi_square_test", "sparse", "Sparse vectors, one feature of zeros alone", CHI, df=SPARSE),
    case("chi_square_test", "one_label", "A single label", CHI, df=("features VECTOR, label INT", [[dense(1.0, 2.0), 1], [dense(3.0, 2.0), 1]])),
    case("chi_square_test", "many_values", "A feature that is different in each row",
         ["df = spark.createDataFrame([(Vectors.dense([float(i), float(i % 3), float(i % 7)]), i % 2) for i in range(300)], ['features', 'label'])"] + CHI, df=CATEGORIES),
    case("chi_square_test", "too_many_values", "A feature of too many values",
         ["df = spark.createDataFrame([(Vectors.dense([float(i)]), i % 2) for i in range(10001)], ['features', 'label'])"] + CHI, df=CATEGORIES),
    case("chi_square_test", "wrong_features", "Features that are no vectors", [CHI[0].replace("'features', 'label'", "'label', 'features'")], df=CATEGORIES),
    case("chi_square_test", "sizes", "Vectors of two sizes", CHI, df=("features VECTOR, label INT", [[dense(1.0), 1], [dense(3.0, 2.0), 1]])),
    case("chi_square_test", "missing", "A column that does not exist", ["out['test'] = ChiSquareTest.test(df, 'features', 'nope')"], df=CATEGORIES),
    case("correlation", "both", "Pearson and Spearman, with ties and a constant feature", CORR, df=VECTORS),
    case("correlation", "hundred", "100 rows of 8 features", numbers(100, 8) + CORR, df=VECTORS),
    case("correlation", "one_row", "One row", CORR[:1], df=("v VECTOR", [[dense(1.0, 2.0)]])),
    case("correlation", "empty", "No rows", CORR[:1], df=("v VECTOR", [])),
    case("correlation", "bad_method", "A method that does not exist", ["out['c'] = Correlation.corr(df, 'v', 'kendall')"], df=VECTORS),
    case("correlation", "wrong_type", "A column of doubles", ["out['c'] = Correlation.corr(df, 'w')"], df=VECTORS),
    case("kolmogorov_smirnov_test", "three", "Three values", ["out['test'] = KolmogorovSmirnovTest.test(df, 'x', 'norm', 0.0, 1.0)"],
         df=("x DOUBLE", [[-1.0], [0.0], [1.0]])),
    case("kolmogorov_smirnov_test", "one", "One value", ["out['test'] = KolmogorovSmirnovTest.test(df, 'x', 'norm')"], df=("x DOUBLE", [[0.3]])),
    case("kolmogorov_smirnov_test", "ties", "Equal values, of integers", ["out['test'] = KolmogorovSmirnovTest.test(df, 'x', 'norm', 2.0, 1.5)"],
         df=("x INT", [[1], [1], [2], [3], [3], [3]])),
    case("kolmogorov_smirnov_test", "far", "Values far from the mean", ["out['test'] = KolmogorovSmirnovTest.test(df, 'x', 'norm', 100.0, 1.0)"],
         df=("x DOUBLE", [[1.0], [2.0]])),
    case("kolmogorov_smirnov_test", "hundred", "100 values that fit", normal(100, 0.0, 1.0, ""), df=VECTORS),
    case("kolmogorov_smirnov_test", "hundred_off", "100 values that do not fit", normal(100, 0.4, 1.0, ", 0.0, 1.2"), df=VECTORS),
    case("kolmogorov_smirnov_test", "forty", "40 values", normal(40, 1.0, 2.0, ", 1.0, 2.0"), df=VECTORS),
    case("kolmogorov_smirnov_test", "five_hundred", "500 values: by the series", normal(500, 0.0, 1.0, ", 0.05, 1.0"), df=VECTORS),
    case("kolmogorov_smirnov_test", "five_thousand", "5,000 values", normal(5000, 0.0, 1.0, ", 0.0, 1.01"), df=VECTORS),
    case("kolmogorov_smirnov_test", "one_param", "A mean without a deviation", ["out['test'] = KolmogorovSmirnovTest.test(df, 'w', 'norm', 0.0)"], df=VECTORS),
    case("kolmogorov_smirnov_test", "bad_deviation", "A deviation of 0", ["out['test'] = KolmogorovSmirnovTest.test(df, 'w', 'norm', 0.0, 0.0)"], df=VECTORS),
    case("kolmogorov_smirnov_test", "bad_distribution", "A distribution that does not exist", ["out['test'] = KolmogorovSmirnovTest.test(df, 'w', 'exp')"], df=VECTORS),
    case("summarizer", "all_metrics", "Every metric, with and without weights", SUMMARY, df=VECTORS),
    case("summarizer", "groups", "By group", ["out['s'] = df.groupBy((df.id % 2).alias('g')).agg(Summarizer.metrics('mean', 'count').summary(df.v, df.w).alias('s')).orderBy('g')"],
         df=VECTORS),
    case("summarizer", "single", "Single metrics", ["out['s'] = df.select(Summarizer.mean(df.v).alias('a'), Summarizer.max(df.v, df.w).alias('b'), Summarizer.normL2(df.v).alias('c'))"],
         df=VECTORS),
    case("summarizer", "unknown", "A metric that does not exist", ["out['s'] = df.select(Summarizer.metrics('median').summary(df.v).alias('s'))"], df=VECTORS),
    case("summarizer", "empty", "No rows", ["out['s'] = df.select(Summarizer.mean(df.v).alias('a'))"], df=("v VECTOR", [])),
    case("summarizer", "sizes", "Vectors of two sizes", ["out['s'] = df.select(Summarizer.mean(df.v).alias('a'))"], df=("v VECTOR", [[dense(1.0)], [dense(1.0, 2.0)]])),
    case("summarizer", "negative_weight", "A negative weight", ["out['s'] = df.select(Summarizer.mean(df.v, df.w).alias('a'))"],
         df=("v VECTOR, w DOUBLE", [[dense(1.0), 1.0], [dense(1.0), -2.0]])),
    case("summarizer", "null", "A null vector", ["out['s'] = df.select(Summarizer.mean(df.v).alias('a'), Summarizer.count(df.v).alias('n'))"], df=("v VECTOR", [[dense(1.0)], [None]])),
]
