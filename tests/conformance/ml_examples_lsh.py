"""Cases of MinHashLSH and BucketedRandomProjectionLSH."""
from ml_examples import case, dense, sparse

POINTS = [[0, dense(-1.0, -1.0)], [1, dense(-1.0, 1.0)], [2, dense(1.0, -1.0)], [3, dense(1.0, 1.0)], [4, sparse(2, {0: 3.0})], [5, dense(0.0, 0.0)]]
OTHERS = [[10, dense(2.0, 2.0)], [11, dense(2.0, 3.0)], [12, dense(3.0, 2.0)], [13, dense(3.0, 3.0)], [14, dense(1.0, 1.0)]]
A, B = ("id INT, v VECTOR", POINTS), ("id INT, v VECTOR", OTHERS)
SETS = ("id INT, v VECTOR", [[0, sparse(6, {0: 1.0, 1: 1.0, 2: 1.0})], [1, sparse(6, {2: 1.0, 3: 1.0, 4: 1.0})], [2, sparse(6, {0: 1.0, 2: 1.0, 4: 1.0})],
                             [3, dense(0.0, 5.0, 0.0, -1.0, 0.0, 2.0)]])
SETS_B = ("id INT, v VECTOR", [[3, sparse(6, {1: 1.0, 3: 1.0, 5: 1.0})], [4, sparse(6, {2: 1.0, 3: 1.0, 5: 1.0})], [5, sparse(6, {1: 1.0, 2: 1.0, 4: 1.0})]])
BRP = "m = BucketedRandomProjectionLSH(inputCol='v', outputCol='h', seed=12345, bucketLength=%s, numHashTables=%d).fit(df)"
MIN = "m = MinHashLSH(inputCol='v', outputCol='h', seed=%d, numHashTables=%d).fit(df)"
NEAR = ["near = m.approxNearestNeighbors(%s, %s, %d)", "out['near'] = near.select('id', 'distCol').orderBy('distCol', 'id')"]
JOIN = ["joined = m.approxSimilarityJoin(df, other, %s, 'd')", "out['schema'] = joined.schema.simpleString()",
        "out['joined'] = joined.select(F.col('datasetA.id').alias('a'), F.col('datasetB.id').alias('b'), 'd').orderBy('a', 'b')"]
SAVE = ["m.write().overwrite().save(MODEL_DIR)", "m = %sModel.load(MODEL_DIR)"]


def brp(id, description, code, df=A, other=B, model=None, length="2.0", tables=3):
    saved = [SAVE[0], SAVE[1] % "BucketedRandomProjectionLSH"] if model else []
    return case("random_projection_lsh", id, description, [BRP % (length, tables)] + saved + code, model=model, df=df, other=other)


def minhash(id, description, code, df=SETS, other=SETS_B, model=None, seed=12345, tables=5):
    saved = [SAVE[0], SAVE[1] % "MinHashLSH"] if model else []
    return case("min_hash_lsh", id, description, [MIN % (seed, tables)] + saved + code, model=model, df=df, other=other)


def joined(threshold):
    return [JOIN[0] % threshold] + JOIN[1:]


def near(df, key, k):
    return [NEAR[0] % (df, key, k), NEAR[1]]


TRANSFORM = ["out['transform'] = m.transform(df)"]
CASES = [
    brp("transform", "The hashes", TRANSFORM, model="random_projection_lsh"),
    brp("short_buckets", "Short buckets, one table", TRANSFORM, length="0.25", tables=1),
    brp("nearest", "The nearest neighbours", near("df", "Vectors.dense([1.0, 0.25])", 2)),
    brp("nearest_transformed", "Neighbours among rows that have hashes", ["df = m.transform(df)"] + near("df", "Vectors.dense([1.0, 0.25])", 4)),
    brp("nearest_all", "More neighbours than there are", near("df", "Vectors.sparse(2, {1: 0.5})", 50)),
    brp("nearest_none", "No neighbour is refused", near("df", "Vectors.dense([1.0, 0.25])", 0)),
    brp("join", "Pairs that are near", joined("3.0")),
    brp("join_self", "A dataset with itself", ["other = df"] + joined("2.5")),
    brp("join_transformed", "Datasets that have hashes", ["df = m.transform(df)", "other = m.transform(other)"] + joined("3.0")),
    brp("join_duplicates", "Equal rows are one pair", joined("3.0"), df=("id INT, v VECTOR", [POINTS[3], POINTS[3]])),
    brp("null", "A null vector", ["df = spark.createDataFrame([(1, None)], df.schema)"] + TRANSFORM),
    brp("other_size", "A vector of another size", ["df = spark.createDataFrame([(1, Vectors.dense([1.0]))], df.schema)"] + TRANSFORM),
    brp("bad_length", "A bucket without length", TRANSFORM, length="0.0"),
    brp("bad_tables", "No tables", TRANSFORM, tables=0),
    brp("empty", "No rows", TRANSFORM, df=("id INT, v VECTOR", [])),
    case("random_projection_lsh", "default_seed", "The seed that Spark takes by default",
         ["m = BucketedRandomProjectionLSH(inputCol='v', outputCol='h', bucketLength=0.5, numHashTables=4).fit(df)"] + TRANSFORM, df=A),
    minhash("transform", "The hashes", TRANSFORM, model="min_hash_lsh"),
    minhash("seed", "Another seed", TRANSFORM, seed=-7, tables=2),
    minhash("nearest", "The nearest neighbours", near("other", "Vectors.sparse(6, {1: 1.0, 3: 1.0})", 2)),
    minhash("join", "Pairs that are near", joined("0.6")),
    minhash("join_self", "A dataset with itself", ["other = df"] + joined("0.9")),
    minhash("empty_set", "A vector of zeros", ["df = spark.createDataFrame([(1, Vectors.sparse(6, {}))], df.schema)"] + TRANSFORM),
    minhash("empty_key", "A key of zeros", near("df", "Vectors.sparse(6, {})", 2)),
    case("min_hash_lsh", "default_seed", "The seed that Spark takes by default",
         ["m = MinHashLSH(inputCol='v', outputCol='h', numHashTables=3).fit(df)"] + TRANSFORM, df=SETS),
]
