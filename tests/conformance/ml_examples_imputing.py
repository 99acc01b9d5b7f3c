"""Cases of Imputer: means, medians and modes in the place of what is missing."""
from ml_examples import case

DF = ("a DOUBLE, b DOUBLE, i INT, f FLOAT, s STRING",
      [[1.0, "NaN", 3, 1.5, "x"], [2.0, "NaN", None, None, "y"], ["NaN", 3.0, 3, 2.5, "z"], [4.0, 4.0, -1, "NaN", None], [5.0, None, 7, 2.5, "x"],
       [None, 4.0, 3, -3.0, "x"], [1.0, -1.0, -1, 8.25, "x"]])
TWO = "inputCols=['a', 'b'], outputCols=['x', 'y']"
FIT = ["m = Imputer(%s).fit(df)", "out['surrogates'] = m.surrogateDF", "out['transform'] = m.transform(df)"]


def imputer(id, description, arguments, df=DF, more=(), model=None):
    code = [line.replace("%s", arguments) for line in FIT[:1]] + list(more)
    if model:
        code += ["m.write().overwrite().save(MODEL_DIR)", "m = ImputerModel.load(MODEL_DIR)"]
    return case("imputer", id, description, code + FIT[1:], model=model, df=df)


CASES = [
    imputer("mean", "Means of two columns", TWO, model="imputer"),
    imputer("median", "Medians of two columns", TWO + ", strategy='median'"),
    imputer("mode", "Modes of two columns; of several the least", TWO + ", strategy='mode'", model="imputer_mode"),
    imputer("one_column", "One column", "inputCol='a', outputCol='x'", model="imputer_one"),
    imputer("missing_value", "Another value stands for a missing one", TWO + ", missingValue=4.0"),
    imputer("missing_value_mode", "Another value stands for a missing one, modes", TWO + ", missingValue=4.0, strategy='mode'"),
    imputer("integers", "Integers keep their type", "inputCols=['i'], outputCols=['x']"),
    imputer("integers_missing", "Integers with a value that stands for a missing one", "inputCols=['i'], outputCols=['x'], missingValue=3.0"),
    imputer("floats", "Floats keep their type", "inputCols=['f'], outputCols=['x'], strategy='median'"),
    imputer("in_place", "The output column is the input column", "inputCols=['a'], outputCols=['a']"),
    imputer("relative_error", "A median of some error", TWO + ", strategy='median', relativeError=0.3"),
    imputer("all_missing", "A column without values", TWO, ("a DOUBLE, b DOUBLE", [[1.0, None], [2.0, "NaN"]])),
    imputer("all_missing_median", "A column without values, median", TWO + ", strategy='median'", ("a DOUBLE, b DOUBLE", [[1.0, None], [2.0, "NaN"]])),
    imputer("all_missing_mode", "A column without values, mode", TWO + ", strategy='mode'", ("a DOUBLE, b DOUBLE", [[1.0, None], [2.0, "NaN"]])),
    imputer("empty", "No rows", TWO, ("a DOUBLE, b DOUBLE", [])),
    imputer("strings", "A column of strings", "inputCols=['s'], outputCols=['x']"),
    imputer("lengths", "Fewer output columns", "inputCols=['a', 'b'], outputCols=['x']"),
    imputer("twice", "An input column that repeats", "inputCols=['a', 'a'], outputCols=['x', 'y']"),
    imputer("output_twice", "An output column that repeats", "inputCols=['a', 'b'], outputCols=['x', 'x']"),
    imputer("bad_strategy", "A strategy that does not exist", TWO + ", strategy='max'"),
    imputer("bad_error", "An error above 1", TWO + ", relativeError=1.5"),
    imputer("other_data", "Other rows than those of training", TWO, more=["df = spark.createDataFrame([(None, 7.0), (float('nan'), None)], 'a DOUBLE, b DOUBLE')"]),
]
