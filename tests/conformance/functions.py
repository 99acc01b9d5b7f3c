"""Runs the documented examples of Spark's own functions on real Spark and on another server, and compares the answers.

    python functions.py --spark sc://localhost:15002 --remote sc://localhost:15003
    python functions.py --spark sc://localhost:15002 --remote sc://localhost:15003 --only xpath --verbose
    python functions.py --answers answers.json --remote sc://localhost:15003

Names come from SHOW FUNCTIONS and examples from DESCRIBE FUNCTION EXTENDED of the Spark Connect server `--spark`, so nothing of
them is kept here; `--answers FILE` keeps what that Spark answered, and reads it when `--spark` is not given. An example is set
aside when Spark itself refuses it, when two sessions of Spark answer differently (random, of the moment), and when its function
stands in SESSION: what those return belongs to the server and not to Spark. Prints the failing examples of each function, the
names that only one side lists, and the numbers. The exit code is 1 if an example fails.
"""
import argparse
import collections
import datetime
import json
import logging
import os
import re
import signal
import sys
import time

os.environ["TZ"] = "UTC"
time.tzset()

import compare

LIMIT_S = 60

# Functions of the server, of its user or of its virtual machine.
SESSION = {"current_user", "session_user", "user", "version", "java_method", "reflect", "try_reflect", "python_worker_logs"}


class Late(Exception):
    pass


def late(_signal, _frame):
    raise Late("no answer within %d s" % LIMIT_S)


def statements(description):
    """The statements of the examples in a text of DESCRIBE FUNCTION EXTENDED: from `> ` to the semicolon."""
    found, open_ = [], None
    for line in description.split("\n"):
        if open_ is None and re.match(r"\s+> ", line):
            open_ = []
            line = line.split("> ", 1)[1]
        if open_ is not None:
            open_.append(line)
            if line.rstrip().endswith(";"):
                found.append("\n".join(open_).rstrip().rstrip(";"))
                open_ = None
    return found


def cells_as_strings(frame):
    """The rows as CAST(… AS STRING) writes them, for values that PySpark cannot collect."""
    names = ["c%d" % i for i in range(len(frame.columns))]
    return [list(row) for row in frame.toDF(*names).selectExpr(*["CAST(%s AS STRING)" % n for n in names]).collect()]


def answer(spark, sql):
    """What a session answers to a statement: rows, or the condition of its error."""
    signal.alarm(LIMIT_S)
    try:
        frame = spark.sql(sql)
        schema = compare.ddl(frame.schema)
        found = {"schema": schema, "columns": list(frame.columns), "ordered": False}
        if re.search(r"INTERVAL (YEAR|MONTH)|\bINTERVAL\b(?! DAY| HOUR| MINUTE| SECOND)|VARIANT|TIME\(|GEO", schema):
            return dict(found, rows=cells_as_strings(frame))
        return dict(found, rows=[[compare.encode(c) if not isinstance(c, datetime.time) else str(c) for c in tuple(r)] for r in frame.collect()])
    except Exception as error:
        return {"error": compare.call(error, "getCondition") or type(error).__name__, "text": compare.described(error)}
    finally:
        signal.alarm(0)


def session(remote):
    from pyspark.sql import SparkSession
    return SparkSession.builder.remote(remote).create()


def ask_spark(remote, only):
    """Spark's names, and of each the examples with both of its answers."""
    first, second = session(remote), session(remote)
    names = [row[0] for row in first.sql("SHOW FUNCTIONS").collect()]
    found = collections.OrderedDict()
    for name in names:
        if only and only not in name:
            continue
        try:
            text = "\n".join(row[0] for row in first.sql("DESCRIBE FUNCTION EXTENDED `%s`" % name).collect())
        except Exception:  # operators that are not names
            text = ""
        found[name] = statements(text)
    # All of one session, then all of the other: some answers change with the second.
    once, again = [answers(spark, found) for spark in (first, second)]
    examples = {name: [list(three) for three in zip(of_one, once[name], again[name])] for name, of_one in found.items()}
    return {"names": names, "examples": examples}


def answers(spark, found):
    """A session's answers to the statements of each function; settings of one function do not reach the next."""
    given = {}
    for name, of_one in found.items():
        given[name] = [answer(spark, sql) for sql in of_one]
        if any(re.match(r"\s*SET\b", sql, re.I) for sql in of_one):
            spark.sql("RESET")
    return given


def verdict(name, sql, first, second, ours):
    """None if an example is set aside, else the difference ('' for none)."""
    if "error" in first or "error" in second or name in SESSION or first != second:
        return None
    if "error" in ours:
        return ours["text"]
    return compare.frame_difference(first, ours, Tolerance()) or ""


class Tolerance:
    def close(self, a, b):
        return a == b or abs(a - b) <= 1e-9 * max(abs(a), abs(b), 1.0)


def listing(remote, examples):
    """The names that a server lists, and its answers."""
    spark = session(remote)
    try:
        names = [row[0] for row in spark.sql("SHOW FUNCTIONS").collect()]
    except Exception as error:
        print("SHOW FUNCTIONS: %s" % compare.described(error))
        names = []
    return names, answers(spark, {name: [sql for sql, _, _ in of_one] for name, of_one in examples.items()})


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--spark", help="the Connect server of real Spark")
    arguments.add_argument("--remote", help="the server to be compared with it")
    arguments.add_argument("--answers", help="where real Spark's answers are kept outside the repository")
    arguments.add_argument("--only", default="", help="a part of the function's name")
    arguments.add_argument("--verbose", action="store_true", help="names every example that is set aside, too")
    options = arguments.parse_args()
    logging.disable(logging.CRITICAL)  # the client logs every error
    signal.signal(signal.SIGALRM, late)
    if options.spark:
        known = ask_spark(options.spark, options.only)
        if options.answers:
            with open(options.answers, "w", encoding="utf-8") as file:
                json.dump(known, file)
    else:
        with open(options.answers, encoding="utf-8") as file:
            known = json.load(file)
    if not options.remote:
        return 0
    known["examples"] = {n: e for n, e in known["examples"].items() if options.only in n}
    names, ours = listing(options.remote, known["examples"])
    counts, functions, aside = collections.Counter(), collections.Counter(), collections.Counter()
    for name, of_one in known["examples"].items():
        failures, asked = [], 0
        for (sql, first, second), mine in zip(of_one, ours[name]):
            found = verdict(name, sql, first, second, mine)
            if found is None:
                aside["refused by Spark" if "error" in first else "of the server" if name in SESSION else "not the same twice"] += 1
                if options.verbose:
                    print("aside %s: %s %s" % (name, " ".join(sql.split()), first.get("error", "")))
                continue
            asked += 1
            counts["failed" if found else "passed"] += 1
            if found:
                failures.append("    %s\n        %s" % (" ".join(sql.split())[:200], found[:400]))
        if asked:
            functions["failed" if failures else "passed"] += 1
        if failures:
            print("FAIL %s (%d of %d)\n%s" % (name, asked - len(failures), asked, "\n".join(failures)), flush=True)
    print("only Spark lists: %s" % ", ".join(sorted(set(known["names"]) - set(names))))
    print("only %s lists: %s" % (options.remote, ", ".join(sorted(set(names) - set(known["names"])))))
    print("set aside: %s" % ", ".join("%d %s" % (n, why) for why, n in sorted(aside.items())))
    total = counts["passed"] + counts["failed"]
    print("functions: %d passed, %d failed" % (functions["passed"], functions["failed"]))
    print("examples: %d passed, %d failed (%.1f %%)" % (counts["passed"], counts["failed"], 100.0 * counts["passed"] / max(total, 1)))
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
