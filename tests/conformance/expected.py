"""Holds a report of run.py against the list of failures that are known: both ways.

    python3 expected.py REPORT.json KNOWN.txt

A line of the list is `case<TAB>cause`. A failure that is not listed is a regression; a listed case that passes must leave the list.
"""
import json
import sys


def main():
    report, known_file = sys.argv[1:3]
    with open(report, encoding="utf-8") as f:
        cases = json.load(f)["cases"]
    with open(known_file, encoding="utf-8") as f:
        known = dict(line.rstrip("\n").split("\t", 1) for line in f if line.strip() and not line.startswith("#"))
    ran = {case["name"]: case for case in cases}
    failed = {name for name, case in ran.items() if case["verdict"] == "FAIL"}
    new = sorted(failed - known.keys())
    cured = sorted(name for name in known if name in ran and name not in failed)
    for name in new:
        print("regression: %s" % name)
    for name in cured:
        print("passes now, take it off %s: %s" % (known_file, name))
    passed = sum(case["verdict"] == "ok" for case in ran.values())
    print("%d pass, %d fail as known" % (passed, len(failed) - len(new)))
    return 1 if new or cured else 0


if __name__ == "__main__":
    sys.exit(main())
