"""Cases of trainings over local tables as they are dealt over partitions, and of the losses after each boosted tree."""
from ml_examples import case, dense
from ml_examples_learners import FOREST, MANY, ROWS

CONSTANT = (ROWS[0], [row[:3] + [dense(1.0, 4.0), 1.0] for row in ROWS[1][:9]])
EMPTY = (ROWS[0], [row[:3] + [dense(), 1.0] for row in ROWS[1][:4]])
EACH = ["out['losses'] = m.evaluateEachIteration(df)"]
NUMBERS = ["out['squared'] = m.evaluateEachIteration(df, 'squared')", "out['absolute'] = m.evaluateEachIteration(df, 'absolute')"]


def dealt(family, id, description, stage, arguments, shown, df=MANY):
    local = "df = spark.createDataFrame(df.collect(), df.schema)"
    return case(family, id, description, [local, "m = %s(%s).fit(df)" % (stage, arguments)] + shown, df=df)


def classes(id, description, arguments, shown=EACH, df=MANY):
    return dealt("gbt_classifier", "each_" + id, description, "GBTClassifier", "labelCol='two', seed=3, maxIter=5, " + arguments, shown, df)


def numbers(id, description, arguments, shown=NUMBERS, df=MANY):
    return dealt("gbt_regressor", "each_" + id, description, "GBTRegressor", "labelCol='number', seed=3, maxIter=5, " + arguments, shown, df)


CASES = [
    classes("plain", "The loss after each tree", "maxDepth=3"),
    classes("weighted", "The loss after each tree, rows weigh", "maxDepth=3, weightCol='w'"),
    classes("other_rows", "The loss on other rows", "maxDepth=2, stepSize=0.3", ["out['losses'] = m.evaluateEachIteration(df.limit(20))"]),
    classes("no_column", "A dataset without features", "maxDepth=2", ["m.evaluateEachIteration(df.drop('features'))"]),
    classes("three_labels", "Labels that are no classes of it", "maxDepth=2", ["m.evaluateEachIteration(df.selectExpr('three AS two', 'features'))"]),
    numbers("plain", "The loss after each tree", "maxDepth=3"),
    numbers("weighted", "The loss after each tree, rows weigh", "maxDepth=3, weightCol='w', lossType='absolute'"),
    numbers("unknown", "An unknown loss", "maxDepth=2", ["m.evaluateEachIteration(df, 'cubic')"]),
    dealt("random_forest_classifier", "dealt", "A local table as it is", "RandomForestClassifier", "labelCol='three', numTrees=4, seed=5, maxDepth=4, leafCol='leaf'", FOREST),
    dealt("random_forest_classifier", "dealt_few", "Fewer rows than partitions", "RandomForestClassifier", "labelCol='three', numTrees=3, seed=5, leafCol='leaf'", FOREST,
          (ROWS[0], ROWS[1][:1])),
    dealt("random_forest_regressor", "dealt", "A local table as it is", "RandomForestRegressor", "labelCol='number', numTrees=4, seed=5, subsamplingRate=0.7, leafCol='leaf'", FOREST),
    dealt("random_forest_classifier", "constant", "Features that are constant: each tree holds what it drew", "RandomForestClassifier", "labelCol='three', numTrees=5, seed=1, leafCol='leaf'", FOREST,
          CONSTANT),
    dealt("gbt_classifier", "constant", "Features that are constant", "GBTClassifier", "labelCol='two', maxIter=3, seed=1, leafCol='leaf'", FOREST, CONSTANT),
    dealt("decision_tree_classifier", "no_features", "Vectors without features", "DecisionTreeClassifier", "labelCol='two'", [], EMPTY),
    dealt("gbt_regressor", "dealt", "A local table as it is", "GBTRegressor", "labelCol='number', maxIter=3, seed=5, subsamplingRate=0.5, maxDepth=3, leafCol='leaf'", FOREST),
    dealt("k_means", "dealt", "A local table as it is", "KMeans", "k=4, seed=7", ["out['centers'] = [list(c) for c in m.clusterCenters()]"]),
    dealt("k_means", "dealt_random", "A local table as it is, centres at random", "KMeans", "k=3, seed=9, initMode='random'", ["out['centers'] = [list(c) for c in m.clusterCenters()]"]),
]
