"""Asks real Spark what it answers to statements: valid ones, and wrong ones with their conditions.

    python statement_examples.py ../goldens/sql [family ...]

Needs Java. The statements stand in statements/FAMILY.sql, one a line, over the tables below. Writes one case file per statement into
FAMILY, in the form of the sql goldens; see their FORMAT.md.
"""
import os
import sys

os.environ.setdefault("TZ", "UTC")

from name_examples import session, write

TABLES = ["spark.sql(\"SELECT * FROM VALUES (1, 'x'), (2, 'y'), (3, 'z') t(id, s)\").createOrReplaceTempView('a')",
          "spark.sql('SELECT * FROM VALUES (1, 10), (2, 20), (4, 40) t(id, v)').createOrReplaceTempView('b')",
          "spark.sql('SELECT * FROM VALUES (1, 10) t(id, v) WHERE id > 5').createOrReplaceTempView('e')"]

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "statements")


def main(folder, families):
    for family in families or sorted(name[:-len(".sql")] for name in os.listdir(HERE)):
        with open(os.path.join(HERE, family + ".sql"), encoding="utf-8") as f:
            statements = f.read().rstrip("\n").split("\n")
        cases = os.path.join(folder, family)
        spark = session(cases)
        for number, statement in enumerate(statements, 1):
            case = {"id": "%s_%03d" % (family.rstrip("s"), number), "family": family, "description": statement, "spark": spark.version,
                    "tables": [], "code": TABLES + ["out = spark.sql(%r)" % statement]}
            write(case, cases, spark)
        print("%d cases in %s" % (len(statements), cases))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
