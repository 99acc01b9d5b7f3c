"""Asks real Spark every example of the engine's table of functions, and how many arguments each function takes.

    rivulet-connect --functions | python function_examples.py > ../goldens/functions/examples.json

Needs Java. The answers are those that `plan::functions` tests compare with: for each example its schema, its rows, and the
rows as text (what the table shows people); for each function the text of `expectedNum` in WRONG_NUM_ARGS.
"""
import json
import os
import sys

os.environ.setdefault("TZ", "UTC")

import compare

MANY = 40


def session():
    from pyspark.sql import SparkSession
    spark = (SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
             .config("spark.sql.session.timeZone", "UTC").config("spark.sql.shuffle.partitions", "1")
             .config("spark.sql.warehouse.dir", "/tmp/rivulet-functions-warehouse").getOrCreate())
    spark.sparkContext.setLogLevel("OFF")
    return spark


def as_text(frame):
    """The rows as `CAST(… AS STRING)` writes their cells: tabs between cells, a line per row."""
    columns = ["c%d" % i for i in range(len(frame.columns))]
    cells = frame.toDF(*columns).selectExpr(*["CAST(%s AS STRING)" % c for c in columns]).collect()
    return "\n".join("\t".join("NULL" if c is None else c for c in row) for row in cells)


def answer(spark, example, varies):
    try:
        frame = spark.sql("SELECT " + example)
        if varies:
            return {"schema": compare.ddl(frame.schema)}
        schema = compare.ddl(frame.schema)
        try:
            rows = {"rows": compare.frame(frame)["rows"]}
        except NotImplementedError:  # PySpark cannot collect intervals of years and months.
            rows = {}
        return {"schema": schema, **rows, "text": as_text(frame)}
    except Exception as error:
        return {"error": getattr(error, "getCondition", lambda: None)() or str(error)[:200]}


def expected_number(spark, name):
    """What Spark writes for the number of arguments when there are far too few or too many."""
    for count in (0, MANY):
        try:
            spark.sql("SELECT `%s`(%s)" % (name, ", ".join(["1"] * count)))
        except Exception as error:
            parameters = getattr(error, "getMessageParameters", dict)() or {}
            if "expectedNum" in parameters:
                return parameters["expectedNum"]
    return None


def main():
    table = json.load(sys.stdin)
    spark = session()
    examples, arities = {}, {}
    for function in table:
        examples[function["name"]] = {"sql": function["example"], **answer(spark, function["example"], function["answer"] is None)}
        if function["listed"]:
            arities[function["name"]] = expected_number(spark, function["name"])
    names = [row[0] for row in spark.sql("SHOW FUNCTIONS").collect()]
    # One line per function, so that a change shows.
    lines = lambda entries: ",\n".join("  %s: %s" % (json.dumps(k), json.dumps(v, ensure_ascii=False)) for k, v in entries.items())
    print('{\n"spark": %s,\n"names": %s,\n"expectedNum": {\n%s\n},\n"examples": {\n%s\n}\n}' % (
        json.dumps(spark.version), json.dumps(names), lines(arities), lines(examples)))


main()
