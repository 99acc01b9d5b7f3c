"""Asks real Spark what it answers to statements: valid ones that the planner once refused, and wrong ones with their conditions.

    python statement_examples.py ../goldens/sql/statements

Needs Java. Writes one case file per statement, in the form of the sql goldens; see their FORMAT.md.
"""
import os
import sys

os.environ.setdefault("TZ", "UTC")

from name_examples import session, write

TABLES = ["spark.sql(\"SELECT * FROM VALUES (1, 'x'), (2, 'y'), (3, 'z') t(id, s)\").createOrReplaceTempView('a')",
          "spark.sql('SELECT * FROM VALUES (1, 10), (2, 20), (4, 40) t(id, v)').createOrReplaceTempView('b')",
          "spark.sql('SELECT * FROM VALUES (1, 10) t(id, v) WHERE id > 5').createOrReplaceTempView('e')"]

STATEMENTS = r"""
SELECT * FROM a LEFT JOIN b
SELECT * FROM a FULL JOIN b
SELECT * FROM a LEFT SEMI JOIN b
SELECT * FROM a LEFT ANTI JOIN b
SELECT * FROM a RIGHT JOIN e
SELECT * FROM a LEFT JOIN e
SELECT * FROM a FULL JOIN e
SELECT * FROM a LEFT SEMI JOIN e
SELECT * FROM a LEFT ANTI JOIN e
SELECT * FROM a LEFT JOIN b ON false
SELECT * FROM a FULL JOIN b ON false
SELECT * FROM a FULL JOIN b ON true
SELECT * FROM a LEFT ANTI JOIN b ON true
SELECT x FROM (SELECT 1 AS id, NULL AS x UNION ALL SELECT 2, 1.5BD UNION ALL SELECT 4, 20) ORDER BY id
SELECT x FROM (SELECT 1 AS id, NULL AS x UNION SELECT 2, 1.5BD UNION SELECT 4, 20) ORDER BY id
SELECT x FROM (SELECT 1 AS x INTERSECT SELECT 1L INTERSECT SELECT 1.0BD)
SELECT x FROM (SELECT 1 AS x EXCEPT SELECT 2L EXCEPT SELECT 3.0BD)
SELECT x FROM (SELECT 1 AS x EXCEPT ALL SELECT 2L EXCEPT ALL SELECT 3.0BD)
SELECT x, y FROM (SELECT 1 AS x, 1 AS y UNION ALL SELECT 2L, 2.5D UNION ALL SELECT 3.0BD, '4' )
SELECT a.id, q.x FROM a JOIN (SELECT 1 AS x UNION ALL SELECT 2L UNION ALL SELECT 3.0BD) q ON a.id = q.x
SELECT * FROM VALUES 1, 2, 3 t(a)
SELECT * FROM VALUES 1, 2, 3 t
SELECT * FROM VALUES (1, 'a'), (2, 'b') t(a, b)
SELECT * FROM VALUES 1, NULL t(a)
SELECT * FROM VALUES CASE WHEN 1 = 1 THEN 2 END t(a)
SELECT a = INTERVAL 1 DAY AS same FROM VALUES INTERVAL 1 DAY t(a)
SELECT * FROM VALUES 1 + 1, abs(-3) t(a) WHERE a > 2
SELECT * FROM VALUES 1, 2 t(a) JOIN VALUES 2, 3 u(b) ON a = b
SELECT * FROM VALUES 1, 2 t(a), VALUES 3 u(b)
SELECT * FROM VALUES 1, 2 t(a) LEFT JOIN VALUES 2, 3 u(b) ON a = b
SELECT * FROM (VALUES 1, 2 t(a))
VALUES 1, 2, 3 t(a)
VALUES 1, 2, 3 AS t(a)
VALUES (1, 2) AS t(a, b)
SELECT id, (SELECT v FROM b WHERE b.id = a.id) v FROM a
SELECT id, (SELECT v + 1 FROM b WHERE b.id = a.id) v FROM a
SELECT id, (SELECT max(v) FROM b WHERE b.id = a.id) v FROM a
SELECT id, (SELECT count(*) FROM b WHERE b.id = a.id) v FROM a
SELECT id, (SELECT v FROM (SELECT id, v FROM b UNION ALL SELECT id, v FROM b) b WHERE b.id = a.id) v FROM a
SELECT id FROM a WHERE (SELECT v FROM b WHERE b.id = a.id) > 10
SELECT id, (SELECT DISTINCT v FROM b WHERE b.id = a.id) v FROM a
SELECT id, (SELECT v FROM b WHERE b.id = a.id GROUP BY v) v FROM a
SELECT transform(array(1, NULL), x -> coalesce(x, 0))
SELECT grouping_id() FROM a
SELECT grouping(id) FROM a GROUP BY id
SELECT grouping_id(id) FROM a GROUP BY id
SELECT id, grouping_id() FROM a GROUP BY id WITH ROLLUP ORDER BY id
SELECT bit_or(s) FROM a
SELECT bit_and(1.5) FROM a
SELECT bit_xor(true) FROM a
SELECT bit_or(NULL) FROM a
SELECT * FROM VALUES ((SELECT max(id) FROM a))
SELECT - DATE'2020-01-01'
SELECT - true
SELECT negative(DATE'2020-01-01')
SELECT negative(true)
SELECT negative(named_struct('a', 1))
SELECT negative('1')
SELECT negative(NULL)
SELECT negative(array(1))
SELECT positive(true)
SELECT abs(true)
SELECT abs(DATE'2020-01-01')
SELECT nth_value(s, id) OVER (ORDER BY id) FROM a
SELECT nth_value(s, 0) OVER (ORDER BY id) FROM a
SELECT nth_value(s, -1) OVER (ORDER BY id) FROM a
SELECT nth_value(s, NULL) OVER (ORDER BY id) FROM a
SELECT ntile(0) OVER (ORDER BY id) FROM a
SELECT ntile(-1) OVER (ORDER BY id) FROM a
SELECT ntile(id) OVER (ORDER BY id) FROM a
SELECT ntile(NULL) OVER (ORDER BY id) FROM a
SELECT ntile('2') OVER (ORDER BY id) FROM a
SELECT ntile(2L) OVER (ORDER BY id) FROM a
SELECT ntile() OVER (ORDER BY id) FROM a
SELECT lag(s, id) OVER (ORDER BY id) FROM a
SELECT transform(array(1), x -> max(id)) FROM a
SELECT transform(array(1), x -> (SELECT max(id) FROM a)) FROM a
SELECT aggregate(array(1), 0, (acc, x) -> acc + sum(x)) FROM a
SELECT explode(array(1, 2)) + sum(id) FROM a
SELECT transform(array(1), x -> explode(array(x))) FROM a
SELECT sum(sum(id)) FROM a
SELECT id FROM a WHERE sum(id) > 1
SELECT id FROM a WHERE row_number() OVER (ORDER BY id) > 1
SELECT id FROM a GROUP BY sum(id)
SELECT sum(id) OVER (ORDER BY id ROWS BETWEEN 1 FOLLOWING AND CURRENT ROW) FROM a
SELECT sum(id) OVER (ORDER BY id ROWS BETWEEN CURRENT ROW AND 1 PRECEDING) FROM a
SELECT sum(id) OVER (ORDER BY id RANGE BETWEEN 1 FOLLOWING AND 1 PRECEDING) FROM a
SELECT sum(id) OVER (ORDER BY id ROWS BETWEEN 1.5 PRECEDING AND CURRENT ROW) FROM a
SELECT CAST('1e2147483647' AS DOUBLE)
SELECT try_cast('1e2147483647' AS DECIMAL(38,10))
SELECT percentile_approx(id, 2.0) FROM a
SELECT percentile(id, -1) FROM a
SELECT CAST(CAST('x' AS INTERVAL) AS STRING)
SELECT CAST(CAST('1 day' AS INTERVAL) AS STRING)
SELECT CAST(CAST('1 month 2 days' AS INTERVAL) AS STRING)
SELECT CAST(CAST('interval 1 year -2 days 3.5 seconds' AS INTERVAL) AS STRING)
SELECT CAST(CAST('' AS INTERVAL) AS STRING)
SELECT CAST(CAST(' 1  day ' AS INTERVAL) AS STRING)
SELECT CAST(CAST('1 week 3 hours 4 minutes 5 milliseconds 6 microseconds' AS INTERVAL) AS STRING)
SELECT CAST(CAST('99999999999 years' AS INTERVAL) AS STRING)
SELECT CAST(try_cast('x' AS INTERVAL) AS STRING)
SELECT CAST(CAST('P1Y2M' AS INTERVAL) AS STRING)
SELECT CAST(CAST('+1 day' AS INTERVAL) AS STRING)
SELECT CAST(CAST('1 day 1 day' AS INTERVAL) AS STRING)
SELECT CAST(CAST('1.5 days' AS INTERVAL) AS STRING)
SELECT CAST(CAST('INTERVAL' AS INTERVAL) AS STRING)
SELECT CAST(CAST('0.0000001 seconds' AS INTERVAL) AS STRING)
SELECT CAST(1 AS INTERVAL)
SELECT typeof(CAST('1 day' AS INTERVAL))
SELECT CAST('a' AS INTERVAL YEAR TO MONTH)
SELECT CAST(CAST('1-2' AS INTERVAL YEAR TO MONTH) AS STRING)
SELECT CAST(CAST('INTERVAL \'1-2\' YEAR TO MONTH' AS INTERVAL YEAR TO MONTH) AS STRING)
SELECT CAST(CAST('-1-2' AS INTERVAL YEAR TO MONTH) AS STRING)
SELECT CAST('' AS INTERVAL YEAR TO MONTH)
SELECT CAST('1 month' AS INTERVAL YEAR TO MONTH)
SELECT CAST('a' AS INTERVAL DAY TO SECOND)
SELECT CAST(CAST('1 02:03:04.5' AS INTERVAL DAY TO SECOND) AS STRING)
SELECT CAST(CAST('-1 02:03:04.5' AS INTERVAL DAY TO SECOND) AS STRING)
SELECT CAST(CAST('INTERVAL \'1 02:03:04\' DAY TO SECOND' AS INTERVAL DAY TO SECOND) AS STRING)
SELECT CAST(true AS DECIMAL(38, 38))
SELECT try_cast(true AS DECIMAL(38, 38))
SELECT CAST(false AS DECIMAL(38, 38))
SELECT CAST(true AS DECIMAL(3, 2))
SELECT ~ true
SELECT ~ map('a', 1)
SELECT ~ '1'
SELECT ~ NULL
SELECT ~ 1.5
SELECT max(map(1, 2))
SELECT min(array(map(1, 2)))
SELECT max(make_interval(1))
SELECT max(named_struct('a', 1))
SELECT max_by(1, map(1, 2))
SELECT min_by(1, map(1, 2))
SELECT window_time(1)
SELECT randstr(-1, 1)
SELECT least(map(1, 2), map(2, 3))
SELECT array_min(array(map(1, 2)))
SELECT array_position(array(map(1, 2)), map(1, 2))
SELECT array_contains(array(map(1, 2)), map(1, 2))
SELECT array_union(array(map(1, 2)), array(map(1, 2)))
SELECT CASE map(1, 2) WHEN map(1, 2) THEN 1 END
SELECT map(1, 2) IN (map(1, 2))
SELECT make_interval(1) IN (make_interval(1))
"""


def main(folder):
    spark = session(folder)
    statements = STATEMENTS.strip().split("\n")
    for number, statement in enumerate(statements, 1):
        case = {"id": "statement_%03d" % number, "family": "statements", "description": statement, "spark": spark.version, "tables": [],
                "code": TABLES + ["out = spark.sql(%r)" % statement]}
        write(case, folder, spark)
    print("%d cases in %s" % (len(statements), folder))


if __name__ == "__main__":
    main(sys.argv[1])
