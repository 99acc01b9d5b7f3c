SELECT 'abc' AS c0, session_window('2024-02-29', '😀é') AS c1 FROM range(0, 1, 1, 1)
SELECT 'hi' FROM (SELECT session_window('2024-02-29', '-5 minutes') AS c1 FROM range(0, 1, 1, 1))
SELECT 'hi' FROM (SELECT session_window('2024-02-29', 'x') AS c1 FROM range(0, 1, 1, 1))
SELECT 'hi' FROM (SELECT window('2024-02-29', 'x') AS c1 FROM range(0, 1, 1, 1))
SELECT * FROM VALUES (1) a(x) JOIN VALUES (1) b(y) ON (grouping_id() IN (-9223372036854775808L)) = 'a'
SELECT * FROM VALUES (1) a(x) JOIN VALUES (1) b(y) ON grouping(x) = 1
SELECT * FROM VALUES (1) a(x) JOIN VALUES (1) b(y) ON grouping_id() = 1
SELECT * FROM VALUES (1) a(x) JOIN VALUES (1) b(y) ON row_number() OVER (ORDER BY x) = 1
SELECT * FROM VALUES (1) a(x) JOIN VALUES (1) b(y) ON sum(x) = 1
SELECT * FROM VALUES (1) a(x) ORDER BY grouping_id()
SELECT * FROM VALUES (1) a(x) WHERE grouping_id() = 1
SELECT * FROM VALUES (1) t(x) WHERE row_number() = 1
SELECT 1 + rank() AS r FROM VALUES (1) t(x)
SELECT DISTINCT x FROM VALUES (2), (1), (3) t(x) ORDER BY row_number() OVER (ORDER BY x DESC)
SELECT count(*) FROM VALUES (1) t(x) HAVING row_number() = 1
SELECT count(*), count(*) FROM VALUES (1) t(x) GROUP BY CUBE(x)
SELECT cume_dist() AS r FROM VALUES (1) t(x)
SELECT explode(array(grouping_id())) FROM VALUES (1) a(x)
SELECT first_value(x) OVER () AS r FROM VALUES (1) t(x)
SELECT grouping(x) FROM VALUES (1) a(x)
SELECT grouping_id() FROM VALUES (1) a(x)
SELECT lag(1) AS r
SELECT lag(row_number()) AS r
SELECT lead(x) AS r FROM VALUES (1) t(x)
SELECT length(randstr(3, c)) AS r FROM VALUES (1) t(c)
SELECT length(uuid(c)) AS r FROM VALUES (1) t(c)
SELECT median(array(1)) AS r
SELECT nth_value(x, 1) OVER () AS r FROM VALUES (1) t(x)
SELECT nth_value(x, 2) AS r FROM VALUES (1) t(x)
SELECT ntile(4) AS r FROM VALUES (1) t(x)
SELECT percentile(array(1), 0.5) AS r
SELECT percentile(true, 0.5) AS r
SELECT percentile_approx('1', 0.5) AS r
SELECT percentile_approx('7', array(0.5, 1.0)) AS r
SELECT percentile_approx(CAST('a' AS BINARY), 0.5) AS r
SELECT percentile_approx(DATE'2024-01-01', 0.5) AS r
SELECT percentile_approx(NULL, 0.5) AS r
SELECT percentile_approx(TIMESTAMP'2024-01-01', 0.5) AS r
SELECT percentile_approx(array(1), 0.5) AS r
SELECT percentile_approx(array(array(1), NULL), -0.0D, 1.5F) AS r
SELECT percentile_approx(true, 0.5) AS r
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY '1') AS r
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY array(1)) AS r
SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY true) AS r
SELECT rand('5') AS r
SELECT rand(1 + 1) = rand(2) AS r
SELECT rand(42) = rand(40 + 2) AS r
SELECT rand(CAST(5 AS TINYINT)) IS NULL AS r
SELECT rand(NULL) IS NULL AS r
SELECT rand(c) FROM VALUES (1) t(c)
SELECT rand(true) AS r
SELECT randn(1.5) AS r
SELECT randn(3L) = randn(3) AS r
SELECT randstr(3, '5') AS r
SELECT randstr(c, 1) AS r FROM VALUES (1) t(c)
SELECT row_number() AS r
SELECT session_window('2024-02-29', '5 minutes') AS c1 FROM range(0, 1, 1, 1)
SELECT session_window('2024-02-29', CAST(NULL AS STRING)) AS c1 FROM range(0, 1, 1, 1)
SELECT shuffle(array(1), '5') AS r
SELECT shuffle(array(1), c) AS r FROM VALUES (1) t(c)
SELECT sum(row_number() OVER (ORDER BY 1)) AS r
SELECT sum(row_number()) FROM VALUES (1) t(x)
SELECT t.x, count(*) FROM VALUES (1) t(x) GROUP BY CUBE(x, t.x)
SELECT uniform('1', 2, 1) AS r
SELECT uniform(1, 2, 1.5) AS r
SELECT uniform(1, 2, CAST(1 AS SMALLINT)) IS NULL AS r
SELECT uniform(1, 2, c) FROM VALUES (1) t(c)
SELECT uniform(127, 2147483647, '5') AS r
SELECT uniform(127, 2147483647, CASE WHEN -128Y IS NULL THEN '$[0].a' ELSE -128Y END) AS r
SELECT uniform(c, 2, 1) FROM VALUES (1) t(c)
SELECT uuid('5') AS r
SELECT window('2024-02-29', '1 month') AS c1
SELECT window('2024-02-29', '5 minutes', 'x') AS c1
SELECT window('2024-02-29', '5 x') AS c1
SELECT window('2024-02-29', 5) AS c1
SELECT window('2024-02-29', 5000000) AS c1
SELECT window('2024-02-29', 5000000L, 1000000L) AS c1
SELECT window('2024-02-29', NULL) AS c1
SELECT window('2024-02-29', concat('5', ' minutes')) AS c1
SELECT window('2024-02-29', x) AS c1 FROM VALUES ('5 minutes') t(x)
SELECT window, window, count(*) FROM VALUES (TIMESTAMP'2024-01-01 00:01:00') t(time) GROUP BY CUBE(window(time, '5 minutes'))
SELECT window, window.start, window, count(*) FROM VALUES (TIMESTAMP'2024-01-01 00:01:00') t(time) GROUP BY CUBE(window(time, '5 minutes'))
SELECT window, x, count(*) FROM VALUES (TIMESTAMP'2024-01-01 00:01:00', 1), (TIMESTAMP'2024-01-01 00:07:00', 2) t(time, x) GROUP BY ROLLUP(window(time, '10 minutes', '5 minutes'), x) ORDER BY 1, 2, 3
SELECT window.start, grouping(window) g, count(*) FROM VALUES (TIMESTAMP'2024-01-01 00:01:00') t(time) GROUP BY CUBE(window(time, '5 minutes')) ORDER BY 2
SELECT window.start, window.end, count(*) FROM VALUES (TIMESTAMP'2024-01-01 00:01:00') t(time) GROUP BY CUBE(window(time, '5 minutes'))
SELECT x FROM VALUES (1) t(x) GROUP BY CUBE(x) ORDER BY grouping(x), x
SELECT x FROM VALUES (1) t(x) GROUP BY row_number()
SELECT x FROM VALUES (1) t(x) GROUP BY x ORDER BY grouping(x), x
SELECT x FROM VALUES (1) t(x) ORDER BY row_number()
SELECT x FROM VALUES (2), (1) t(x) GROUP BY x ORDER BY sum(x) DESC
SELECT x FROM VALUES (2), (1) t(x) ORDER BY sum(x)
SELECT x FROM VALUES (2), (1) t(x) SORT BY row_number() OVER (ORDER BY x)
SELECT x FROM VALUES (2), (1), (3) t(x) ORDER BY row_number() OVER (ORDER BY x DESC)
SELECT x FROM VALUES (2), (1), (3) t(x) ORDER BY sum(x) OVER (ORDER BY x) DESC, 1
SELECT x, count(*) FROM VALUES (1) t(x) GROUP BY GROUPING SETS ((x), (x))
SELECT x, count(*) OVER () c FROM VALUES (2), (1), (3) t(x) ORDER BY row_number() OVER (ORDER BY x DESC)
SELECT x, count(*) c FROM VALUES (2), (1), (3) t(x) GROUP BY x ORDER BY row_number() OVER (ORDER BY x DESC)
SELECT x, grouping(x) AS g, count(*) FROM VALUES (1) t(x) GROUP BY ROLLUP(x, x)
SELECT x, grouping_id() g FROM VALUES (1) t(x) GROUP BY CUBE(x) ORDER BY grouping_id()
SELECT x, grouping_id() g, count(*) FROM VALUES (1) t(x) GROUP BY GROUPING SETS ((x), (x), ()) HAVING grouping_id() = 0
SELECT x, x, count(*) FROM VALUES (1) t(x) GROUP BY CUBE(x)
SELECT x, x, count(*) FROM VALUES (1) t(x) GROUP BY CUBE(x, x)
SELECT x, y, grouping_id() AS g, count(*) FROM VALUES (1, 2) t(x, y) GROUP BY CUBE(x, y, x)
SELECT typeof(1.5BD - NULL) AS r
SELECT 1.5BD - NULL AS r
SELECT sec((1.5BD - NULL)) AS r
SELECT typeof(1.5BD + NULL), typeof(NULL + 1.5BD), typeof(1.5BD * NULL), typeof(1.5BD / NULL), typeof(1.5BD % NULL)
SELECT sec(c0) AS r FROM (SELECT (1.5BD - NULL) AS c0 FROM range(1))
SELECT bit_get(CAST(127 AS DECIMAL(38,38)), 0) AS r
SELECT bit_get(1.5BD, 0) AS r
SELECT bit_get(5, 1.5BD) AS r
SELECT bit_get(5, 32) AS r
SELECT bit_get(5L, 64) AS r
SELECT bit_get(5, -1) AS r
SELECT bit_get(5, 31) AS r
SELECT bit_get(5Y, 8) AS r
SELECT bit_get(5, 0L) AS r
SELECT bit_get(5, '1') AS r
SELECT bit_get('5', 1) AS r
SELECT bit_get(c1, c1) AS r FROM (SELECT CASE WHEN 127 IS NULL THEN 0.00000000000000000000000000000000000001BD ELSE 127 END AS c1 FROM range(0, 1, 1, 1))
SELECT getbit(11, 0), getbit(11, 2)
