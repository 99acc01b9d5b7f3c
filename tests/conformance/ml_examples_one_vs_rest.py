"""Cases of OneVsRest, which fits and predicts on the client's side, and of functions between vectors and arrays that it needs."""
from ml_examples import case
from ml_examples_learners import ROWS

SHOWN = ["out['models'] = [c.coefficients for c in m.models]", "out['intercepts'] = [c.intercept for c in m.models]",
         "t = m.transform(df.select('three', 'features'))", "out['columns'] = t.columns", "out['transform'] = t.limit(20)"]
TREES = ["out['models'] = [c.toDebugString.split('\\n')[1:] for c in m.models]", "out['transform'] = m.transform(df.select('features')).limit(20)"]
VECTORS = ("i INT, v VECTOR, a ARRAY<DOUBLE>, n ARRAY<INT>", [
    [0, {"vector": "dense", "values": [1.0, 2.5]}, [1.0, 2.0], [1, 3]],
    [1, {"vector": "sparse", "size": 4, "indices": [1, 3], "values": [3.0, 4.0]}, [], []]])


def rest(id, description, classifier, arguments="", shown=SHOWN):
    code = ["df = df.coalesce(1)", "c = %s" % classifier, "m = OneVsRest(classifier=c, labelCol='three'%s).fit(df)" % (", " + arguments if arguments else "")]
    return case("one_vs_rest", id, description, code + shown, df=ROWS)


CASES = [
    rest("logistic", "Logistic regressions", "LogisticRegression(regParam=0.1, maxIter=10)"),
    rest("weighted", "Weighted rows, three models at a time", "LogisticRegression(regParam=0.1, maxIter=10)", "weightCol='w', parallelism=3"),
    rest("named", "Columns of other names", "LogisticRegression(regParam=0.1, maxIter=5, rawPredictionCol='r')", "predictionCol='p', rawPredictionCol='r'"),
    rest("plane", "Support vectors", "LinearSVC(regParam=0.1, maxIter=5)"),
    rest("trees", "Random forests", "RandomForestClassifier(numTrees=2, maxDepth=2, seed=5)", shown=TREES),
    rest("no_column", "Labels that do not exist", "LogisticRegression()", "featuresCol='missing'"),
    case("one_vs_rest", "arrays", "Vectors as arrays and back", [
        "from pyspark.ml.functions import array_to_vector, vector_to_array",
        "out['arrays'] = df.select('i', vector_to_array('v').alias('d'), vector_to_array('v', 'float32').alias('f'))",
        "out['vectors'] = df.select('i', array_to_vector('a').alias('a'), array_to_vector('n').alias('n'))"], df=VECTORS),
    case("one_vs_rest", "parts", "Parts of vectors and places in arrays", [
        "from pyspark.sql.internal import InternalFunction as I",
        "out['parts'] = df.select('i', F.unwrap_udt('v')['type'].alias('t'), F.unwrap_udt('v')['values'].alias('x'), I.vector_get(F.col('v'), F.lit(1)).alias('one'))",
        "out['places'] = df.select([I.array_binary_search(F.col('n'), F.lit(i)).alias('p%d' % i) for i in range(5)])",
        "out['largest'] = df.select(I.array_argmax(F.col('a')).alias('l'))"], df=VECTORS),
    case("one_vs_rest", "beyond", "A place beyond a vector", ["from pyspark.sql.internal import InternalFunction as I", "out['x'] = df.select(I.vector_get(F.col('v'), F.lit(2)))"], df=VECTORS),
    case("one_vs_rest", "null_vector", "A vector that is null", ["from pyspark.ml.functions import vector_to_array", "out['x'] = df.select(vector_to_array(F.when(F.col('i') > 0, F.col('v'))))"], df=VECTORS),
    case("one_vs_rest", "null_element", "An element that is null", ["from pyspark.ml.functions import array_to_vector", "out['x'] = df.select(array_to_vector(F.array_append('a', F.lit(None).cast('double'))))"], df=VECTORS),
    case("one_vs_rest", "bad_dtype", "A type of elements that does not exist", ["from pyspark.ml.functions import vector_to_array", "out['x'] = df.select(vector_to_array('v', 'float16'))"], df=VECTORS),
    case("one_vs_rest", "no_array", "A vector of a number", ["from pyspark.ml.functions import array_to_vector", "out['x'] = df.select(array_to_vector('i'))"], df=VECTORS),
    case("one_vs_rest", "no_vector", "A number as a vector", ["out['x'] = df.select(F.unwrap_udt('i'))"], df=VECTORS),
]
