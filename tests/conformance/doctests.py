"""Runs PySpark's own docstrings, those of the installed package, against a Spark Connect server: one example (one docstring) at a time.

    venv/bin/python doctests.py --remote sc://localhost:15002 --record docstrings/passed_by_spark.txt    # real Spark, every module
    venv/bin/python doctests.py --remote sc://localhost:15003 --spark docstrings/passed_by_spark.txt     # of those that Spark passes
    venv/bin/python doctests.py --remote sc://localhost:15003 pyspark.ml.feature --only PCA --verbose

Prints a line for each docstring that fails, and the numbers of each module. With `--spark` (the names that were recorded with real
Spark) what Spark itself does not pass over Connect (RDDs, JVM objects, files of its own source tree) counts for nobody, and so does
what needs a Python worker on the server: docstrings that send functions of Python are not recorded. The exit code is 1 if any fails.
With `--jobs`, several processes share the modules' docstrings. `--json` writes a report for `expected.py`.
"""
import argparse
import collections
import doctest
import functools
import importlib
import json
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import warnings

LIMIT_S = 90

SQL = ["functions.builtin", "dataframe", "column", "group", "readwriter", "catalog", "session", "conf", "window", "types", "udf", "tvf", "merge",
       "observation", "streaming.readwriter", "streaming.query", "streaming.listener"]
ML = ["classification", "clustering", "evaluation", "feature", "fpm", "functions", "linalg", "pipeline", "recommendation", "regression", "stat",
      "tuning"]
MODULES = ["pyspark.sql." + name for name in SQL] + ["pyspark.ml." + name for name in ML]


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
    """Remembers which examples fail, by their line in the docstring, and why the first did."""

    def __init__(self, **options):
        super().__init__(**options)
        self.failures_at = []
        self.reason = None

    def fail(self, example, why):
        self.failures_at.append(example.lineno)
        if self.reason is None:
            self.reason = "%s => %s" % (" ".join(example.source.split())[:120], " ".join(why.split())[:300])

    def report_failure(self, out, test, example, got):
        self.fail(example, "got " + got)
        super().report_failure(out, test, example, got)

    def report_unexpected_exception(self, out, test, example, exc_info):
        self.fail(example, "%s: %s" % (exc_info[0].__name__, exc_info[1]))
        super().report_unexpected_exception(out, test, example, exc_info)


class Late(BaseException):
    """Not an Exception: neither the client nor an example may catch it."""


def late(_signal, _frame):
    raise Late()


class Workers:
    """Sees whether the client sends functions of Python."""

    def __init__(self):
        from pyspark.sql.connect import expressions, plan
        self.sent = False
        for owner, method in ((expressions.PythonUDF, "to_plan"), (plan.PythonUDTF, "to_plan"), (plan.PythonDataSource, "to_plan")):
            setattr(owner, method, self.watched(getattr(owner, method)))
        from pyspark.sql.connect.streaming import readwriter
        for method in ("foreach", "foreachBatch"):
            setattr(readwriter.DataStreamWriter, method, self.watched(getattr(readwriter.DataStreamWriter, method)))

    def watched(self, method):
        @functools.wraps(method)
        def call(*args, **named):
            self.sent = True
            return method(*args, **named)
        return call


def names_for(module, spark, scratch):
    """The globals of the docstrings of a module, as the module's own `__main__` makes them."""
    from pyspark.sql import Row, SparkSession
    names = dict(module.__dict__)
    names.update(spark=spark, sc=Context(spark), temp_path=scratch)
    if module.__name__ == "pyspark.ml.feature":
        rows = [Row(id=i, label=label) for i, label in enumerate("abcaac")]
        names["stringIndDf"] = spark.createDataFrame(rows)
    if module.__name__ == "pyspark.sql.session":
        names["SparkSession"] = SparkSession
    return names


def flags(module):
    """How exactly answers must be as in the docstring: as the module's own `__main__` says."""
    if module.startswith("pyspark.ml."):
        return doctest.ELLIPSIS
    return doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL


def run(test, module):
    """Runs a docstring; returns its runner, what it printed and how many examples it has."""
    said = []
    runner = Runner(optionflags=flags(module))
    signal.alarm(LIMIT_S)
    try:
        runner.run(test, out=said.append)
    except Late:
        runner.failures_at.append(0)
        runner.reason = "no answer within %d s" % LIMIT_S
    finally:
        signal.alarm(0)
    return runner, "".join(said)


def tidy(spark):
    """Stops the queries that a docstring has left."""
    try:
        for query in spark.streams.active:
            query.stop()
    except Exception:  # a server without streams
        pass


# Databases and tables are of the server, not of a session: these modules' docstrings are not shared out.
TOGETHER = {"pyspark.sql.catalog", "pyspark.sql.readwriter", "pyspark.sql.streaming.readwriter", "pyspark.sql.merge"}


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--remote", required=True)
    parser.add_argument("--only", default="", help="a part of the docstring's name")
    parser.add_argument("--spark", help="the names of the docstrings that real Spark passes: others are left out")
    parser.add_argument("--record", help="where to write the names of those that pass and send no functions of Python")
    parser.add_argument("--json", help="where to write the report")
    parser.add_argument("--jobs", type=int, default=1, help="how many processes share the docstrings")
    parser.add_argument("--share", default="0/1", help="which part of the docstrings is run: number/of how many")
    parser.add_argument("--verbose", action="store_true", help="prints what differs")
    parser.add_argument("modules", nargs="*", default=MODULES)
    return parser.parse_args()


def chosen(name, module, globs, options, wanted):
    """The docstrings of a module that this process runs."""
    share, shares = (int(part) for part in options.share.split("/"))
    for number, test in enumerate(doctest.DocTestFinder(exclude_empty=True).find(module, globs=globs)):
        mine = share == 0 if name in TOGETHER else number % shares == share
        runs = any(doctest.SKIP not in e.options for e in test.examples)
        if runs and mine and options.only in test.name and (wanted is None or test.name in wanted):
            yield test


def run_modules(options):
    """Runs docstrings, and returns what became of them."""
    os.environ["SPARK_REMOTE"] = options.remote
    os.environ.setdefault("TZ", "UTC")
    logging.disable(logging.CRITICAL)  # the client logs every error
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGALRM, late)
    from pyspark.sql import SparkSession
    import numpy
    numpy.set_printoptions(legacy="1.13")
    workers = Workers()
    wanted = None
    if options.spark:
        with open(options.spark, encoding="utf-8") as file:
            wanted = set(file.read().split())
    cases, here = [], os.getcwd()
    for name in options.modules:
        module = importlib.import_module(name)
        scratch = tempfile.mkdtemp()
        os.chdir(scratch)
        spark = SparkSession.builder.remote(options.remote).getOrCreate()
        for test in chosen(name, module, names_for(module, spark, scratch), options, wanted):
            if spark.is_stopped:  # an example has stopped it
                spark = SparkSession.builder.remote(options.remote).getOrCreate()
            test.globs["spark"] = spark
            workers.sent = False
            runner, said = run(test, name)
            tidy(spark)
            verdict = "FAIL" if runner.failures_at else "ok"
            cases.append({"name": test.name, "module": name, "verdict": verdict, "worker": workers.sent, "reason": runner.reason})
            if runner.failures_at:
                print("FAIL %s (%d examples): %s" % (test.name, len(runner.failures_at), re.sub(r"JVM stacktrace.*", "", runner.reason)), flush=True)
            if options.verbose and runner.failures_at:
                print(said, flush=True)
        os.chdir(here)
        shutil.rmtree(scratch, ignore_errors=True)
    return cases


def run_shares(options):
    """Runs the docstrings in several processes."""
    with tempfile.TemporaryDirectory() as folder:
        # An option that is given again counts in place of the first.
        shares = [(n, os.path.join(folder, "%d.json" % n)) for n in range(options.jobs)]
        base = [sys.executable, os.path.abspath(__file__)] + sys.argv[1:]
        others = ["--jobs", "1", "--record", ""]
        running = [subprocess.Popen(base + others + ["--share", "%d/%d" % (n, options.jobs), "--json", path], stdout=subprocess.PIPE, text=True)
                   for n, path in shares]
        cases = []
        for process, (_, path) in zip(running, shares):
            said = process.communicate()[0]
            print("".join(line for line in said.splitlines(True) if line.startswith("FAIL")), end="")
            with open(path, encoding="utf-8") as file:
                cases += json.load(file)["cases"]
        return cases


def main():
    options = arguments()
    cases = run_shares(options) if options.jobs > 1 else run_modules(options)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"cases": cases}, file, indent=1)
    if options.record:
        with open(options.record, "w", encoding="utf-8") as file:
            file.writelines(sorted(case["name"] + "\n" for case in cases if case["verdict"] == "ok" and not case["worker"]))
    failed = [case for case in cases if case["verdict"] == "FAIL"]
    for name in options.modules:
        verdicts = collections.Counter(case["verdict"] for case in cases if case["module"] == name)
        print("%-36s %4d passed, %3d failed" % (name, verdicts["ok"], verdicts["FAIL"]))
    passed = len(cases) - len(failed)
    print("docstrings: %d passed, %d failed (%.1f %%)" % (passed, len(failed), 100.0 * passed / max(len(cases), 1)))
    sys.stdout.flush()
    os._exit(1 if failed else 0)  # threads of abandoned queries must not hold it up


if __name__ == "__main__":
    main()
