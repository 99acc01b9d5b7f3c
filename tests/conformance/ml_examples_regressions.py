"""Cases of LinearSVC, generalized linear regression, survival and isotonic regression, perceptrons and factorization machines."""
import random

from ml_examples import case, dense, sparse
from ml_examples_learners import HISTORY, MEASURES, NONE, ONE_CLASS, PLAIN, ROWS, SAVED, rows


def learned(family, id, description, stage, model_class, arguments, shown, df, model):
    """A stage over one partition; `shown` is what is asked of the model."""
    code = ["df = df.coalesce(1)", "m = %s(%s).fit(df)" % (stage, arguments)]
    if model:
        code += [SAVED, "m = %s.load(MODEL_DIR)" % model_class]
    return case(family, id, description, code + shown, model=model, df=df)


# ------------------------------------------------------------------------------------------- linear support vector machine

PLANE = ["out['coefficients'] = m.coefficients", "out['intercept'] = m.intercept", "out['classes'] = m.numClasses", "out['features'] = m.numFeatures",
         "out['transform'] = m.transform(df.select('features').limit(8))"]
SVC_STEPS = [line.replace("m.summary", "m.summary()") for line in HISTORY]
SVC_MEASURES = [line.replace("m.summary", "m.summary()").replace(", s.probabilityCol, s.featuresCol", ", s.scoreCol") for line in MEASURES]


def plane(id, description, arguments="", shown=PLANE, df=ROWS, model=None):
    return learned("linear_svc", id, description, "LinearSVC", "LinearSVCModel", "labelCol='two'" + (", " + arguments if arguments else ""), shown, df, model)


PLANES = [
    plane("default", "Defaults", "", PLANE + SVC_STEPS),
    plane("ridge", "A penalty by squares", "regParam=0.1", PLANE + SVC_STEPS),
    plane("raw_ridge", "A penalty of features as they are", "regParam=0.3, standardization=False", PLANE + SVC_STEPS),
    plane("no_intercept", "Without intercept", "fitIntercept=False, regParam=0.01", PLANE + SVC_STEPS),
    plane("weighted", "Weighted rows", "weightCol='w', regParam=0.02"),
    plane("one_step", "One step", "maxIter=1", PLANE + SVC_STEPS),
    plane("no_step", "No step", "maxIter=0", PLANE + SVC_STEPS),
    plane("loose", "A loose tolerance", "tol=0.01, regParam=0.05", PLANE + SVC_STEPS),
    plane("threshold", "A threshold of the raw prediction", "threshold=0.5, regParam=0.1"),
    plane("columns", "Other columns", "rawPredictionCol='raw', predictionCol='p', regParam=0.1"),
    plane("measures", "What the summary says", "maxIter=4", SVC_MEASURES),
    plane("evaluated", "A summary of other rows", "maxIter=4", ["s = m.evaluate(df.limit(30))", "out['accuracy'] = s.accuracy", "out['roc'] = s.areaUnderROC"]),
    plane("saved", "Saved and loaded", "regParam=0.1, threshold=0.2", model="linear_svc"),
    plane("predict", "Single vectors", "regParam=0.1", ["v = Vectors.dense(1.0, 2.0, 0.0, 5.0, 1.0)", "out['one'] = m.predict(v)", "out['raw'] = m.predictRaw(v)"]),
    plane("one_class", "Rows of the second class", "", df=ONE_CLASS),
    plane("no_class", "Rows of the first class", "", df=(ROWS[0], [row for row in ROWS[1] if row[0] == 0.0])),
    plane("three", "Labels of three classes", "", df=(ROWS[0], [[row[1]] + row[1:] for row in ROWS[1]])),
    plane("bad_penalty", "A negative penalty", "regParam=-1.0"),
    plane("size", "A vector of another size", "regParam=0.1", ["out['transform'] = m.transform(spark.createDataFrame([(Vectors.dense(1.0),)], ['features']))"]),
    plane("empty", "No rows", "", df=NONE),
]

# ------------------------------------------------------------------------------------------- generalized linear regression


def counted(rows, seed):
    """The rows with a count, a positive number, a share and an offset in the place of labels."""
    source = random.Random(seed)
    made = []
    for two, _three, number, features, weight in rows:
        count = float(max(0, int(source.gauss(2 + number / 2, 1.5))))
        positive = round(abs(number) + source.uniform(0.2, 1.5), 3)
        made.append([two, count, positive, source.choice([0.0, 0.25, 0.5, 1.0]), number, features, weight, round(source.uniform(-0.5, 0.5), 2)])
    return "two DOUBLE, count DOUBLE, positive DOUBLE, share DOUBLE, number DOUBLE, features VECTOR, w DOUBLE, o DOUBLE", made


LABELS = counted(PLAIN[1], 5)
FIT = ["out['coefficients'] = m.coefficients", "out['intercept'] = m.intercept", "out['features'] = m.numFeatures", "s = m.summary",
       "out['steps'] = s.numIterations", "out['deviance'] = s.deviance", "out['null'] = s.nullDeviance", "out['dispersion'] = s.dispersion",
       "out['freedom'] = [s.rank, s.degreesOfFreedom, s.residualDegreeOfFreedom, s.residualDegreeOfFreedomNull, s.numInstances]",
       "out['transform'] = m.transform(df).drop('features').limit(8)"]
AIC = ["out['aic'] = s.aic"]
INFERRED = ["out['errors'] = s.coefficientStandardErrors", "out['t'] = s.tValues", "out['p'] = s.pValues"]
WHOLE = FIT + AIC + INFERRED


def general(id, description, arguments, shown=WHOLE, df=LABELS, model=None):
    return learned("generalized_linear_regression", id, description, "GeneralizedLinearRegression", "GeneralizedLinearRegressionModel", arguments, shown, df, model)


GENERAL = [
    general("gaussian", "Defaults", "labelCol='number'"),
    general("gaussian_log", "A logarithmic link", "labelCol='positive', link='log'"),
    general("gaussian_inverse", "An inverse link", "labelCol='positive', link='inverse'"),
    general("binomial", "Two classes", "labelCol='two', family='binomial'"),
    general("probit", "A normal link", "labelCol='two', family='binomial', link='probit', linkPredictionCol='eta'"),
    general("cloglog", "A link of two logarithms", "labelCol='two', family='binomial', link='cloglog'"),
    general("trials", "Shares of trials", "labelCol='share', family='binomial', weightCol='w'"),
    general("poisson", "Counts", "labelCol='count', family='poisson'"),
    general("poisson_identity", "Counts, a plain link", "labelCol='count', family='poisson', link='identity', maxIter=5"),
    general("poisson_sqrt", "Counts, the link of the root", "labelCol='count', family='Poisson', link='SQRT'"),
    general("gamma", "Positive numbers", "labelCol='positive', family='gamma'"),
    general("gamma_log", "Positive numbers, a logarithmic link, weights", "labelCol='positive', family='gamma', link='log', weightCol='w'"),
    general("gamma_identity", "Positive numbers, a plain link", "labelCol='positive', family='gamma', link='identity'"),
    general("tweedie", "A power of the variance", "labelCol='count', family='tweedie', variancePower=1.6, linkPower=0.0", FIT + INFERRED),
    general("tweedie_default_link", "A power of the variance, with its link", "labelCol='positive', family='tweedie', variancePower=1.5", FIT + INFERRED),
    general("tweedie_three", "A high power", "labelCol='positive', family='tweedie', variancePower=2.5, linkPower=-0.5", FIT + INFERRED),
    general("tweedie_poisson", "The power of counts", "labelCol='count', family='tweedie', variancePower=1.0, linkPower=0.0"),
    general("no_aic", "A criterion that the family lacks", "labelCol='count', family='tweedie', variancePower=1.6, linkPower=0.0", ["out['aic'] = m.summary.aic"]),
    general("offset", "Offsets", "labelCol='count', family='poisson', offsetCol='o'"),
    general("offset_linear", "Offsets of a linear model", "labelCol='number', offsetCol='o', weightCol='w'"),
    general("offset_binomial", "Offsets, weights, a link prediction", "labelCol='two', family='binomial', offsetCol='o', weightCol='w', linkPredictionCol='eta'"),
    general("ridge", "A penalty by squares", "labelCol='number', regParam=0.3"),
    general("ridge_poisson", "A penalty by squares, counts", "labelCol='count', family='poisson', regParam=0.1"),
    general("no_intercept", "Without intercept", "labelCol='count', family='poisson', fitIntercept=False"),
    general("no_intercept_offset", "Without intercept, with offsets", "labelCol='two', family='binomial', fitIntercept=False, offsetCol='o'"),
    general("one_step", "One step", "labelCol='count', family='poisson', maxIter=1"),
    general("no_step", "No step", "labelCol='count', family='poisson', maxIter=0"),
    general("loose", "A loose tolerance", "labelCol='count', family='poisson', tol=0.1"),
    general("residuals", "Residuals", "labelCol='count', family='poisson', weightCol='w'",
            ["s = m.summary"] + ["out['%s'] = s.residuals('%s')" % (kind, kind) for kind in ("deviance", "pearson", "working", "response")] +
            ["out['default'] = s.residuals()", "out['predictions'] = s.predictions.select('prediction', 'count')"]),
    general("bad_residuals", "Residuals that do not exist", "labelCol='count', family='poisson'", ["out['r'] = m.summary.residuals('other')"]),
    general("text", "The summary as text", "labelCol='count', family='poisson', offsetCol='o'", ["out['text'] = repr(m.summary)", "out['solver'] = m.summary.solver"]),
    general("text_linear", "The summary as text", "labelCol='number'", ["out['text'] = repr(m.summary)", "out['column'] = m.summary.predictionCol"]),
    general("singular", "A constant feature", "labelCol='number'", FIT + AIC, ROWS),
    general("not_inferred", "Standard errors where there are none", "labelCol='number'", ["out['errors'] = m.summary.coefficientStandardErrors"], ROWS),
    general("evaluated", "A summary of other rows", "labelCol='count', family='poisson', offsetCol='o'",
            ["s = m.evaluate(df.limit(20))", "out['deviance'] = s.deviance", "out['null'] = s.nullDeviance", "out['aic'] = s.aic", "out['dispersion'] = s.dispersion", "out['rows'] = s.numInstances"]),
    general("saved", "Saved and loaded", "labelCol='count', family='poisson', linkPredictionCol='eta'", FIT[:3] + FIT[-1:], model="generalized_linear_regression"),
    general("saved_tweedie", "Saved and loaded", "labelCol='count', family='tweedie', variancePower=1.6, linkPower=0.0", FIT[:3] + FIT[-1:], model="generalized_linear_regression_tweedie"),
    general("predict", "Single vectors", "labelCol='count', family='poisson'", ["out['one'] = m.predict(Vectors.dense(1.0, 2.0, 0.0, 1.0))"]),
    general("bad_pair", "A link that the family lacks", "labelCol='count', family='poisson', link='logit'"),
    general("bad_family", "A family that does not exist", "labelCol='count', family='cauchy'"),
    general("bad_power", "A power between 0 and 1", "labelCol='count', family='tweedie', variancePower=0.5"),
    general("negative_count", "A negative count", "labelCol='number', family='poisson'"),
    general("zero", "Labels of 0", "labelCol='count', family='gamma'"),
    general("not_a_share", "A share above 1", "labelCol='count', family='binomial'"),
    general("null_offset", "An offset that is null", "labelCol='count', family='poisson', offsetCol='o'", df=(LABELS[0], [row[:-1] + [None] for row in LABELS[1]])),
    general("empty", "No rows", "labelCol='number'", df=(LABELS[0], [])),
]

# ------------------------------------------------------------------------------------------------- survival regression


def lifetimes(rows, seed):
    """Lifetimes that depend on the features, some of which have not ended."""
    source = random.Random(seed)
    return "life DOUBLE, censor DOUBLE, other INT, features VECTOR", [
        [round(source.weibullvariate(1.0, 1.5) * 2.718 ** (0.3 * row[2]), 4), float(source.random() < 0.7), source.randint(0, 1), row[3]] for row in rows]


LIVES = lifetimes(PLAIN[1], 3)
CONSTANT_LIVES = lifetimes(ROWS[1], 3)
LIFE = ["out['coefficients'] = m.coefficients", "out['intercept'] = m.intercept", "out['scale'] = m.scale", "out['features'] = m.numFeatures",
        "out['transform'] = m.transform(df.select('features').limit(8))"]


def survival(id, description, arguments="", shown=LIFE, df=LIVES, model=None):
    code = "labelCol='life'" + (", " + arguments if arguments else "")
    return learned("aft_survival_regression", id, description, "AFTSurvivalRegression", "AFTSurvivalRegressionModel", code, shown, df, model)


SURVIVAL = [
    survival("default", "Defaults"),
    survival("constant", "A constant feature", df=CONSTANT_LIVES),
    survival("no_intercept", "Without intercept", "fitIntercept=False"),
    survival("no_intercept_constant", "Without intercept, a constant feature", "fitIntercept=False", df=CONSTANT_LIVES),
    survival("quantiles", "Quantiles", "quantilesCol='q', quantileProbabilities=[0.1, 0.5, 0.9]"),
    survival("default_quantiles", "Quantiles of the default probabilities", "quantilesCol='q'"),
    survival("only_quantiles", "Quantiles without predictions", "quantilesCol='q', predictionCol=''"),
    survival("other_censor", "Another column of censors, of integers", "censorCol='other'"),
    survival("one_step", "One step", "maxIter=1"),
    survival("no_step", "No step", "maxIter=0"),
    survival("loose", "A loose tolerance", "tol=0.01"),
    survival("saved", "Saved and loaded", "quantilesCol='q', quantileProbabilities=[0.2]", model="aft_survival_regression"),
    survival("predict", "Single vectors", "quantileProbabilities=[0.2, 0.4]", ["v = Vectors.dense(1.0, 2.0, 0.0, 1.0)", "out['one'] = m.predict(v)", "out['many'] = m.predictQuantiles(v)"]),
    survival("bad_probabilities", "A probability of 1", "quantileProbabilities=[0.5, 1.0]"),
    survival("bad_censor", "A censor that is neither 0 nor 1", df=(LIVES[0], [[1.5, 0.5, 0, dense(1.0)], [2.5, 1.0, 1, dense(2.0)]])),
    survival("null_censor", "A censor that is null", df=(LIVES[0], [[1.5, None, 0, dense(1.0)], [2.5, 1.0, 1, dense(2.0)]])),
    survival("zero", "A lifetime of 0", df=(LIVES[0], [[0.0, 1.0, 0, dense(1.0)], [2.5, 1.0, 1, dense(2.0)]])),
    survival("no_column", "A column that does not exist", "censorCol='missing'"),
    survival("empty", "No rows", df=(LIVES[0], [])),
]

# ------------------------------------------------------------------------------------------------- isotonic regression


def steps(count, seed):
    """Labels that rise with the second feature and fall with the first, some values more than once."""
    source = random.Random(seed)
    made = []
    for i in range(count):
        x = source.choice([round(source.uniform(0, 10), 1), float(source.randint(0, 10))])
        features = dense(-x, x) if i % 2 else sparse(2, {j: v for j, v in enumerate((-x, x)) if v})
        made.append([round(x + source.gauss(0, 2), 2), x, features, source.choice([0.0, 0.5, 1.0, 3.0])])
    return "label DOUBLE, x DOUBLE, features VECTOR, w DOUBLE", made


STEPS = steps(80, 9)
POOLS = ["out['boundaries'] = m.boundaries", "out['predictions'] = m.predictions", "out['features'] = m.numFeatures", "out['transform'] = m.transform(df.select('features').limit(20))"]
BY_DOUBLE = POOLS[:3] + ["out['transform'] = m.transform(df.select('x').limit(20))"]


def isotonic(id, description, arguments="", shown=POOLS, df=STEPS, model=None, first=True):
    made = learned("isotonic_regression", id, description, "IsotonicRegression", "IsotonicRegressionModel", arguments, shown, df, model)
    made["code"] = made["code"][0 if first else 1:]
    return made


STEP_CASES = [
    isotonic("rising", "Rising with the second feature", "featureIndex=1"),
    isotonic("falling", "Falling with the first feature", "isotonic=False"),
    isotonic("wrong_way", "Rising with a feature that falls", ""),
    isotonic("doubles", "A column of doubles", "featuresCol='x'", BY_DOUBLE),
    isotonic("weighted", "Weighted rows, some of weight 0", "featureIndex=1, weightCol='w'"),
    isotonic("weighted_falling", "Weighted rows, falling", "weightCol='w', isotonic=False"),
    isotonic("partitions", "Two partitions", "featureIndex=1, weightCol='w'", first=False),
    isotonic("outside", "Values outside, and between", "featuresCol='x'",
             ["out['one'] = [m.predict(v) for v in (-5.0, 0.0, 3.14, 5.0, 10.0, 99.0)]"]),
    isotonic("one_row", "One row", "featuresCol='x'", BY_DOUBLE, (STEPS[0], STEPS[1][:1])),
    isotonic("same", "One value, three labels", "featuresCol='x'", BY_DOUBLE, (STEPS[0], [[y, 2.0, dense(1.0, 2.0), 1.0] for y in (1.0, 5.0, 3.0)])),
    isotonic("saved", "Saved and loaded", "featureIndex=1", model="isotonic_regression"),
    isotonic("bad_index", "A feature that does not exist", "featureIndex=2"),
    isotonic("bad_type", "A column of integers", "featuresCol='i'", df=("label DOUBLE, i INT", [[1.0, 2], [2.0, 3]])),
    isotonic("null", "A feature that is null", "featuresCol='x'", df=(STEPS[0], STEPS[1][:3] + [[1.0, None, None, 1.0]])),
    isotonic("null_vector", "A vector that is null", "", df=(STEPS[0], STEPS[1][:3] + [[1.0, None, None, 1.0]])),
    isotonic("nan", "A label that is not a number", "featuresCol='x'", df=(STEPS[0], STEPS[1][:3] + [[float("nan"), 1.0, None, 1.0]])),
    isotonic("negative", "A negative weight", "featuresCol='x', weightCol='w'", df=(STEPS[0], STEPS[1][:3] + [[1.0, 1.0, None, -1.0]])),
    isotonic("empty", "No rows", "", POOLS[:3], (STEPS[0], [])),
]

# ------------------------------------------------------------------------------------------------------- perceptrons

NEURONS = ["out['weights'] = m.weights", "out['classes'] = m.numClasses", "out['features'] = m.numFeatures",
           "out['transform'] = m.transform(df.select('features').limit(8))"]
NETWORK_STEPS = SVC_STEPS
LONG = (ROWS[0], rows(150, 21))


def network(id, description, arguments, shown=NEURONS, df=ROWS, model=None, whole=True):
    made = learned("multilayer_perceptron", id, description, "MultilayerPerceptronClassifier", "MultilayerPerceptronClassificationModel", arguments, shown, df, model)
    made["code"] = made["code"][0 if whole else 1:]
    return made


NETWORKS = [
    network("two", "Two classes, three neurons", "labelCol='two', layers=[5, 3, 2], seed=7, maxIter=15", NEURONS + NETWORK_STEPS),
    network("three", "Three classes, two hidden layers", "labelCol='three', layers=[5, 4, 3, 3], seed=7, maxIter=10", NEURONS + NETWORK_STEPS),
    network("flat", "No hidden layer", "labelCol='three', layers=[5, 3], seed=1, maxIter=20", NEURONS + NETWORK_STEPS),
    network("default_seed", "The seed of the class", "labelCol='two', layers=[5, 2, 2], maxIter=5"),
    network("descent", "Gradient descent", "labelCol='two', layers=[5, 3, 2], seed=7, solver='gd', stepSize=0.5, maxIter=20", NEURONS + NETWORK_STEPS),
    network("descent_settled", "Gradient descent that ends early", "labelCol='two', layers=[5, 3, 2], seed=7, solver='gd', tol=0.1, maxIter=50", NEURONS + NETWORK_STEPS),
    network("initial", "Initial weights", "labelCol='two', layers=[5, 2], initialWeights=Vectors.dense([0.1 * i for i in range(12)]), maxIter=5", NEURONS + NETWORK_STEPS),
    network("no_step", "No step", "labelCol='two', layers=[5, 3, 2], seed=3, maxIter=0", NEURONS + NETWORK_STEPS),
    network("loose", "A loose tolerance", "labelCol='two', layers=[5, 3, 2], seed=3, tol=0.1", NEURONS + NETWORK_STEPS),
    network("blocks", "Blocks of 16 rows, and a rest", "labelCol='two', layers=[5, 3, 2], seed=3, blockSize=16, maxIter=5"),
    network("long", "More rows than a block has", "labelCol='two', layers=[5, 3, 2], seed=3, maxIter=5", df=LONG),
    network("partitions", "Two partitions", "labelCol='two', layers=[5, 3, 2], seed=3, blockSize=16, maxIter=5", whole=False),
    network("thresholds", "Thresholds", "labelCol='three', layers=[5, 3], seed=1, maxIter=5", ["m.setThresholds([0.2, 0.5, 0.3])"] + NEURONS),
    network("bad_thresholds", "More thresholds than classes", "labelCol='two', layers=[5, 2], seed=1, maxIter=5", ["m.setThresholds([0.2, 0.5, 0.3])"] + NEURONS),
    network("measures", "What the summary says", "labelCol='two', layers=[5, 3, 2], seed=7, maxIter=5",
            ["s = m.summary()", "out['accuracy'] = s.accuracy", "out['f'] = s.fMeasureByLabel()", "out['labels'] = s.labels",
             "out['columns'] = [s.labelCol, s.predictionCol, s.weightCol]", "out['predictions'] = s.predictions.select('prediction')"]),
    network("evaluated", "A summary of other rows", "labelCol='two', layers=[5, 3, 2], seed=7, maxIter=5", ["out['accuracy'] = m.evaluate(df.limit(30)).accuracy"]),
    network("saved", "Saved and loaded", "labelCol='two', layers=[5, 3, 2], seed=7, maxIter=5", model="multilayer_perceptron"),
    network("predict", "Single vectors", "labelCol='two', layers=[5, 3, 2], seed=7, maxIter=5",
            ["v = Vectors.dense(1.0, 2.0, 0.0, 5.0, 1.0)", "out['one'] = m.predict(v)", "out['raw'] = m.predictRaw(v)", "out['p'] = m.predictProbability(v)"]),
    network("bad_layers", "One layer", "labelCol='two', layers=[5]"),
    network("zero_layer", "A layer without neurons", "labelCol='two', layers=[5, 0, 2]"),
    network("no_layers", "No layers", "labelCol='two'"),
    network("too_many", "More labels than the last layer has", "labelCol='three', layers=[5, 2]"),
    network("empty", "No rows", "labelCol='two', layers=[5, 2]", df=NONE),
    network("fraction", "Labels with fractions", "labelCol='number', layers=[5, 9]"),
]

# --------------------------------------------------------------------------------------------- factorization machines

FACTORS = ["out['factors'] = m.factors", "out['linear'] = m.linear", "out['intercept'] = m.intercept", "out['features'] = m.numFeatures",
           "out['transform'] = m.transform(df.select('features').limit(8))"]


def machine(kind, id, description, arguments="", shown=FACTORS, df=ROWS, model=None, whole=True):
    family, stage, model_class, label = {
        "classes": ("fm_classifier", "FMClassifier", "FMClassificationModel", "labelCol='two', "),
        "numbers": ("fm_regressor", "FMRegressor", "FMRegressionModel", "labelCol='number', "),
    }[kind]
    made = learned(family, id, description, stage, model_class, label + arguments, shown, df, model)
    made["code"] = made["code"][0 if whole else 1:]
    return made


SHORT = "factorSize=2, maxIter=10, stepSize=0.1, seed=4"
MACHINES = [one for kind in ("classes", "numbers") for one in [
    machine(kind, "default", "Ten steps", "maxIter=10, stepSize=0.1"),
    machine(kind, "short", "Two factors", SHORT),
    machine(kind, "descent", "Gradient descent", "factorSize=2, maxIter=10, stepSize=0.01, seed=4, solver='gd'"),
    machine(kind, "descent_ridge", "Gradient descent, a penalty by squares", "factorSize=2, maxIter=10, stepSize=0.01, seed=4, solver='gd', regParam=0.1"),
    machine(kind, "ridge", "A penalty by squares", SHORT + ", regParam=0.02"),
    machine(kind, "no_linear", "Pairs alone", SHORT + ", fitLinear=False"),
    machine(kind, "no_intercept", "Without intercept", SHORT + ", fitIntercept=False"),
    machine(kind, "batches", "Half of the rows at each step", SHORT + ", miniBatchFraction=0.5"),
    machine(kind, "small_batches", "A tenth of the rows at each step", SHORT + ", miniBatchFraction=0.1, solver='gd'"),
    machine(kind, "partitions", "Half of the rows of two partitions", SHORT + ", miniBatchFraction=0.5", whole=False),
    machine(kind, "wide", "Larger factors to begin with", SHORT + ", initStd=0.5"),
    machine(kind, "no_step", "No step", "factorSize=2, maxIter=0, seed=4"),
    machine(kind, "settled", "A loose tolerance", "factorSize=2, stepSize=0.1, seed=4, tol=0.2, maxIter=50"),
    machine(kind, "saved", "Saved and loaded", SHORT, model="fm_" + kind),
    machine(kind, "saved_pairs", "Saved and loaded, pairs alone", SHORT + ", fitLinear=False", FACTORS[2:], model="fm_%s_pairs" % kind),
    machine(kind, "bad_factors", "No factors", "factorSize=0"),
    machine(kind, "bad_batches", "More than all rows", "miniBatchFraction=1.5"),
    machine(kind, "bad_solver", "A solver that does not exist", "solver='guess'"),
    machine(kind, "empty", "No rows", SHORT, df=NONE),
]]
MACHINES += [
    machine("classes", "history", "Losses", SHORT, NETWORK_STEPS),
    machine("classes", "history_ridge", "Losses with a penalty", SHORT + ", regParam=0.02, solver='gd', miniBatchFraction=0.5", NETWORK_STEPS),
    machine("classes", "measures", "What the summary says", SHORT,
            ["s = m.summary()", "out['accuracy'] = s.accuracy", "out['roc'] = s.areaUnderROC", "out['f'] = s.fMeasureByLabel()", "out['columns'] = [s.scoreCol, s.weightCol]"]),
    machine("classes", "thresholds", "Thresholds", SHORT, ["m.setThresholds([0.2, 0.8])"] + FACTORS),
    machine("classes", "three", "Labels of three classes", SHORT, df=(ROWS[0], [[row[1]] + row[1:] for row in ROWS[1]])),
    machine("classes", "predict", "Single vectors", SHORT,
            ["v = Vectors.dense(1.0, 2.0, 0.0, 5.0, 1.0)", "out['one'] = m.predict(v)", "out['raw'] = m.predictRaw(v)", "out['p'] = m.predictProbability(v)"]),
    machine("numbers", "predict", "Single vectors", SHORT, ["out['one'] = m.predict(Vectors.dense(1.0, 2.0, 0.0, 5.0, 1.0))"]),
    machine("numbers", "null", "A label that is null", SHORT, df=(ROWS[0], [[1.0, 1.0, None, dense(1.0), 1.0]])),
]

CASES = PLANES + GENERAL + SURVIVAL + STEP_CASES + NETWORKS + MACHINES
