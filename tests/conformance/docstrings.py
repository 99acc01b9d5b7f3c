"""Runs PySpark's own docstrings against a Spark Connect server, one example (one docstring) at a time.

    venv/bin/python docstrings.py --remote sc://localhost:15002 pyspark.ml.feature pyspark.ml.evaluation pyspark.ml.stat
    venv/bin/python docstrings.py --remote sc://localhost:15002 pyspark.ml.feature --only PCA --verbose
    venv/bin/python docstrings.py --remote sc://localhost:15002 --json report.json pyspark.ml.feature

Prints a line for each docstring that has examples. Compare the report with that of a real Spark: what Spark itself does not
pass over Connect (RDDs, JVM objects) is no fault of ours. The exit code is 1 if any fails.
"""
import argparse
import doctest
import importlib
import json
import os
import shutil
import sys
import tempfile


class Context:
    """Stands for the SparkContext that docstrings ask for datasets: the rows as they are, and no more."""

    def __init__(self, spark):
        self.spark = spark

    def parallelize(self, rows, _slices=None):
        return Rows(self.spark, list(rows))


class Rows(list):
    """Rows that can become a DataFrame."""

    def __init__(self, spark, rows):
        super().__init__(rows)
        self.spark = spark

    def toDF(self, *names):  # noqa: N802
        return self.spark.createDataFrame(list(self), *names)


class Runner(doctest.DocTestRunner):
    """Remembers which examples fail, by their line in the docstring."""

    def __init__(self, **options):
        super().__init__(**options)
        self.failures_at = []

    def report_failure(self, out, test, example, got):
        self.failures_at.append(example.lineno)
        super().report_failure(out, test, example, got)

    def report_unexpected_exception(self, out, test, example, exc_info):
        self.failures_at.append(example.lineno)
        super().report_unexpected_exception(out, test, example, exc_info)


def names_for(module, spark, scratch):
    """The globals of the docstrings of a module, as the module's own `__main__` makes them."""
    from pyspark.sql import Row
    names = dict(module.__dict__)
    names.update(spark=spark, sc=Context(spark), temp_path=scratch)
    if module.__name__ == "pyspark.ml.feature":
        rows = [Row(id=i, label=label) for i, label in enumerate("abcaac")]
        names["stringIndDf"] = spark.createDataFrame(rows)
    return names


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--remote", required=True)
    arguments.add_argument("--only", default="", help="a part of the docstring's name")
    arguments.add_argument("--json", help="where to write {name: lines of the examples that fail}")
    arguments.add_argument("--verbose", action="store_true")
    arguments.add_argument("modules", nargs="+")
    options = arguments.parse_args()
    os.environ["SPARK_REMOTE"] = options.remote
    from pyspark.sql import SparkSession
    import numpy
    numpy.set_printoptions(legacy="1.13")
    spark = SparkSession.builder.remote(options.remote).getOrCreate()
    report = {}
    for name in options.modules:
        module = importlib.import_module(name)
        scratch = tempfile.mkdtemp()
        names = names_for(module, spark, scratch)
        for test in doctest.DocTestFinder(exclude_empty=True).find(module, globs=names):
            if not test.examples or options.only not in test.name:
                continue
            said = []
            runner = Runner(optionflags=doctest.ELLIPSIS)
            result = runner.run(test, out=said.append)
            report[test.name] = runner.failures_at
            print("%s %s (%d of %d)" % ("ok  " if not result.failed else "FAIL", test.name,
                                        result.attempted - result.failed, result.attempted), flush=True)
            if options.verbose and result.failed:
                print("".join(said), flush=True)
        shutil.rmtree(scratch, ignore_errors=True)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(report, file, indent=1, sort_keys=True)
    failed = sum(1 for lines in report.values() if lines)
    print("%d passed, %d failed" % (len(report) - failed, failed))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
