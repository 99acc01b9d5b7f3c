"""Cases of learners in rounds: LogisticRegression, decision trees, random forests, gradient-boosted trees, KMeans."""
import random

from ml_examples import case, dense, sparse


def rows(count, seed):
    """Rows (two, three, number, features, weight) of which the labels depend on the features, about."""
    source = random.Random(seed)
    made = []
    for i in range(count):
        x = [round(source.gauss(0, 1), 3), round(source.gauss(2, 3), 1), float(source.random() < 0.3), 5.0, float(source.randint(0, 3))]
        two = 1.0 if x[0] * 1.5 - 0.3 * x[1] + x[2] + source.gauss(0, 1) > 0 else 0.0
        three = float(min(2, max(0, round(x[0] + 1 + source.gauss(0, 0.7)))))
        number = round(x[0] * 2 + x[4] / 2 + source.gauss(0, 1), 3)
        features = dense(*x) if i % 2 else sparse(5, {j: v for j, v in enumerate(x) if v})
        made.append([two, three, number, features, 0.5 + i % 3])
    return made


SCHEMA = "two DOUBLE, three DOUBLE, number DOUBLE, features VECTOR, w DOUBLE"
ROWS = (SCHEMA, rows(60, 7))
MANY = (SCHEMA, rows(200, 11))
NONE = (SCHEMA, [])
ONE_CLASS = (SCHEMA, [row for row in ROWS[1] if row[0] == 1.0])
SAVED = "m.write().overwrite().save(MODEL_DIR)"


def learned(family, id, description, stage, arguments, shown, df=ROWS, model=None):
    code = ["df = df.coalesce(1)", "m = %s(%s).fit(df)" % (stage, arguments)]
    if model:
        code += [SAVED, "m = %sModel.load(MODEL_DIR)" % (stage if stage in ("KMeans", "LinearRegression") else stage.replace("ifier", "ification").replace("ressor", "ression"))]
    return case(family, id, description, code + shown, model=model, df=df)


# --------------------------------------------------------------------------------------------------- logistic regression

COEFFICIENTS = ["out['coefficients'] = m.coefficientMatrix", "out['intercepts'] = m.interceptVector", "out['classes'] = m.numClasses",
                "out['features'] = m.numFeatures", "out['transform'] = m.transform(df.select('features').limit(8))"]
HISTORY = ["out['history'] = m.summary.objectiveHistory", "out['steps'] = m.summary.totalIterations"]
MEASURES = ["s = m.summary", "out['accuracy'] = s.accuracy", "out['roc'] = s.areaUnderROC", "out['f'] = s.fMeasureByLabel()", "out['f2'] = s.fMeasureByLabel(2.0)",
            "out['labels'] = s.labels", "out['precision'] = s.precisionByLabel", "out['recall'] = s.recallByLabel", "out['false'] = s.falsePositiveRateByLabel",
            "out['weighted'] = [s.weightedPrecision, s.weightedRecall, s.weightedFMeasure(), s.weightedFMeasure(0.5), s.weightedFalsePositiveRate, s.weightedTruePositiveRate]",
            "out['columns'] = [s.labelCol, s.predictionCol, s.probabilityCol, s.featuresCol, s.weightCol]"]


def logistic(id, description, arguments, shown=COEFFICIENTS, df=ROWS, model=None):
    return learned("logistic_regression", id, description, "LogisticRegression", arguments, shown, df, model)


LOGISTIC = [
    logistic("two", "Two classes", "labelCol='two'", COEFFICIENTS + HISTORY),
    logistic("three", "Three classes", "labelCol='three'", COEFFICIENTS + HISTORY),
    logistic("ridge", "A penalty by squares", "labelCol='two', regParam=0.1", COEFFICIENTS + HISTORY),
    logistic("ridge_three", "A penalty by squares, three classes", "labelCol='three', regParam=0.1"),
    logistic("net", "An elastic net", "labelCol='two', regParam=0.1, elasticNetParam=0.5", COEFFICIENTS + HISTORY),
    logistic("net_three", "An elastic net, three classes", "labelCol='three', regParam=0.05, elasticNetParam=0.4"),
    logistic("lasso", "A penalty by absolute values", "labelCol='two', regParam=0.05, elasticNetParam=1.0", COEFFICIENTS + HISTORY),
    logistic("raw_lasso", "The same of features as they are", "labelCol='two', regParam=0.05, elasticNetParam=1.0, standardization=False"),
    logistic("raw_ridge", "A penalty of features as they are", "labelCol='two', regParam=0.3, standardization=False"),
    logistic("no_intercept", "Without intercept", "labelCol='two', fitIntercept=False"),
    logistic("no_intercept_three", "Without intercepts, three classes", "labelCol='three', fitIntercept=False, regParam=0.01"),
    logistic("weighted", "Weighted rows", "labelCol='two', weightCol='w'"),
    logistic("weighted_three", "Weighted rows, three classes", "labelCol='three', weightCol='w', regParam=0.02"),
    logistic("two_as_many", "Two classes with a row of coefficients each", "labelCol='two', family='multinomial', regParam=0.01"),
    logistic("one_step", "One step", "labelCol='two', maxIter=1", COEFFICIENTS + HISTORY),
    logistic("no_step", "No step", "labelCol='three', maxIter=0", COEFFICIENTS + HISTORY),
    logistic("loose", "A loose tolerance", "labelCol='two', tol=0.01", COEFFICIENTS + HISTORY),
    logistic("threshold", "A threshold", "labelCol='two', threshold=0.8"),
    logistic("thresholds", "Thresholds", "labelCol='three', thresholds=[0.2, 0.5, 0.3]"),
    logistic("thresholds_two", "Thresholds of two classes", "labelCol='two', thresholds=[0.9, 0.1]"),
    logistic("measures", "What the summary says", "labelCol='two', maxIter=4", MEASURES),
    logistic("evaluated", "A summary of other rows", "labelCol='two', maxIter=4",
             ["s = m.evaluate(df.limit(30))", "out['accuracy'] = s.accuracy", "out['roc'] = s.areaUnderROC"]),
    logistic("one_class", "One class of two", "labelCol='two'", df=ONE_CLASS),
    logistic("one_class_many", "One class, a row each", "labelCol='two', family='multinomial'", df=ONE_CLASS),
    logistic("saved", "Saved and loaded", "labelCol='three', regParam=0.1", model="logistic_regression"),
    logistic("saved_two", "Saved and loaded, two classes", "labelCol='two', regParam=0.1", model="logistic_regression_two"),
    logistic("predict", "Single vectors", "labelCol='two', regParam=0.1",
             ["v = Vectors.dense(1.0, 2.0, 0.0, 5.0, 1.0)", "out['one'] = m.predict(v)", "out['raw'] = m.predictRaw(v)", "out['p'] = m.predictProbability(v)"]),
    logistic("lower", "Lower bounds", "labelCol='two', lowerBoundsOnCoefficients=Matrices.dense(1, 5, [0.0] * 5)", COEFFICIENTS + HISTORY),
    logistic("bounded", "Bounds on both sides, a penalty", "labelCol='two', regParam=0.05, lowerBoundsOnCoefficients=Matrices.dense(1, 5, [-0.5] * 5), upperBoundsOnCoefficients=Matrices.dense(1, 5, [0.5] * 5)",
             COEFFICIENTS + HISTORY),
    logistic("bounded_intercept", "Bounds on the intercept", "labelCol='two', lowerBoundsOnIntercepts=Vectors.dense(0.5), upperBoundsOnIntercepts=Vectors.dense(0.75)", COEFFICIENTS + HISTORY),
    logistic("infinite_intercept", "A bound on the intercept that is none", "labelCol='two', regParam=0.02, upperBoundsOnIntercepts=Vectors.dense(float('inf'))", COEFFICIENTS + HISTORY),
    logistic("bounded_three", "Bounds on three classes", "labelCol='three', regParam=0.02, upperBoundsOnCoefficients=Matrices.dense(3, 5, [0.25] * 15), lowerBoundsOnIntercepts=Vectors.dense(-1.0, 0.0, -2.0)",
             COEFFICIENTS + HISTORY),
    logistic("bounded_three_free", "Bounds on three classes without penalty", "labelCol='three', maxIter=10, lowerBoundsOnCoefficients=Matrices.dense(3, 5, [-1.0] * 15), upperBoundsOnCoefficients=Matrices.dense(3, 5, [1.0] * 15)",
             COEFFICIENTS + HISTORY),
    logistic("bounded_no_intercept", "Bounds without intercept, weighted rows", "labelCol='two', fitIntercept=False, weightCol='w', upperBoundsOnCoefficients=Matrices.dense(1, 5, [0.1, 0.2, 0.3, 0.4, 0.5])", COEFFICIENTS + HISTORY),
    logistic("bounded_raw", "Bounds, features as they are", "labelCol='two', regParam=0.1, standardization=False, lowerBoundsOnCoefficients=Matrices.dense(1, 5, [-0.1] * 5)"),
    logistic("bounded_one_class", "Bounds on one class of two", "labelCol='two', regParam=0.1, maxIter=5, upperBoundsOnCoefficients=Matrices.dense(1, 5, [0.5] * 5)", df=ONE_CLASS),
    logistic("bounds_shape", "Bounds of another shape", "labelCol='two', lowerBoundsOnCoefficients=Matrices.dense(1, 4, [0.0] * 4)"),
    logistic("bounds_upper_shape", "Bounds of another shape", "labelCol='three', upperBoundsOnCoefficients=Matrices.dense(1, 5, [0.0] * 5)"),
    logistic("bounds_intercept_size", "Bounds on more intercepts", "labelCol='two', lowerBoundsOnIntercepts=Vectors.dense(0.0, 1.0)"),
    logistic("bounds_upper_intercept_size", "Bounds on fewer intercepts", "labelCol='three', upperBoundsOnIntercepts=Vectors.dense(0.0, 1.0)"),
    logistic("bounds_crossed", "A lower bound above the upper one", "labelCol='two', lowerBoundsOnCoefficients=Matrices.dense(1, 5, [1.0] * 5), upperBoundsOnCoefficients=Matrices.dense(1, 5, [0.0] * 5)"),
    logistic("bounds_crossed_intercepts", "A lower bound above the upper one", "labelCol='two', lowerBoundsOnIntercepts=Vectors.dense(1.0), upperBoundsOnIntercepts=Vectors.dense(0.0)"),
    logistic("bounds_net", "Bounds with an elastic net", "labelCol='two', regParam=0.1, elasticNetParam=0.5, lowerBoundsOnIntercepts=Vectors.dense(0.0)"),
    logistic("bounds_no_intercept", "Bounds on an intercept that there is not", "labelCol='two', fitIntercept=False, lowerBoundsOnIntercepts=Vectors.dense(0.0)"),
    logistic("bounds_saved", "Bounds of a saved model", "labelCol='two', regParam=0.1, upperBoundsOnCoefficients=Matrices.dense(1, 5, [0.5, 0.25, 0.5, 1.0, 2.0]), lowerBoundsOnIntercepts=Vectors.dense(-3.0)",
             COEFFICIENTS + ["out['bound'] = m.getUpperBoundsOnCoefficients()"], model="logistic_regression_bounds"),
    logistic("bad_family", "A family that does not exist", "labelCol='two', family='poisson'"),
    logistic("too_many", "More classes than the family has", "labelCol='three', family='binomial'"),
    logistic("bad_thresholds", "More thresholds than classes", "labelCol='two', thresholds=[0.1, 0.2, 0.7]"),
    logistic("fraction", "Labels with fractions", "labelCol='number'"),
    logistic("no_column", "A column that does not exist", "labelCol='missing'"),
    logistic("empty", "No rows", "labelCol='two'", df=NONE),
]

# ----------------------------------------------------------------------------------------------------- linear regression

LINE = ["out['coefficients'] = m.coefficients", "out['intercept'] = m.intercept", "out['scale'] = m.scale", "out['features'] = m.numFeatures",
        "out['transform'] = m.transform(df.select('features').limit(8))"]
FITTED = ["s = m.summary", "out['history'] = s.objectiveHistory", "out['errors'] = [s.meanSquaredError, s.rootMeanSquaredError, s.meanAbsoluteError]",
          "out['explained'] = [s.explainedVariance, s.r2, s.r2adj]", "out['rows'] = s.numInstances", "out['freedom'] = s.degreesOfFreedom"]
HUBER = ["s = m.summary", "out['history'] = s.objectiveHistory", "out['errors'] = [s.meanSquaredError, s.r2]"]
INFERRED = ["s = m.summary", "out['errors'] = s.coefficientStandardErrors", "out['t'] = s.tValues", "out['p'] = s.pValues"]
# Without the constant feature, whose normal equations have no single solution.
PLAIN = (SCHEMA, [row[:3] + [dense(*[v for i, v in enumerate(row[3]["values"]) if i != 3]) if row[3]["vector"] == "dense" else
                             sparse(4, {i - (i > 3): v for i, v in zip(row[3]["indices"], row[3]["values"]) if i != 3})] + row[4:] for row in ROWS[1]])
CONSTANT = (SCHEMA, [row[:2] + [3.0] + row[3:] for row in ROWS[1]])


def line(id, description, arguments="", shown=LINE + FITTED, df=ROWS, model=None):
    code = "labelCol='number'" + (", " + arguments if arguments else "")
    return learned("linear_regression", id, description, "LinearRegression", code, shown, df, model)


LINES = [
    line("default", "Defaults: one feature is constant"),
    line("plain", "Normal equations with one solution", df=PLAIN),
    line("inferred", "Standard errors, t and p", "", LINE + INFERRED, PLAIN),
    line("not_inferred", "Standard errors where there are none", "regParam=0.1, elasticNetParam=0.5", INFERRED, PLAIN),
    line("ridge", "A penalty by squares", "regParam=0.1", df=PLAIN),
    line("net", "An elastic net", "regParam=0.1, elasticNetParam=0.5"),
    line("lasso", "A penalty by absolute values, features as they are", "regParam=0.3, elasticNetParam=1.0, standardization=False"),
    line("no_intercept", "Without intercept", "fitIntercept=False", df=PLAIN),
    line("weighted", "Weighted rows", "weightCol='w'", df=PLAIN),
    line("one_step", "One step", "maxIter=1"),
    line("steps", "Step by step", "solver='l-bfgs'"),
    line("steps_ridge", "Step by step, a penalty by squares", "solver='l-bfgs', regParam=0.1, standardization=False"),
    line("steps_net", "Step by step, an elastic net, weighted rows", "solver='l-bfgs', regParam=0.1, elasticNetParam=0.4, weightCol='w'"),
    line("steps_no_intercept", "Step by step, without intercept", "solver='l-bfgs', fitIntercept=False"),
    line("constant", "A constant label", df=CONSTANT, shown=LINE),
    line("constant_no_intercept", "A constant label without intercept", "fitIntercept=False", df=CONSTANT, shown=LINE),
    line("constant_ridge", "A constant label without intercept, with a penalty", "fitIntercept=False, regParam=0.1", df=CONSTANT, shown=LINE),
    line("saved", "Saved and loaded", "regParam=0.1", LINE, model="linear_regression"),
    line("predict", "Single vectors", "regParam=0.1", ["out['one'] = m.predict(Vectors.dense(1.0, 2.0, 0.0, 5.0, 1.0))"]),
    line("huber", "Huber's loss", "loss='huber'", LINE + HUBER, PLAIN),
    line("huber_ridge", "Huber's loss, a penalty by squares", "loss='huber', regParam=0.2", LINE + HUBER, PLAIN),
    line("huber_raw_ridge", "Huber's loss, a penalty of features as they are", "loss='huber', regParam=0.2, standardization=False", LINE + HUBER),
    line("huber_epsilon", "Few errors that count by their squares", "loss='huber', epsilon=1.05", LINE + HUBER, PLAIN),
    line("huber_no_intercept", "Huber's loss without intercept, weighted rows", "loss='huber', fitIntercept=False, weightCol='w'", LINE + HUBER, PLAIN),
    line("huber_one_step", "Huber's loss, one step", "loss='huber', maxIter=1", LINE + HUBER, PLAIN),
    line("huber_three_steps", "Huber's loss, three steps", "loss='huber', maxIter=3", LINE + HUBER, PLAIN),
    line("huber_no_step", "Huber's loss, no step", "loss='huber', maxIter=0", LINE + HUBER, PLAIN),
    line("huber_saved", "Huber's loss, saved and loaded", "loss='huber'", LINE[:2] + LINE[4:], PLAIN, model="linear_regression_huber"),
    line("huber_net", "Huber's loss with an elastic net", "loss='huber', elasticNetParam=0.5, regParam=0.1"),
    line("huber_normal", "Huber's loss by the normal equations", "loss='huber', solver='normal'"),
    line("bad_solver", "A solver that does not exist", "solver='guess'"),
    line("null", "A label that is null", df=(SCHEMA, [[1.0, 1.0, None, dense(1.0), 1.0]])),
]

# --------------------------------------------------------------------------------------------------------------- trees

TREE = ["out['tree'] = m.toDebugString.split('\\n')[1:]", "out['importances'] = m.featureImportances", "out['features'] = m.numFeatures",
        "out['transform'] = m.transform(df.select('features').limit(12))"]
ONE_TREE = TREE + ["out['nodes'] = m.numNodes", "out['depth'] = m.depth"]
FOREST = TREE + ["out['nodes'] = m.totalNumNodes", "out['weights'] = list(m.treeWeights)", "out['trees'] = m.getNumTrees"]


def trees(family, stage, shown, common):
    def make(id, description, arguments="", df=MANY, model=None):
        return learned(family, id, description, stage, common + (", " + arguments if arguments else ""), shown, df, model)
    return make


classifier = trees("decision_tree_classifier", "DecisionTreeClassifier", ONE_TREE, "labelCol='three', leafCol='leaf'")
regressor = trees("decision_tree_regressor", "DecisionTreeRegressor", ONE_TREE, "labelCol='number', leafCol='leaf'")
forest = trees("random_forest_classifier", "RandomForestClassifier", FOREST, "labelCol='three', leafCol='leaf', seed=5")
forest_of_numbers = trees("random_forest_regressor", "RandomForestRegressor", FOREST, "labelCol='number', leafCol='leaf', seed=5")
boosted = trees("gbt_classifier", "GBTClassifier", FOREST, "labelCol='two', leafCol='leaf', seed=3, maxDepth=3")
boosted_numbers = trees("gbt_regressor", "GBTRegressor", FOREST, "labelCol='number', leafCol='leaf', seed=3, maxDepth=3")

TREES = [
    classifier("default", "Defaults"),
    classifier("entropy", "Entropy", "impurity='entropy', maxDepth=4"),
    classifier("shallow", "No decision", "maxDepth=0"),
    classifier("few_bins", "Four bins", "maxBins=4"),
    classifier("rows", "At least 20 rows in a leaf", "minInstancesPerNode=20"),
    classifier("gain", "A least gain", "minInfoGain=0.05"),
    classifier("share", "A least share of the weight, weighted rows", "minWeightFractionPerNode=0.1, weightCol='w'"),
    classifier("saved", "Saved and loaded", "maxDepth=3", model="decision_tree_classifier"),
    classifier("memory", "Little memory: a node at a time", "maxMemoryInMB=0"),
    classifier("bad_bins", "One bin", "maxBins=1"),
    classifier("bad_depth", "Too deep", "maxDepth=31"),
    classifier("bad_impurity", "An impurity of numbers", "impurity='variance'"),
    classifier("empty", "No rows", df=NONE),
    regressor("default", "Defaults"),
    regressor("variance", "Variances", "varianceCol='v', maxDepth=3"),
    regressor("weighted", "Weighted rows", "weightCol='w', maxDepth=4"),
    regressor("gain", "A least gain", "minInfoGain=0.2"),
    regressor("saved", "Saved and loaded", "maxDepth=3", model="decision_tree_regressor"),
    forest("default", "Four trees", "numTrees=4, maxDepth=3"),
    forest("all", "All features at each node", "numTrees=3, maxDepth=3, featureSubsetStrategy='all'"),
    forest("log2", "Log2 of the features, half of the rows", "numTrees=3, maxDepth=4, featureSubsetStrategy='log2', subsamplingRate=0.5"),
    forest("once", "Rows are taken once", "numTrees=3, maxDepth=3, bootstrap=False, subsamplingRate=0.6"),
    forest("some", "Two features, weighted rows", "numTrees=3, maxDepth=3, featureSubsetStrategy='2', weightCol='w'"),
    forest("share", "A share of the features, entropy", "numTrees=2, maxDepth=3, featureSubsetStrategy='0.5', impurity='entropy'"),
    forest("saved", "Saved and loaded", "numTrees=3, maxDepth=2", model="random_forest_classifier"),
    forest("bad_strategy", "A strategy that does not exist", "featureSubsetStrategy='7x'"),
    forest_of_numbers("default", "Three trees", "numTrees=3, maxDepth=3"),
    forest_of_numbers("one", "One tree", "numTrees=1, maxDepth=3"),
    forest_of_numbers("weighted", "Weighted rows", "numTrees=3, maxDepth=3, weightCol='w'"),
    forest_of_numbers("saved", "Saved and loaded", "numTrees=2, maxDepth=2", model="random_forest_regressor"),
    boosted("default", "Four trees", "maxIter=4"),
    boosted("step", "Long steps, half of the rows", "maxIter=3, stepSize=0.5, subsamplingRate=0.5"),
    boosted("some", "Some features", "maxIter=3, featureSubsetStrategy='sqrt', weightCol='w'"),
    boosted("saved", "Saved and loaded", "maxIter=2", model="gbt_classifier"),
    boosted_numbers("default", "Four trees", "maxIter=4"),
    boosted_numbers("absolute", "Absolute errors", "maxIter=3, lossType='absolute', stepSize=0.3"),
    boosted_numbers("saved", "Saved and loaded", "maxIter=2", model="gbt_regressor"),
]
TREES += [
    learned("decision_tree_classifier", "thresholds", "Thresholds", "DecisionTreeClassifier", "labelCol='three', maxDepth=2",
            ["m.setThresholds([0.2, 0.5, 0.3])"] + ONE_TREE, MANY),
    learned("gbt_classifier", "thresholds", "Thresholds", "GBTClassifier", "labelCol='two', maxDepth=2, maxIter=2, seed=3", ["m.setThresholds([0.3, 0.7])"] + FOREST, MANY),
    learned("gbt_classifier", "three_classes", "Three classes", "GBTClassifier", "labelCol='three'", FOREST, MANY),
    learned("random_forest_classifier", "measures", "What the summary says", "RandomForestClassifier", "labelCol='two', numTrees=3, maxDepth=2, seed=5",
            ["s = m.summary", "out['accuracy'] = s.accuracy", "out['roc'] = s.areaUnderROC", "out['f'] = s.fMeasureByLabel()"], MANY),
    learned("random_forest_classifier", "trees", "Its trees", "RandomForestClassifier", "labelCol='two', numTrees=3, maxDepth=2, seed=5",
            ["out['nodes'] = [t.numNodes for t in m.trees]", "out['depth'] = [t.depth for t in m.trees]"], MANY),
]

# -------------------------------------------------------------------------------------------------------------- k-means

CENTRES = ["out['centres'] = [list(c) for c in m.clusterCenters()]", "out['features'] = m.numFeatures",
           "out['transform'] = m.transform(df.select('features').limit(20))"]
SIZES = ["out['sizes'] = m.summary.clusterSizes", "out['cost'] = m.summary.trainingCost", "out['steps'] = m.summary.numIter", "out['k'] = m.summary.k"]


def clusters(count, seed):
    """Points around four places."""
    source = random.Random(seed)
    made = []
    for i in range(count):
        place = source.choice([(0, 0, 1), (5, 1, 0), (-3, 4, 2), (1, -4, 3)])
        x = [round(source.gauss(at, 1), 3) for at in place]
        if i % 3 == 0:
            x[1] = 0.0
        made.append([dense(*x) if i % 2 else sparse(3, {j: v for j, v in enumerate(x) if v}), 0.5 + i % 3])
    return "features VECTOR, w DOUBLE", made


POINTS = clusters(120, 7)


def means(id, description, arguments, shown=CENTRES + SIZES, df=POINTS, model=None):
    return learned("k_means", id, description, "KMeans", arguments, shown, df, model)


MEANS = [
    means("two", "Two clusters", "seed=1"),
    means("four", "Four clusters", "k=4, seed=11"),
    means("default_seed", "The seed of the class", "k=4"),
    means("at_random", "Begun at random", "k=3, seed=2, initMode='random'"),
    means("cosine", "Angles", "k=4, seed=3, distanceMeasure='cosine'"),
    means("weighted", "Weighted rows", "k=5, seed=4, weightCol='w'"),
    means("one_step", "One step", "k=3, maxIter=1, seed=1"),
    means("no_step", "No step", "k=3, maxIter=0, seed=1", CENTRES),
    means("more_steps", "More steps to begin", "k=8, initSteps=5, seed=1"),
    means("loose", "A loose tolerance", "k=4, seed=11, tol=10.0"),
    means("fewer_points", "Fewer points than clusters", "k=5, seed=1", df=(POINTS[0], POINTS[1][:3])),
    means("same_points", "One point, three times", "k=2, seed=1", CENTRES, df=("features VECTOR", [[dense(1.0, 2.0)]] * 3)),
    means("saved", "Saved and loaded", "k=3, seed=5", CENTRES, model="k_means"),
    means("predict", "Single vectors", "k=3, seed=5", ["out['one'] = m.predict(Vectors.dense(5.0, 1.0, 0.0))"]),
    means("one_cluster", "One cluster", "k=1"),
    means("bad_measure", "A measure that does not exist", "distanceMeasure='manhattan'"),
    means("null", "A vector that is null", "k=2", df=("features VECTOR", [[None], [dense(1.0)]])),
    means("nan", "A value that is not a number", "k=2", df=("features VECTOR", [[dense(float("nan"))], [dense(1.0)]])),
]

CASES = LOGISTIC + LINES + TREES + MEANS
