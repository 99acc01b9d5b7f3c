"""Cases of trees over features that are categories."""
import random

from ml_examples import case, dense, sparse
from ml_examples_learners import FOREST, ONE_TREE, SAVED

COLOURS = ["red", "green", "blue", "grey", "pink", "black", "white"]
SHAPES = ["round", "square", "flat"]


def rows(count, seed):
    """Rows (two, three, number, colour, shape, x, many, features, w) whose labels depend on the categories, about."""
    source = random.Random(seed)
    made = []
    for i in range(count):
        colour, shape = source.choice(COLOURS), source.choice(SHAPES)
        x, many = round(source.gauss(0, 1), 3), float(source.randrange(12))
        score = (COLOURS.index(colour) * 5 % 7) / 3.0 - (SHAPES.index(shape) == 1) + x + (many * 7 % 12) / 6.0 - 2 + source.gauss(0, 0.5)
        three = float(min(2, max(0, round(score / 1.5 + 1))))
        features = [float(COLOURS.index(colour)), x, many, 4.0]
        made.append([float(score > 0), three, round(score, 3), colour, shape, x, many,
                     dense(*features) if i % 2 else sparse(4, {j: v for j, v in enumerate(features) if v}), 0.5 + i % 3])
    return made


SCHEMA = "two DOUBLE, three DOUBLE, number DOUBLE, colour STRING, shape STRING, x DOUBLE, many DOUBLE, features VECTOR, w DOUBLE"
ROWS = (SCHEMA, rows(240, 23))

# Colours and shapes by their number of rows, and a number.
ASSEMBLED = ["i = StringIndexer(inputCols=['colour', 'shape'], outputCols=['c', 's']).fit(df)",
             "df = VectorAssembler(inputCols=['c', 'x', 's'], outputCol='f').transform(i.transform(df))"]
# Few shapes, whose splits are of any of them.
SHAPED = ["i = StringIndexer(inputCols=['shape'], outputCols=['s']).fit(df)",
          "df = VectorAssembler(inputCols=['s', 'x'], outputCol='f').transform(i.transform(df))"]
# Features with at most 12 values are categories, one of them with one value only.
INDEXED = ["df = VectorIndexer(inputCol='features', outputCol='f', maxCategories=12).fit(df).transform(df)"]
ONE_HOT = ["i = StringIndexer(inputCol='colour', outputCol='c').fit(df)", "df = i.transform(df)",
           "df = OneHotEncoder(inputCols=['c'], outputCols=['h']).fit(df).transform(df)",
           "df = VectorAssembler(inputCols=['h', 'x'], outputCol='f').transform(df)"]
BUCKETS = ["df = Bucketizer(splits=[-float('inf'), -1.0, -0.2, 0.3, 1.0, float('inf')], inputCol='x', outputCol='b').transform(df)",
           "df = Binarizer(threshold=5.0, inputCol='many', outputCol='half').transform(df)",
           "df = VectorAssembler(inputCols=['b', 'half'], outputCol='f').transform(df)"]

TREES = {
    "decision_tree_classifier": ("DecisionTreeClassifier", ONE_TREE, "labelCol='three'"),
    "decision_tree_regressor": ("DecisionTreeRegressor", ONE_TREE, "labelCol='number'"),
    "random_forest_classifier": ("RandomForestClassifier", FOREST, "labelCol='three', seed=5, numTrees=3"),
    "random_forest_regressor": ("RandomForestRegressor", FOREST, "labelCol='number', seed=5, numTrees=3"),
    "gbt_classifier": ("GBTClassifier", FOREST, "labelCol='two', seed=3, maxDepth=3, maxIter=3"),
    "gbt_regressor": ("GBTRegressor", FOREST, "labelCol='number', seed=3, maxDepth=3, maxIter=3"),
}


def tree(family, id, description, before, arguments="", df=ROWS, model=None, shown=None):
    stage, all, common = TREES[family]
    shown = [line.replace("'features'", "'f'") for line in (shown or all)]
    given = dict(one.split("=", 1) for one in (common + ", featuresCol='f', leafCol='leaf'" + (", " + arguments if arguments else "")).split(", "))
    code = ["df = df.coalesce(1)"] + before + ["m = %s(%s).fit(df)" % (stage, ", ".join("%s=%s" % one for one in given.items()))]
    if model:
        code += [SAVED, "m = %sModel.load(MODEL_DIR)" % stage.replace("ifier", "ification").replace("ressor", "ression")]
    return case(family, "categories_" + id, description, code + shown, model=model, df=df)


CASES = [
    tree("decision_tree_classifier", "three", "Categories of three classes, in the order of their impurity", ASSEMBLED),
    tree("decision_tree_classifier", "any", "Few categories of three classes: any of them may go left", SHAPED, "maxDepth=4"),
    tree("decision_tree_classifier", "any_entropy", "Few categories of three classes, entropy, weighted rows", SHAPED, "impurity='entropy', weightCol='w', maxDepth=4"),
    tree("decision_tree_classifier", "more_bins", "More bins: any of more categories may go left", ASSEMBLED, "maxBins=200, maxDepth=4"),
    tree("decision_tree_classifier", "few_bins", "Fewer bins: categories go left in an order", ASSEMBLED, "maxBins=7, maxDepth=4"),
    tree("decision_tree_classifier", "two", "Categories of two classes, in the order of the weight of the second", ASSEMBLED, "labelCol='two'"),
    tree("decision_tree_classifier", "two_weighted", "Categories of two classes, weighted rows", ASSEMBLED, "labelCol='two', weightCol='w'"),
    tree("decision_tree_classifier", "indexed", "Features that are categories for they have few values, one of them a single one", INDEXED),
    tree("decision_tree_classifier", "one_hot", "Features of one category each", ONE_HOT),
    tree("decision_tree_classifier", "buckets", "Buckets and a binary feature", BUCKETS),
    tree("decision_tree_classifier", "saved", "Saved and loaded", ASSEMBLED, "maxDepth=4", model="decision_tree_classifier_categories"),
    tree("decision_tree_classifier", "too_many", "More categories than bins", ASSEMBLED, "maxBins=6"),
    tree("decision_tree_classifier", "too_few_rows", "More categories than rows", ASSEMBLED + ["df = df.limit(5)"]),
    tree("decision_tree_classifier", "rows", "At least 15 rows in a leaf", ASSEMBLED, "minInstancesPerNode=15"),
    tree("decision_tree_classifier", "memory", "Little memory: a node at a time", ASSEMBLED, "maxMemoryInMB=0, maxDepth=3"),
    tree("decision_tree_classifier", "kept", "An index for unseen values is a category", [
        "i = StringIndexer(inputCol='colour', outputCol='c', handleInvalid='keep').fit(df.where(\"colour <> 'pink'\"))",
        "df = VectorAssembler(inputCols=['c', 'x'], outputCol='f').transform(i.transform(df))"], "maxDepth=3"),
    tree("decision_tree_classifier", "unseen", "Categories that training did not see", SHAPED + [
        "df = df.where('s < 2').drop('f')", "df = VectorAssembler(inputCols=['s', 'x'], outputCol='f').transform(df)"], "maxDepth=3",
        shown=["out['tree'] = m.toDebugString.split('\\n')[1:]", "out['at'] = [m.predict(Vectors.dense(v, 0.1)) for v in [0.0, 1.0, 2.0, 7.0, -1.0, 0.5]]"]),
    tree("decision_tree_classifier", "sliced", "A slice of features, one after the other", ASSEMBLED + [
        "df = df.withColumnRenamed('f', 'g')", "df = VectorSlicer(inputCol='g', outputCol='f', indices=[2, 0]).transform(df)"], "maxDepth=3"),
    tree("decision_tree_classifier", "bucket_of_nan", "A bucket beyond those that are known", [
        "df = df.withColumn('x', F.when(F.col('x') > 0.8, F.lit(float('nan'))).otherwise(F.col('x')))",
        "df = Bucketizer(splits=[-float('inf'), 0.0, float('inf')], inputCol='x', outputCol='b', handleInvalid='keep').transform(df)",
        "df = VectorAssembler(inputCols=['b', 'many'], outputCol='f').transform(df)"]),
    tree("decision_tree_classifier", "chosen", "Features that a selector calls categories without saying how many", [
        "df = ChiSqSelector(numTopFeatures=2, featuresCol='features', outputCol='f', labelCol='three').fit(df).transform(df)"]),
    tree("decision_tree_classifier", "chosen_known", "Features that a selector chose of known ones", ASSEMBLED + [
        "df = df.withColumnRenamed('f', 'g')", "df = UnivariateFeatureSelector(featuresCol='g', outputCol='f', labelCol='three', selectionMode='numTopFeatures')"
        ".setFeatureType('categorical').setLabelType('categorical').setSelectionThreshold(2).fit(df).transform(df)"], "maxDepth=3"),
    tree("decision_tree_classifier", "labels", "Labels that are indices of strings", ASSEMBLED + ["df = df.withColumn('shape', F.when(F.col('two') == 1, 'yes').otherwise('no'))",
        "df = StringIndexer(inputCol='shape', outputCol='l', handleInvalid='keep').fit(df).transform(df)"], "labelCol='l', maxDepth=3",
        shown=ONE_TREE + ["out['classes'] = m.numClasses"]),
    tree("decision_tree_classifier", "formula", "A formula's features", ["df = RFormula(formula='three ~ colour + x + shape', featuresCol='f', labelCol='l').fit(df).transform(df)"], "maxDepth=3"),
    tree("decision_tree_classifier", "interacting", "One column that interacts with none", [
        "df = StringIndexer(inputCol='colour', outputCol='c').fit(df).transform(df)",
        "df = Interaction(inputCols=['c'], outputCol='f').transform(df)"], "maxDepth=3"),
    tree("decision_tree_classifier", "assembled_again", "Vectors of known features in another vector", INDEXED + [
        "df = df.withColumnRenamed('f', 'g')", "df = VectorAssembler(inputCols=['x', 'g'], outputCol='f').transform(df)"], "maxDepth=3"),
    tree("decision_tree_classifier", "assembled_unknown", "A vector of unknown features before categories", [
        "df = StringIndexer(inputCol='colour', outputCol='c').fit(df).transform(df)",
        "df = VectorAssembler(inputCols=['features', 'c'], outputCol='f').transform(df)"], "maxDepth=3"),
    tree("decision_tree_classifier", "assembled_scaled", "A scaled vector before categories", [
        "df = StringIndexer(inputCol='colour', outputCol='c').fit(df).transform(df)",
        "df = StandardScaler(inputCol='features', outputCol='g').fit(df).transform(df)",
        "df = VectorAssembler(inputCols=['g', 'c'], outputCol='f').transform(df)"], "maxDepth=3"),
    tree("decision_tree_regressor", "numbers", "Categories in the order of their mean label", ASSEMBLED),
    tree("decision_tree_regressor", "weighted", "Categories in the order of their mean label, weighted rows", ASSEMBLED, "weightCol='w', maxDepth=4"),
    tree("decision_tree_regressor", "indexed", "Features that are categories for they have few values", INDEXED, "maxDepth=4"),
    tree("decision_tree_regressor", "saved", "Saved and loaded", INDEXED, "maxDepth=4", model="decision_tree_regressor_categories"),
    tree("decision_tree_regressor", "too_many", "More categories than bins", INDEXED, "maxBins=8"),
    tree("random_forest_classifier", "three", "Categories of three classes", ASSEMBLED, "maxDepth=4"),
    tree("random_forest_classifier", "two", "Categories of two classes, half of the rows", INDEXED, "labelCol='two', subsamplingRate=0.5, maxDepth=4"),
    tree("random_forest_classifier", "any", "Few categories of three classes", SHAPED, "maxDepth=3, featureSubsetStrategy='all'"),
    tree("random_forest_classifier", "saved", "Saved and loaded", ASSEMBLED, "maxDepth=3", model="random_forest_classifier_categories"),
    tree("random_forest_regressor", "numbers", "Categories of numbers", ASSEMBLED, "maxDepth=4"),
    tree("random_forest_regressor", "saved", "Saved and loaded", INDEXED, "maxDepth=3", model="random_forest_regressor_categories"),
    tree("gbt_classifier", "two", "Categories", ASSEMBLED),
    tree("gbt_classifier", "saved", "Saved and loaded", INDEXED, model="gbt_classifier_categories"),
    tree("gbt_classifier", "too_many", "More categories than bins", INDEXED, "maxBins=4"),
    tree("gbt_regressor", "numbers", "Categories", INDEXED),
    tree("gbt_regressor", "absolute", "Absolute errors, some features", ASSEMBLED, "lossType='absolute', featureSubsetStrategy='2'"),
    tree("gbt_regressor", "saved", "Saved and loaded", ASSEMBLED, model="gbt_regressor_categories"),
]
