"""Cases of RFormula."""
from ml_examples import case, dense, sparse

DF = ("y DOUBLE, n DOUBLE, k INT, s STRING, t STRING, b BOOLEAN",
      [[1.0, 1.5, 3, "x", "k", True], [0.0, -2.0, 1, "z", "l", False], [0.5, 0.0, 2, "x", "m", True], [1.0, 4.0, 2, "w", "k", False],
       [0.0, 1.0, 5, "z", "k", True], [2.0, 0.5, 0, "x", "l", False]])
VECTORS = ("y DOUBLE, v VECTOR, s STRING", [[1.0, dense(1.0, 2.0), "a"], [0.0, sparse(2, {1: 3.0}), "b"], [1.0, dense(0.0, 0.0), "a"]])
NULLS = ("y DOUBLE, n DOUBLE, s STRING", [[1.0, 1.0, "a"], [0.0, None, "b"], [1.0, 2.0, None], [0.0, 3.0, "a"], [1.0, float("nan"), "b"]])
NEW = "df = spark.createDataFrame([(1.0, 2.0, 1, 'x', 'k', True), (0.0, 1.0, 2, 'new', 'l', False), (1.0, 3.0, 3, 'z', 'k', True)], 'y DOUBLE, n DOUBLE, k INT, s STRING, t STRING, b BOOLEAN')"


def formula(id, description, text, arguments="", df=DF, more=(), select=None, model=None):
    code = ["m = RFormula(formula=%r%s).fit(df)" % (text, ", " + arguments if arguments else "")] + list(more)
    if model:
        code += ["m.write().overwrite().save(MODEL_DIR)", "m = RFormulaModel.load(MODEL_DIR)"]
    code += ["out['text'] = str(m).split(' (uid')[0]"]
    return case("formula", id, description, code + ["out['transform'] = m.transform(df)%s" % (select or "")], model=model, df=df)


def resolved(number, text):
    code = ["m = RFormula(formula=%r).fit(df)" % text, "out['text'] = str(m).split(' (uid')[0]", "out['transform'] = m.transform(df).select('features')"]
    return case("formula", "terms_%02d" % number, "The terms of %s" % text, code, df=DF)


TERMS = ["y ~ n", "y~n+s", "y ~ n\n+\ts", "y ~ .", "y ~ . - s", "y ~ . - .", "y ~ n:s", "y ~ n*s", "y ~ (n+s)^2", "y ~ (n + k + s)^3", "y ~ n^12", "y ~ n:n",
         "y ~ n:s - s:n", "y ~ (n - s)*t", "y ~ n - (s - t)", "y ~ s:(n-t)", "y ~ 1:n", "y ~ n*1", "y ~ ((n))", "y ~ 1", "y ~ 0", "y ~ n + s - 1",
         "y ~ s + t + 0", "y ~ s:t", "y ~ s:t - 1", "y ~ s + s:t - 1", "y ~ s*t*n", "y ~ n:s:t", "y ~ n + s + n", "y ~ n:s + n*s - n", "y ~ . + .", "y ~ y", "y ~ n - 1 + 1", "y ~ 0 + 1", "y ~ n - 0",
         "y ~ (1 + n)*(s - 1)", "y ~ (n+s)*(t-b)", "y ~ (n-s):(t-b)", "~ n + s", "y ~ k + b", "y ~ n-n",
         "y ~ n + s - (t - s)", "y ~ 1 - (n - 1)", "y ~ k + s - (n - (k - s))"]

CASES = [resolved(number, text) for number, text in enumerate(TERMS)] + [
    formula("default", "Numbers, strings and their interaction", "y ~ n*s + t - 1", model="formula"),
    formula("string_label", "A label of strings becomes an index", "s ~ n + k", model="formula_string_label"),
    formula("boolean_label", "A label of booleans becomes a double", "b ~ n + s"),
    formula("forced_label", "A label of numbers becomes an index", "k ~ n", "forceIndexLabel=True", model="formula_forced"),
    formula("integer_label", "A label of integers becomes a double", "k ~ n"),
    formula("columns", "Columns of other names", "y ~ n + s", "featuresCol='f', labelCol='l'", model="formula_columns"),
    formula("order_frequency_asc", "The rarest category first", "y ~ s + t", "stringIndexerOrderType='frequencyAsc'"),
    formula("order_alphabet_asc", "Categories in alphabetical order", "y ~ s + t", "stringIndexerOrderType='alphabetAsc'"),
    formula("order_alphabet_desc", "Categories in reverse alphabetical order", "y ~ s + t", "stringIndexerOrderType='alphabetDesc'"),
    formula("vectors", "Vectors and strings", "y ~ v + s", df=VECTORS, model="formula_vectors"),
    formula("unseen_error", "A category that training did not see", "y ~ n + s", more=[NEW]),
    formula("unseen_skip", "Rows with such a category are dropped", "y ~ n + s", "handleInvalid='skip'", more=[NEW]),
    formula("unseen_keep", "Such a category has a place of its own", "y ~ n + s:t + s", "handleInvalid='keep'", more=[NEW], model="formula_keep"),
    formula("nulls_error", "Nulls", "y ~ n + s", df=NULLS),
    formula("nulls_skip", "Rows with nulls are dropped", "y ~ n + s", "handleInvalid='skip'", df=NULLS),
    formula("nulls_keep", "Nulls stay", "y ~ n + s", "handleInvalid='keep'", df=NULLS),
    formula("without_label", "A dataset to predict has no label", "y ~ n + s", more=["df = df.drop('y')"]),
    formula("without_string_label", "A dataset to predict has no label of strings", "s ~ n", more=["df = df.drop('s')"]),
    formula("label_there", "A numeric column of the label's name stays", "y ~ n", more=["df = df.withColumn('label', lit(7))"]),
    formula("label_text", "A column of the label's name that is not numeric", "y ~ n", more=["df = df.withColumn('label', lit('a'))"]),
    formula("features_there", "A column of the features' name", "y ~ n", more=["df = df.withColumn('features', lit(1.0))"]),
    formula("features_taken", "A column of the features' name in training", "y ~ n", "featuresCol='s'"),
    formula("label_forced_there", "A label that is there cannot be forced", "n ~ k", "labelCol='y', forceIndexLabel=True"),
    formula("label_indexed_there", "A label of strings whose column is there", "s ~ k", "labelCol='y'"),
    formula("unknown_term", "A term that is not a column", "y ~ n + zz"),
    formula("unknown_label", "A label that is not a column", "zz ~ n"),
    formula("not_a_formula", "What is not a formula", "y ~ n +"),
    formula("type", "A column that cannot be a feature", "y ~ n + d", more=[], df=("y DOUBLE, n DOUBLE, d ARRAY<DOUBLE>", [[1.0, 2.0, [1.0]]])),
    formula("label_type", "A column that cannot be a label", "d ~ n", df=("n DOUBLE, d ARRAY<DOUBLE>", [[2.0, [1.0]]]), select=".select('label')"),
    case("formula", "missing", "No formula", ["out['m'] = str(RFormula().fit(df))"], df=DF),
    case("formula", "names", "The names of the features reach a model's text", [
        "m = RFormula(formula='y ~ n*s + t').fit(df)",
        "out['transform'] = LinearRegression(maxIter=3, regParam=0.1, solver='l-bfgs').fit(m.transform(df)).transform(m.transform(df)).select('prediction')"], df=DF),
    case("formula", "stage", "The stage saved and loaded", [
        "RFormula(formula='y ~ n + s', handleInvalid='keep', forceIndexLabel=False).write().overwrite().save(MODEL_DIR)",
        "r = RFormula.load(MODEL_DIR)", "out['text'] = str(r).split(' (uid')[0]", "out['transform'] = r.fit(df).transform(df)"], df=DF, model="formula_stage"),
    case("formula", "pipeline", "A formula before a learner", [
        "m = Pipeline(stages=[RFormula(formula='y ~ n + s'), LinearRegression(solver='normal', regParam=0.1)]).fit(df)",
        "out['transform'] = m.transform(df).select('features', 'label', 'prediction')"], df=DF),
]
