"""Cases of LinearSVC, generalized linear regression, survival and isotonic regression, perceptrons and factorization machines."""
from ml_examples import case, dense, sparse
from ml_examples_learners import HISTORY, MEASURES, NONE, ONE_CLASS, PLAIN, ROWS, SAVED


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

CASES = PLANES
