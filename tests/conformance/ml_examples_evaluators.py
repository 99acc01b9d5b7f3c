"""Cases of the evaluators of regression, clustering, ranking and several labels."""
from ml_examples import case, dense, sparse

PAIRS = ("prediction DOUBLE, label DOUBLE, w DOUBLE",
         [[2.5, 3.0, 1.0], [0.0, -0.5, 0.5], [2.0, 2.0, 2.0], [8.0, 7.0, 0.25], [-1.5, 1.25, 3.0], [4.125, 4.0, 1.0], [0.5, 0.75, 1.5]])
ALL = ["for name in ['rmse', 'mse', 'r2', 'mae', 'var']:",
       "    for origin in [False, True]:",
       "        out[name + str(origin)] = RegressionEvaluator(metricName=name, throughOrigin=origin%s).evaluate(df)"]
DEFAULTS = ["e = %s()", "out['params'] = sorted((p.name, e.getOrDefault(p)) for p in e.params if e.hasDefault(p))"]


def regression(id, description, df, code=("out['rmse'] = RegressionEvaluator().evaluate(df)",)):
    return case("regression_evaluator", id, description, list(code), df=df)


POINTS = [[dense(0.0, 0.5), 0.0, 1.0], [dense(1.0, 1.0), 0.0, 2.0], [dense(0.5, 2.0), 0.0, 0.5], [dense(9.0, 8.0), 1.0, 1.0],
          [dense(8.0, 9.5), 1.0, 3.0], [dense(-4.0, 6.0), 2.0, 1.5], [sparse(2, {0: -5.0}), 2.0, 1.0], [sparse(2, {1: 7.0}), 2.0, 0.75]]
CLUSTERED = ("features VECTOR, prediction DOUBLE, w DOUBLE", POINTS)


def clustering(id, description, df, arguments="", more=()):
    code = list(more) + ["out['silhouette'] = ClusteringEvaluator(%s).evaluate(df)" % arguments]
    return case("clustering_evaluator", id, description, code, df=df)


LISTS = "prediction ARRAY<DOUBLE>, label ARRAY<DOUBLE>"
RANKED = (LISTS, [[[1.0, 6.0, 2.0, 7.0, 8.0, 3.0, 9.0, 10.0, 4.0, 5.0], [1.0, 2.0, 3.0, 4.0, 5.0]],
                  [[4.0, 1.0, 5.0, 6.0, 2.0, 7.0, 3.0, 8.0, 9.0, 10.0], [1.0, 2.0, 3.0]], [[1.0, 2.0, 3.0, 4.0, 5.0], []],
                  [[], [1.0, 2.0]], [[3.0, 3.0, 1.0], [3.0, 3.0, 2.0]]])
RANKING = ["for name in ['meanAveragePrecision', 'meanAveragePrecisionAtK', 'precisionAtK', 'ndcgAtK', 'recallAtK']:",
           "    for k in [1, 2, 3, 5, 10, 15]:",
           "        out[name + str(k)] = RankingEvaluator(metricName=name, k=k).evaluate(df)"]
LABELLED = (LISTS, [[[0.0, 1.0], [0.0, 2.0]], [[0.0, 2.0], [0.0, 1.0]], [[], [0.0]], [[2.0], [2.0]], [[2.0, 0.0], [2.0, 0.0]],
                    [[0.0, 1.0, 2.0], [0.0, 1.0]], [[1.0], [1.0, 2.0]], [[2.0, 0.0], [0.0, 2.0]]])
NAMES = ("['subsetAccuracy', 'accuracy', 'hammingLoss', 'precision', 'recall', 'f1Measure', 'precisionByLabel', 'recallByLabel', "
         "'f1MeasureByLabel', 'microPrecision', 'microRecall', 'microF1Measure']")
MULTILABEL = ["for name in %s:" % NAMES, "    for label in %s:",
              "        out[name + str(label)] = MultilabelClassificationEvaluator(metricName=name, metricLabel=label).evaluate(df)"]

def by_label(labels):
    """Every metric for several labels."""
    return [line.replace("%s", str(labels)) for line in MULTILABEL]


CASES = [
    regression("metrics", "Every metric, with and without throughOrigin", PAIRS, [line.replace("%s", "") for line in ALL]),
    regression("weighted", "Every metric with weights", PAIRS, [line.replace("%s", ", weightCol='w'") for line in ALL]),
    regression("defaults", "Params and whether larger is better", PAIRS, [line.replace("%s", "RegressionEvaluator") for line in DEFAULTS] + [
        "out['larger'] = {n: RegressionEvaluator(metricName=n).isLargerBetter() for n in ['rmse', 'mse', 'r2', 'mae', 'var']}"]),
    regression("one_row", "A single row: no variance", ("prediction DOUBLE, label DOUBLE", [[1.0, 3.0]]), [line.replace("%s", "") for line in ALL]),
    regression("constant_label", "Labels that do not vary", ("prediction DOUBLE, label DOUBLE", [[1.0, 2.0], [2.5, 2.0], [2.0, 2.0]]),
               [line.replace("%s", "") for line in ALL]),
    regression("float_prediction", "Predictions of floats, labels of integers", ("prediction FLOAT, label INT", [[1.5, 2], [2.5, 2], [0.25, 0]])),
    regression("int_prediction", "Predictions of integers are refused", ("prediction INT, label DOUBLE", [[1, 2.0], [3, 3.0]])),
    regression("string_label", "Labels of strings are refused", ("prediction DOUBLE, label STRING", [[1.0, "2.0"]])),
    regression("null_label", "A null label", ("prediction DOUBLE, label DOUBLE", [[1.0, 2.0], [3.0, None]])),
    regression("null_prediction", "A null prediction", ("prediction DOUBLE, label DOUBLE", [[1.0, 2.0], [None, 1.0]])),
    regression("nan_prediction", "A prediction that is NaN", ("prediction DOUBLE, label DOUBLE", [[1.0, 2.0], ["NaN", 1.0]])),
    regression("negative_weight", "A negative weight", ("prediction DOUBLE, label DOUBLE, w DOUBLE", [[1.0, 2.0, 1.0], [2.0, 1.0, -1.0]]),
               ["out['rmse'] = RegressionEvaluator(weightCol='w').evaluate(df)"]),
    regression("zero_weight", "A row of weight 0 does not count", ("prediction DOUBLE, label DOUBLE, w DOUBLE", [[1.0, 2.0, 1.0], [2.0, 9.0, 0.0], [3.0, 5.0, 2.0]]),
               ["out['rmse'] = RegressionEvaluator(weightCol='w').evaluate(df)", "out['r2'] = RegressionEvaluator(weightCol='w', metricName='r2').evaluate(df)"]),
    regression("empty", "No rows", ("prediction DOUBLE, label DOUBLE", [])),
    regression("missing_column", "A column that does not exist", ("prediction DOUBLE, label DOUBLE", [[1.0, 2.0]]),
               ["out['rmse'] = RegressionEvaluator(labelCol='nope').evaluate(df)"]),
    regression("bad_metric", "A metric that does not exist", PAIRS, ["out['x'] = RegressionEvaluator(metricName='nope').evaluate(df)"]),
    clustering("euclidean", "Squared euclidean distances", CLUSTERED),
    clustering("cosine", "Cosine distances", CLUSTERED, "distanceMeasure='cosine'"),
    clustering("euclidean_weighted", "Squared euclidean distances with weights", CLUSTERED, "weightCol='w'"),
    clustering("cosine_weighted", "Cosine distances with weights", CLUSTERED, "weightCol='w', distanceMeasure='cosine'"),
    clustering("lone_point", "A cluster of one point", ("features VECTOR, prediction INT", [[dense(0.0), 0], [dense(1.0), 0], [dense(10.0), 1]])),
    clustering("one_cluster", "All points in one cluster", ("features VECTOR, prediction INT", [[dense(0.0), 0], [dense(1.0), 0]])),
    clustering("null_point", "A null point", ("features VECTOR, prediction INT", [[dense(0.0), 0], [dense(1.0), 1], [None, 0]])),
    clustering("nan_point", "A point with NaN", ("features VECTOR, prediction INT", [[dense(0.0), 0], [dense(1.0), 1], [dense("NaN"), 0]])),
    clustering("string_prediction", "Clusters of strings are refused", ("features VECTOR, prediction STRING", [[dense(0.0), "a"], [dense(1.0), "b"]])),
    clustering("zero_cosine", "A zero vector has no direction", ("features VECTOR, prediction INT", [[dense(0.0), 0], [dense(1.0), 1], [dense(2.0), 1]]),
               "distanceMeasure='cosine'"),
    clustering("defaults", "Params", CLUSTERED, "", [line.replace("%s", "ClusteringEvaluator") for line in DEFAULTS]),
    case("ranking_evaluator", "metrics", "Every metric at several k", RANKING, df=RANKED),
    case("ranking_evaluator", "defaults", "Params", [line.replace("%s", "RankingEvaluator") for line in DEFAULTS], df=RANKED),
    case("ranking_evaluator", "wrong_type", "Lists of strings are refused", ["out['x'] = RankingEvaluator().evaluate(df)"],
         df=("prediction ARRAY<STRING>, label ARRAY<DOUBLE>", [[["a"], [1.0]]])),
    case("ranking_evaluator", "bad_k", "k must be above 0", ["out['x'] = RankingEvaluator(k=0).evaluate(df)"], df=RANKED),
    case("ranking_evaluator", "empty", "No rows", ["out['x'] = RankingEvaluator().evaluate(df)"], df=(LISTS, [])),
    case("ranking_evaluator", "null_list", "A null list", ["out['x'] = RankingEvaluator().evaluate(df)"], df=(LISTS, [[[1.0], [1.0]], [None, [1.0]]])),
    case("multilabel_evaluator", "metrics", "Every metric for several labels", by_label([0.0, 1.0, 2.0]), df=LABELLED),
    case("multilabel_evaluator", "unknown_label", "A label that no row has", by_label([5.0]), df=LABELLED),
    case("multilabel_evaluator", "duplicates", "Labels that repeat within a row", by_label([1.0, 2.0]),
         df=(LISTS, [[[1.0, 1.0, 2.0], [1.0, 2.0, 2.0]], [[0.0], [0.0, 0.0]]])),
    case("multilabel_evaluator", "no_labels", "A row without labels", by_label([0.0]), df=(LISTS, [[[1.0], []], [[], []], [[0.0], [0.0]]])),
    case("multilabel_evaluator", "defaults", "Params", [line.replace("%s", "MultilabelClassificationEvaluator") for line in DEFAULTS] + [
        "out['larger'] = [MultilabelClassificationEvaluator(metricName=n).isLargerBetter() for n in ['hammingLoss', 'f1Measure']]"], df=LABELLED),
    case("multilabel_evaluator", "negative_label", "metricLabel must not be negative",
         ["out['x'] = MultilabelClassificationEvaluator(metricLabel=-1.0).evaluate(df)"], df=LABELLED),
]
