"""Cases of boosted trees that stop when rows for validation say so."""
from ml_examples import case
from ml_examples_learners import MANY, SAVED

BEFORE = ["df = df.coalesce(1)"]
# Every third row, or so, is for validation.
THIRD = BEFORE + ["df = df.withColumn('v', F.abs(F.hash('number')) % 3 == 0)"]
SHOWN = ["out['trees'] = m.getNumTrees", "out['weights'] = list(m.treeWeights)", "out['tree'] = m.toDebugString.split('\\n')[1:]", "out['importances'] = m.featureImportances",
         "out['transform'] = m.transform(df.select('features').limit(12))"]
LESS = SHOWN[:2] + SHOWN[3:]


def classes(id, description, arguments="", before=THIRD, shown=LESS, df=MANY, model=None):
    return boosted("gbt_classifier", "GBTClassifier", "labelCol='two', seed=3, maxDepth=3", id, description, arguments, before, shown, df, model)


def numbers(id, description, arguments="", before=THIRD, shown=LESS, df=MANY, model=None):
    return boosted("gbt_regressor", "GBTRegressor", "labelCol='number', seed=3, maxDepth=3", id, description, arguments, before, shown, df, model)


def boosted(family, stage, common, id, description, arguments, before, shown, df, model):
    given = ", ".join(part for part in (common, "validationIndicatorCol='v'", arguments) if part)
    code = before + ["m = %s(%s).fit(df)" % (stage, given)]
    if model:
        code += [SAVED, "m = %sModel.load(MODEL_DIR)" % stage.replace("ifier", "ification").replace("ressor", "ression"),
                 "out['validation'] = [m.getOrDefault('validationIndicatorCol'), m.getOrDefault('validationTol')]"]
    return case(family, "validation_" + id, description, code + shown, model=model, df=df)


CASES = [
    classes("default", "Trees until the error of validation falls by less than a hundredth", "maxIter=20", shown=SHOWN),
    classes("any", "Trees as long as the error of validation falls", "maxIter=20, validationTol=0.0, stepSize=0.4"),
    classes("much", "Trees as long as the error of validation falls by half", "maxIter=10, validationTol=0.5"),
    classes("one", "One tree at most", "maxIter=1"),
    classes("weighted", "Weighted rows, half of them at a time, some features", "maxIter=15, weightCol='w', subsamplingRate=0.5, stepSize=0.3, featureSubsetStrategy='sqrt'"),
    classes("saved", "Saved and loaded", "maxIter=6, stepSize=0.3", model="gbt_classifier_validation"),
    classes("null", "Rows that are neither for training nor for validation take no part", "maxIter=10, stepSize=0.3",
            BEFORE + ["df = df.withColumn('v', F.when(F.col('w') > 1, F.abs(F.hash('number')) % 3 == 0))"]),
    classes("none", "No rows for validation", "maxIter=3", BEFORE + ["df = df.withColumn('v', F.lit(False))"]),
    classes("all", "All rows for validation", "maxIter=3", BEFORE + ["df = df.withColumn('v', F.lit(True))"]),
    classes("number", "A column that is not boolean", "maxIter=3", BEFORE + ["df = df.withColumn('v', F.lit(1))"]),
    classes("missing", "A column that does not exist", "maxIter=3", BEFORE),
    classes("bad_tol", "A tolerance below 0", "validationTol=-0.1"),
    classes("bad_label", "A label of validation that is not a class", "maxIter=3", THIRD + ["df = df.withColumn('two', F.when(F.col('v'), 3.0).otherwise(F.col('two')))"]),
    numbers("default", "Trees until the error of validation falls by less than a hundredth", "maxIter=20, stepSize=0.3", shown=SHOWN),
    numbers("absolute", "Absolute errors", "maxIter=20, lossType='absolute', stepSize=0.5"),
    numbers("any", "Trees as long as the error of validation falls, weighted rows", "maxIter=15, validationTol=0.0, stepSize=0.5, weightCol='w'"),
    numbers("saved", "Saved and loaded", "maxIter=4, stepSize=0.3", model="gbt_regressor_validation"),
]
