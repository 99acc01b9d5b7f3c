"""Asks real Spark what its machine learning does: cases of the ml family, written as the other ml goldens are.

    venv/bin/python ml_examples.py sc://localhost:15002 ../goldens/ml evaluators features     # all, or these modules of cases

Needs real Spark's Connect server (serve_real_connect.sh), on the same machine. A module `ml_examples_NAME.py` has `CASES`, a list of
`case(...)`. See FORMAT.md beside the goldens; the counts of index.json are made anew.
"""
import glob
import importlib
import json
import os
import re
import shutil
import sys
import tempfile

os.environ.setdefault("TZ", "UTC")

import compare
import ml_cases

SPARK = "4.3.0"
MODULES = ["evaluators", "transformers", "imputing", "quantiles", "vectors", "selectors", "lsh", "stat", "learners", "slices", "regressions", "clusterings", "patterns", "formula", "topics", "categories", "boosting", "curves", "one_vs_rest"]


def case(family, id, description, code, ordered=True, model=None, **inputs):
    """A case: `code` is lines of Python, an input is (schema, rows); `ordered` says whether the rows of results are."""
    return {"family": family, "id": id, "description": description, "code": code, "ordered": ordered, "model": model,
            "inputs": {name: {"schema": schema, "rows": rows} for name, (schema, rows) in inputs.items()}}


def dense(*values):
    """A dense vector, as inputs have it."""
    return {"vector": "dense", "values": list(values)}


def sparse(size, entries):
    """A sparse vector of {index: value}, as inputs have it."""
    return {"vector": "sparse", "size": size, "indices": sorted(entries), "values": [entries[i] for i in sorted(entries)]}


def main():
    remote, folder = sys.argv[1:3]
    names = sys.argv[3:] or MODULES
    os.environ["SPARK_REMOTE"] = remote
    from pyspark.sql import SparkSession
    spark = SparkSession.builder.remote(remote).getOrCreate()
    for name in names:
        for one in importlib.import_module("ml_examples_%s" % name).CASES:
            record(spark, one, folder)
    count(folder)


def record(spark, one, folder):
    """Runs a case and writes its file; a saved model is copied without its checksums."""
    golden = {"id": one["id"], "family": one["family"], "description": one["description"], "spark": SPARK, "code": one["code"]}
    saved = None
    if one["model"]:
        golden["model"] = "models/%s" % one["model"]
        saved = os.path.join(tempfile.mkdtemp(), "model")
    golden["inputs"] = one["inputs"]
    golden["expected"] = expected(spark, golden, one["ordered"], saved)
    if saved:
        target = os.path.join(folder, golden["model"])
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(saved, target, ignore=shutil.ignore_patterns("*.crc"))
    path = os.path.join(folder, one["family"], one["id"] + ".json")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text_of(golden))
    error = golden["expected"].get("error")
    print("%s/%s%s" % (one["family"], one["id"], " ! %s" % error["message"][:160].replace("\n", " ") if error else ""), flush=True)


def expected(spark, golden, ordered, saved):
    """What Spark answers, in the form of `expected`."""
    try:
        results = ml_cases.results(spark, golden, "\n".join(golden["code"]), saved)
    except Exception as error:
        from pyspark.errors.exceptions.connect import SparkConnectException
        if not isinstance(error, SparkConnectException):
            raise
        said = (compare.call(error, "getMessage") or str(error)).split("\n\nJVM stacktrace")[0].split("\n\tat ")[0]
        message = re.sub(r"\$\$Lambda[^`]*`", "$$Lambda/<address>`", said)
        return {"error": {"kind": "error", "exception": type(error).__name__, "condition": compare.call(error, "getCondition"),
                          "sqlState": compare.call(error, "getSqlState"), "message": message}}
    return {name: dict({"kind": "rows"}, schema=v["schema"], columns=v["columns"], ordered=ordered, rows=v["rows"])
            if "rows" in v else {"kind": "value", "value": v["value"]} for name, v in results.items()}


def text_of(golden):
    """JSON with a row to a line."""
    rows = []

    def marked(value):
        if isinstance(value, dict):
            return {k: [keep(r) for r in v] if k == "rows" and isinstance(v, list) else marked(v) for k, v in value.items()}
        if isinstance(value, list) and any(not isinstance(v, str) for v in value):
            return keep(value)
        return value

    def keep(value):
        rows.append(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
        return "@@%d@@" % (len(rows) - 1)

    text = json.dumps(marked(golden), ensure_ascii=False, indent=1)
    return re.sub(r'"@@(\d+)@@"', lambda m: rows[int(m.group(1))], text) + "\n"


def count(folder):
    """Writes the number of cases of each family into index.json."""
    families = {}
    for path in glob.glob(os.path.join(folder, "*", "*.json")):
        family = os.path.basename(os.path.dirname(path))
        families[family] = families.get(family, 0) + 1
    with open(os.path.join(folder, "index.json"), encoding="utf-8") as file:
        index = json.load(file)
    index.update(families=dict(sorted(families.items())), total=sum(families.values()))
    with open(os.path.join(folder, "index.json"), "w", encoding="utf-8") as file:
        file.write(json.dumps(index, indent=1) + "\n")


if __name__ == "__main__":
    main()
