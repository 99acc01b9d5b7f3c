"""Cases of the curves of classifiers of two classes: what summaries have as DataFrames."""
from ml_examples import case
from ml_examples_learners import MANY, ONE_CLASS, ROWS

CURVES = ["out['roc'] = s.roc", "out['pr'] = s.pr", "out['f'] = s.fMeasureByThreshold", "out['precision'] = s.precisionByThreshold", "out['recall'] = s.recallByThreshold"]
OF_TRAINING = ["s = m.summary"] + CURVES + ["out['area'] = s.areaUnderROC"]
OF_CALL = ["s = m.summary()"] + CURVES + ["out['area'] = s.areaUnderROC"]
OF_OTHERS = ["s = m.evaluate(df.where('w < 2'))"] + CURVES + ["out['area'] = s.areaUnderROC", "out['predictions'] = s.predictions.select('two', 'prediction')"]


def curves(family, stage, id, description, arguments, shown, df=ROWS):
    code = ["df = df.coalesce(1)", "m = %s(labelCol='two'%s).fit(df)" % (stage, ", " + arguments if arguments else "")]
    return case(family, "curves" + id, description, code + shown, df=df)


CASES = [
    curves("logistic_regression", "LogisticRegression", "", "The curves of a training", "regParam=0.1", OF_TRAINING),
    curves("logistic_regression", "LogisticRegression", "_weighted", "The curves of weighted rows", "regParam=0.1, weightCol='w'", OF_TRAINING),
    curves("logistic_regression", "LogisticRegression", "_evaluated", "The curves of other rows", "regParam=0.1", OF_OTHERS),
    curves("logistic_regression", "LogisticRegression", "_one_class", "The curves of one class of two", "regParam=0.1, maxIter=3", OF_TRAINING, ONE_CLASS),
    curves("logistic_regression", "LogisticRegression", "_used", "A query over a curve", "regParam=0.1",
           ["s = m.summary", "out['best'] = s.fMeasureByThreshold.orderBy(F.desc('F-Measure'), 'threshold').limit(3)", "out['points'] = s.roc.count()",
            "out['joined'] = s.precisionByThreshold.join(s.recallByThreshold, 'threshold').where('recall > 0.9').orderBy('threshold')"]),
    curves("logistic_regression", "LogisticRegression", "_named", "Columns of other names", "regParam=0.1, probabilityCol='p', rawPredictionCol='r', predictionCol='q'", OF_TRAINING),
    curves("linear_svc", "LinearSVC", "", "The curves of a training", "regParam=0.1, maxIter=10", OF_CALL),
    curves("linear_svc", "LinearSVC", "_evaluated", "The curves of other rows", "regParam=0.1, maxIter=10", OF_OTHERS),
    curves("fm_classifier", "FMClassifier", "", "The curves of a training", "maxIter=5, seed=3, factorSize=2, stepSize=0.1", OF_CALL),
    curves("random_forest_classifier", "RandomForestClassifier", "", "The curves of a training: few scores", "numTrees=3, maxDepth=2, seed=5", OF_TRAINING, MANY),
    curves("random_forest_classifier", "RandomForestClassifier", "_evaluated", "The curves of other rows", "numTrees=3, maxDepth=2, seed=5", OF_OTHERS, MANY),
]
