"""Cases of mixtures of normal distributions and of bisecting k-means."""
import random

from ml_examples import case, dense, sparse
from ml_examples_learners import MANY, ROWS

SAVED = "m.write().overwrite().save(MODEL_DIR)"


def points(count, seed, size=2):
    """Rows (features, weight) around three centres, every third vector sparse."""
    source = random.Random(seed)
    centres = [[source.uniform(-8, 8) for _ in range(size)] for _ in range(3)]
    made = []
    for i in range(count):
        x = [round(c + source.gauss(0, 1 + j / 2), 2) for j, c in enumerate(centres[source.randint(0, 2)])]
        made.append([sparse(size, {j: v for j, v in enumerate(x) if v}) if i % 3 == 0 else dense(*x), 0.5 + i % 4 / 2])
    return made


SCHEMA = "features VECTOR, w DOUBLE"
FEW = (SCHEMA, points(40, 3))
WIDE = (SCHEMA, points(150, 5, 4))
FLAT = (SCHEMA, [[dense(row[0]["values"][0] if row[0]["vector"] == "dense" else 1.0, 0.0), row[1]] for row in points(30, 9)])
ONE = (SCHEMA, [[dense(1.0, 2.0), 1.0]])
NONE = (SCHEMA, [])

MIXTURE = ["out['weights'] = list(m.weights)", "out['gaussians'] = m.gaussiansDF.select('mean')", "out['cov'] = [list(r['cov'].toArray().ravel()) for r in m.gaussiansDF.collect()]",
           "out['features'] = m.numFeatures", "out['transform'] = m.transform(df.limit(12))"]
FOUND = ["s = m.summary", "out['summary'] = [s.k, s.numIter, s.logLikelihood]", "out['sizes'] = s.clusterSizes", "out['columns'] = [s.featuresCol, s.predictionCol, s.probabilityCol]",
         "out['cluster'] = s.cluster.limit(9)", "out['probability'] = s.probability.limit(4)", "out['predictions'] = s.predictions.limit(4)"]


def mixture(id, description, arguments="", shown=MIXTURE, df=FEW, model=None):
    code = ["m = GaussianMixture(%s).fit(df)" % arguments]
    if model:
        code += [SAVED, "m = GaussianMixtureModel.load(MODEL_DIR)"]
    return case("gaussian_mixture", id, description, code + shown, model=model, df=df)


MIXTURES = [
    mixture("two", "Two parts", "seed=1", MIXTURE + FOUND),
    mixture("three", "Three parts", "k=3, seed=7", MIXTURE + FOUND),
    mixture("wide", "Four features", "k=3, seed=2, tol=1e-4", MIXTURE + FOUND, WIDE),
    mixture("many", "More rows, draws by gaps", "k=2, seed=5, maxIter=5", MIXTURE + FOUND, WIDE),
    mixture("weighted", "Weighted rows", "k=2, seed=11, weightCol='w'", MIXTURE + FOUND),
    mixture("one_step", "One step", "k=2, seed=3, maxIter=1"),
    mixture("no_step", "No step", "k=2, seed=3, maxIter=0", MIXTURE),
    mixture("flat", "A feature that does not vary", "k=2, seed=3, maxIter=4", MIXTURE, FLAT),
    mixture("columns", "Other columns", "k=2, seed=3, predictionCol='p', probabilityCol='q'", MIXTURE + FOUND),
    mixture("no_probability", "Without probabilities", "k=2, seed=3, probabilityCol=''", ["out['transform'] = m.transform(df)"]),
    mixture("predict", "Single vectors", "k=2, seed=3", ["out['p'] = m.predict(Vectors.dense(1.0, 2.0))", "out['q'] = m.predictProbability(Vectors.sparse(2, [0], [3.0]))"]),
    mixture("saved", "Saved and loaded", "k=2, seed=4", MIXTURE, model="gaussian_mixture"),
    mixture("dealt", "A local table as it is", "k=2, seed=6", MIXTURE, MANY),
    mixture("one_row", "One row", "k=2, seed=3, maxIter=2", ["out['weights'] = list(m.weights)"], ONE),
    mixture("none", "No rows", "k=2", [], NONE),
    mixture("bad_k", "One part", "k=1"),
    mixture("wrong_type", "A column that is not one of vectors", "featuresCol='w'"),
    mixture("null", "A vector that is null", "k=2", [], (SCHEMA, [[None, 1.0]])),
    mixture("negative", "A weight below 0", "k=2, weightCol='w'", [], (SCHEMA, [[dense(1.0), -1.0]])),
]
# -------------------------------------------------------------------------------------------------- bisecting k-means

TREE = ["out['centers'] = [list(c) for c in m.clusterCenters()]", "out['features'] = m.numFeatures", "out['transform'] = m.transform(df.limit(15))"]
MEASURES = ["s = m.summary", "out['summary'] = [s.k, s.numIter, s.trainingCost]", "out['sizes'] = s.clusterSizes", "out['columns'] = [s.featuresCol, s.predictionCol]",
            "out['cluster'] = s.cluster.limit(9)", "out['predictions'] = s.predictions.limit(4)", "out['cost'] = m.computeCost(df)"]
POSITIVE = (SCHEMA, [[dense(*(abs(v) + 0.5 for v in row[0]["values"])) if row[0]["vector"] == "dense" else sparse(2, {0: 1.5}), row[1]] for row in points(40, 13)])
SAME = (SCHEMA, [[dense(1.0, 2.0), 1.0]] * 5)


def bisecting(id, description, arguments="", shown=TREE, df=FEW, model=None):
    code = ["m = BisectingKMeans(%s).fit(df)" % arguments]
    if model:
        code += [SAVED, "m = BisectingKMeansModel.load(MODEL_DIR)"]
    return case("bisecting_k_means", id, description, code + shown, model=model, df=df)


BISECTING = [
    bisecting("two", "Two clusters", "k=2, seed=1", TREE + MEASURES),
    bisecting("three", "Three clusters", "k=3, seed=1", TREE + MEASURES),
    bisecting("default", "Four clusters", "seed=5", TREE + MEASURES),
    bisecting("seven", "Seven clusters", "k=7, seed=3", TREE + MEASURES),
    bisecting("many", "Many clusters", "k=16, seed=3", TREE + MEASURES, WIDE),
    bisecting("more_than_four", "More than four are divided on one level, the larger ones first", "k=14, seed=8, minDivisibleClusterSize=2", TREE + MEASURES, WIDE),
    bisecting("share", "The least share of rows that is divided", "k=9, seed=3, minDivisibleClusterSize=0.2", TREE + MEASURES, WIDE),
    bisecting("weighted", "Weighted rows", "k=4, seed=3, weightCol='w'", TREE + MEASURES),
    bisecting("cosine", "By angles", "k=4, seed=3, distanceMeasure='cosine'", TREE + MEASURES, POSITIVE),
    bisecting("cosine_weighted", "By angles, weighted", "k=3, seed=3, distanceMeasure='cosine', weightCol='w'", TREE + MEASURES, POSITIVE),
    bisecting("one_step", "One step a level", "k=3, seed=3, maxIter=1", TREE + MEASURES),
    bisecting("same", "Rows that are all the same", "k=3, seed=3", TREE + MEASURES, SAME),
    bisecting("one_row", "One row", "k=3, seed=3", TREE, ONE),
    bisecting("predict", "Single vectors", "k=3, seed=3", ["out['p'] = m.predict(Vectors.dense(1.0, 2.0))", "out['q'] = m.predict(Vectors.sparse(2, [0], [3.0]))"]),
    bisecting("columns", "Another column", "k=2, seed=3, predictionCol='p'", TREE + MEASURES),
    bisecting("saved", "Saved and loaded", "k=5, seed=4", TREE, model="bisecting_k_means"),
    bisecting("dealt", "A local table as it is", "k=8, seed=6", TREE, WIDE),
    bisecting("none", "No rows", "k=2", [], NONE),
    bisecting("bad_k", "One cluster", "k=1"),
    bisecting("bad_size", "A least size of 0", "minDivisibleClusterSize=0.0"),
    bisecting("wrong_size", "Vectors that differ in size", "k=2", [], (SCHEMA, [[dense(1.0), 1.0], [dense(1.0, 2.0), 1.0]])),
    bisecting("null", "A vector that is null", "k=2", [], (SCHEMA, [[dense(1.0), 1.0], [None, 1.0]])),
    bisecting("zero", "A vector without an angle", "k=2, distanceMeasure='cosine'", [], (SCHEMA, [[dense(1.0, 1.0), 1.0], [dense(0.0, 0.0), 1.0]])),
]
for one in MIXTURES + BISECTING:
    if one["id"] == "dealt":
        one["code"].insert(0, "df = spark.createDataFrame(df.collect(), df.schema)")

CASES = MIXTURES + BISECTING
