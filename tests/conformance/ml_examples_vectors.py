"""Cases of VectorIndexer and PCA."""
from ml_examples import case, dense, sparse

DF = ("id INT, v VECTOR", [[0, dense(-1.0, 0.0, 1.5)], [1, dense(0.0, 1.0, 2.5)], [2, dense(0.0, 2.0, 1.5)], [3, sparse(3, {1: 2.0, 2: -4.0})],
                           [4, sparse(3, {0: 3.0})]])
NEW = ["df = spark.createDataFrame([(Vectors.dense([0.0, 2.0, 7.0]),), (Vectors.dense([9.0, 1.0, 1.5]),), (Vectors.sparse(3, {0: 4.0}),)], ['v'])"]


def indexer(id, description, arguments="", df=DF, more=(), model=None):
    code = ["m = VectorIndexer(inputCol='v', outputCol='o'%s).fit(df)" % (", " + arguments if arguments else "")] + list(more)
    if model:
        code += ["m.write().overwrite().save(MODEL_DIR)", "m = VectorIndexerModel.load(MODEL_DIR)"]
    code += ["out['features'] = m.numFeatures", "out['maps'] = {k: sorted(v.items()) for k, v in sorted(m.categoryMaps.items())}"]
    return case("vector_indexer", id, description, code + ["out['transform'] = m.transform(df)"], model=model, df=df)


def numbers(seed, rows, columns, scale="1.0"):
    return ["import random", "r = random.Random(%d)" % seed,
            "df = spark.createDataFrame([(Vectors.dense([r.gauss(0.0, %s) + (i %% 3) for _ in range(%d)]),) for i in range(%d)], ['v']).coalesce(1)"
            % (scale, columns, rows)]


def pca(id, description, k, df=DF, more=(), model=None):
    code = list(more) + ["m = PCA(inputCol='v', outputCol='o', k=%d).fit(df)" % k]
    if model:
        code += ["m.write().overwrite().save(MODEL_DIR)", "m = PCAModel.load(MODEL_DIR)"]
    code += ["out['pc'] = m.pc", "out['explained'] = m.explainedVariance", "out['transform'] = m.transform(df)"]
    return case("pca", id, description, code, model=model, df=df)


CASES = [
    indexer("default", "Few values are categories", model="vector_indexer"),
    indexer("two_categories", "More than two values are not categories", "maxCategories=2", model="vector_indexer_none"),
    indexer("three_categories", "More than three values are not categories", "maxCategories=3"),
    indexer("unseen_error", "A value that training did not see", more=NEW),
    indexer("unseen_skip", "Rows with such a value are dropped", "handleInvalid='skip'", more=NEW),
    indexer("unseen_keep", "Such a value has an index of its own", "handleInvalid='keep'", more=NEW),
    indexer("without_zero", "A sparse vector where training saw no 0", df=("v VECTOR", [[dense(1.0, 5.0)], [dense(2.0, 6.0)]]),
            more=["df = spark.createDataFrame([(Vectors.sparse(2, {1: 6.0}),)], ['v'])"]),
    indexer("null", "A null vector", df=("v VECTOR", [[dense(1.0)], [None]])),
    indexer("sizes", "Vectors of two sizes", df=("v VECTOR", [[dense(1.0)], [dense(1.0, 2.0)]])),
    indexer("one_category", "maxCategories below 2", "maxCategories=1"),
    indexer("empty", "No rows", df=("v VECTOR", [])),
    pca("two_of_three", "Two components of three", 2, model="pca"),
    pca("three_of_three", "All components", 3),
    pca("docs", "The example of the documentation", 2, ("v VECTOR", [[sparse(5, {1: 1.0, 3: 7.0})], [dense(2.0, 0.0, 3.0, 4.0, 5.0)], [dense(4.0, 0.0, 0.0, 6.0, 7.0)]])),
    pca("two_rows", "Fewer rows than features", 1, ("v VECTOR", [[dense(1.0, 2.0, 3.0, 4.0)], [dense(2.0, 0.0, 1.0, -1.0)]])),
    pca("sparse_rows", "Sparse vectors", 2, ("v VECTOR", [[sparse(4, {0: 1.0})], [sparse(4, {1: 2.0, 2: 0.5})], [sparse(4, {3: -1.0})], [sparse(4, {0: 3.0})]])),
    pca("wide", "Ten features", 4, more=numbers(1, 60, 10)),
    pca("wide_scaled", "Twenty features far from 0", 5, more=numbers(2, 100, 20, "50.0")),
    pca("large", "Twenty-five features", 25, more=numbers(3, 80, 25)),
    pca("constant", "A feature that does not vary", 2, ("v VECTOR", [[dense(1.0, 7.0, 2.0)], [dense(3.0, 7.0, -1.0)], [dense(0.5, 7.0, 0.0)]])),
    pca("k_too_large", "More components than features", 4),
    pca("k_zero", "No components", 0),
    pca("one_row", "One row has no covariance", 1, ("v VECTOR", [[dense(1.0, 2.0)]])),
    pca("null", "A null vector", 1, ("v VECTOR", [[dense(1.0, 2.0)], [None]])),
    pca("empty", "No rows", 1, ("v VECTOR", [])),
    pca("sizes", "Vectors of two sizes", 1, ("v VECTOR", [[dense(1.0, 2.0)], [dense(1.0)]])),
    pca("other_size", "A vector of another size when it is transformed", 1, more=[]),
]
CASES[-1]["code"].insert(1, "df = spark.createDataFrame([(Vectors.dense([1.0]),)], ['v'])")
