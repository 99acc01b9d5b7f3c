"""Cases of feature stages that learn nothing: slicing, sizes, products, polynomials, interactions, cosines, hashes."""
from ml_examples import case, dense, sparse

DF = ("id INT, v VECTOR", [[0, dense(-2.0, 2.3, 0.0)], [1, dense(0.0, 0.0, 1.5)], [2, sparse(3, {1: 4.0})], [3, sparse(3, {})],
                           [4, sparse(3, {0: 0.0, 2: -1.25})], [5, dense("NaN", 1.0, "-Infinity")]])
NULLS = ("id INT, v VECTOR", [[0, dense(1.0, 2.0, 3.0)], [1, None]])
SIZES = ("id INT, v VECTOR", [[0, dense(1.0, 2.0, 3.0)], [1, dense(1.0)], [2, sparse(5, {1: 2.0, 4: 3.0})]])
SAVE = ["t.write().overwrite().save(MODEL_DIR)", "t = %s.load(MODEL_DIR)"]


def one(stage, id, description, arguments, df=DF, more=(), model=None):
    """A transform by one stage, after it was saved and loaded if there is a model's name."""
    code = ["t = %s(%s)" % (stage, arguments)] + ([SAVE[0], SAVE[1] % stage] if model else []) + list(more) + ["out['transform'] = t.transform(df)"]
    return case(FAMILIES[stage], id, description, code, model=model, df=df)


FAMILIES = {"VectorSlicer": "vector_slicer", "VectorSizeHint": "vector_size_hint", "ElementwiseProduct": "elementwise_product",
            "PolynomialExpansion": "polynomial_expansion", "Interaction": "interaction", "DCT": "dct", "FeatureHasher": "feature_hasher"}

MIXED = ("a INT, b DOUBLE, s STRING, f BOOLEAN, l BIGINT",
         [[2, 1.5, "x", True, 7], [0, -3.25, "y", False, -1], [None, 0.0, "x", None, 3], [5, None, None, True, None], [1, 2.0, "é", False, 9007199254740993]])
HASHED = "inputCols=['a', 'b', 's', 'f', 'l'], outputCol='o'"
IN_OUT = "inputCol='v', outputCol='o'"

CASES = [
    one("VectorSlicer", "indices", "Features in another order", IN_OUT + ", indices=[2, 0]", model="vector_slicer"),
    one("VectorSlicer", "one_index", "One feature", IN_OUT + ", indices=[1]"),
    one("VectorSlicer", "none", "Nothing is selected", IN_OUT),
    one("VectorSlicer", "twice", "An index that repeats", IN_OUT + ", indices=[1, 1]"),
    one("VectorSlicer", "negative", "A negative index", IN_OUT + ", indices=[-1]"),
    one("VectorSlicer", "beyond", "An index beyond a dense vector", IN_OUT + ", indices=[3]", SIZES),
    one("VectorSlicer", "null", "A null vector", IN_OUT + ", indices=[0]", NULLS),
    one("VectorSlicer", "wrong_type", "A column of doubles", "inputCol='b', outputCol='o', indices=[0]", MIXED),
    one("VectorSlicer", "names_unknown", "Names of a column without names", IN_OUT + ", names=['x']"),
    case("vector_slicer", "names_of_assembler", "Names that VectorAssembler gave",
         ["df = VectorAssembler(inputCols=['a', 'b', 'l'], outputCol='v').transform(df.na.drop())",
          "out['transform'] = VectorSlicer(inputCol='v', outputCol='o', indices=[1], names=['l', 'a']).transform(df)"], df=MIXED),
    case("vector_slicer", "names_overlap", "An index and a name of one feature",
         ["df = VectorAssembler(inputCols=['a', 'b', 'l'], outputCol='v').transform(df.na.drop())",
          "out['transform'] = VectorSlicer(inputCol='v', outputCol='o', indices=[1], names=['b']).transform(df)"], df=MIXED),
    one("VectorSizeHint", "error_ok", "All of the size", "inputCol='v', size=3", model="vector_size_hint"),
    one("VectorSizeHint", "error", "Another size", "inputCol='v', size=3", SIZES),
    one("VectorSizeHint", "error_null", "A null vector", "inputCol='v', size=3", NULLS),
    one("VectorSizeHint", "skip", "Rows of another size are dropped", "inputCol='v', size=3, handleInvalid='skip'", SIZES),
    one("VectorSizeHint", "skip_null", "Null rows are dropped", "inputCol='v', size=3, handleInvalid='skip'", NULLS),
    one("VectorSizeHint", "optimistic", "No row is looked at", "inputCol='v', size=3, handleInvalid='optimistic'", SIZES),
    one("VectorSizeHint", "negative", "A negative size", "inputCol='v', size=-1"),
    one("VectorSizeHint", "twice", "Two sizes of one column", "inputCol='v', size=3", more=["df = VectorSizeHint(inputCol='v', size=2, handleInvalid='optimistic').transform(df)"]),
    one("VectorSizeHint", "keep", "A word that does not exist", "inputCol='v', size=3, handleInvalid='keep'"),
    one("ElementwiseProduct", "dense", "A dense scaling vector", IN_OUT + ", scalingVec=Vectors.dense([2.0, 0.5, -1.0])", model="elementwise_product"),
    one("ElementwiseProduct", "sparse", "A sparse scaling vector", IN_OUT + ", scalingVec=Vectors.sparse(3, {1: 3.0})", model="elementwise_product_sparse"),
    one("ElementwiseProduct", "sizes", "Vectors of another size", IN_OUT + ", scalingVec=Vectors.dense([2.0, 0.5])"),
    one("ElementwiseProduct", "null", "A null vector", IN_OUT + ", scalingVec=Vectors.dense([2.0, 0.5, 1.0])", NULLS),
    one("PolynomialExpansion", "degree_2", "Degree 2", IN_OUT, model="polynomial_expansion"),
    one("PolynomialExpansion", "degree_3", "Degree 3", IN_OUT + ", degree=3"),
    one("PolynomialExpansion", "degree_1", "Degree 1", IN_OUT + ", degree=1"),
    one("PolynomialExpansion", "degree_5_sizes", "Degree 5 of vectors of several sizes", IN_OUT + ", degree=5", SIZES),
    one("PolynomialExpansion", "degree_0", "Degree 0 is refused", IN_OUT + ", degree=0"),
    one("PolynomialExpansion", "null", "A null vector", IN_OUT, NULLS),
    one("DCT", "forward", "Three values", IN_OUT, model="dct"),
    one("DCT", "inverse", "Back again", IN_OUT + ", inverse=True"),
    one("DCT", "sizes", "Vectors of several sizes", IN_OUT, SIZES),
    one("DCT", "power_of_two", "Eight values", IN_OUT, ("v VECTOR", [[dense(1.0, -2.0, 3.5, 0.0, 4.0, 5.25, -6.0, 7.0)], [sparse(8, {3: 1.0})]])),
    one("DCT", "power_of_two_inverse", "Eight values, back", IN_OUT + ", inverse=True",
        ("v VECTOR", [[dense(1.0, -2.0, 3.5, 0.0, 4.0, 5.25, -6.0, 7.0)], [sparse(8, {3: 1.0})]])),
    one("DCT", "null", "A null vector", IN_OUT, NULLS),
    one("FeatureHasher", "mixed", "Numbers, strings, booleans and nulls", HASHED, MIXED, model="feature_hasher"),
    one("FeatureHasher", "categorical", "Numbers as categories", HASHED + ", categoricalCols=['a', 'b', 'l'], numFeatures=64", MIXED),
    one("FeatureHasher", "collisions", "Few places", HASHED + ", numFeatures=3", MIXED),
    one("FeatureHasher", "wrong_type", "A column of vectors", "inputCols=['v'], outputCol='o'"),
    one("FeatureHasher", "zero_features", "No places", HASHED + ", numFeatures=0", MIXED),
    one("FeatureHasher", "missing_column", "A column that does not exist", "inputCols=['nope'], outputCol='o'", MIXED),
    one("FeatureHasher", "column_exists", "The output column exists", "inputCols=['a'], outputCol='b'", MIXED),
    one("Interaction", "numbers", "Numbers of several types", "inputCols=['a', 'b', 'l'], outputCol='o'", MIXED, ["df = df.na.drop()"], model="interaction"),
    one("Interaction", "null", "A null", "inputCols=['a', 'b'], outputCol='o'", MIXED),
    one("Interaction", "strings", "A column of strings", "inputCols=['a', 's'], outputCol='o'", MIXED),
    one("Interaction", "twice", "A column that repeats", "inputCols=['a', 'a'], outputCol='o'", MIXED),
    one("Interaction", "unknown_features", "A column of vectors of unknown size", "inputCols=['id', 'v'], outputCol='o'"),
    one("Interaction", "nominal", "An index, an assembled vector and a number", "inputCols=['i', 'v', 'a'], outputCol='o'", MIXED,
        ["df = df.na.drop()", "df = StringIndexer(inputCol='s', outputCol='i').fit(df).transform(df)",
         "df = VectorAssembler(inputCols=['b', 'l'], outputCol='v').transform(df)"]),
    one("Interaction", "names", "The names of the products, by a slice", "inputCols=['i', 'v'], outputCol='o'", MIXED,
        ["df = df.na.drop()", "df = StringIndexer(inputCol='s', outputCol='i').fit(df).transform(df)",
         "df = VectorAssembler(inputCols=['b', 'l'], outputCol='v').transform(df)",
         "df = Interaction(inputCols=['i', 'v'], outputCol='p').transform(df)",
         "df = VectorSlicer(inputCol='p', outputCol='q', names=['i_x:v_l', 'i_y:v_b']).transform(df)"]),
]
