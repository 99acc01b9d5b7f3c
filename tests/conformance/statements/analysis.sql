SELECT x FROM (SELECT 1.5BD AS x UNION ALL SELECT 22.25BD UNION ALL SELECT 3) ORDER BY x
SELECT 1.5BD AS x UNION ALL SELECT 22.25BD UNION ALL SELECT 333.125BD ORDER BY x
SELECT x, typeof(x) FROM (SELECT CAST(1 AS DECIMAL(38,0)) AS x UNION ALL SELECT CAST(1.5 AS DECIMAL(38,18))) ORDER BY x
SELECT typeof(x), x FROM (SELECT 1 AS x UNION ALL SELECT 1.5F UNION ALL SELECT 2L) ORDER BY x
SELECT typeof(x) AS t, count(*) AS n FROM (SELECT DATE'2031-01-01' AS x UNION ALL SELECT TIMESTAMP'2031-01-01 10:00:00' UNION ALL SELECT NULL) GROUP BY ALL
SELECT 1 AS x UNION ALL SELECT 'a'
SELECT 1 AS x UNION SELECT true
SELECT 1, 2 UNION SELECT 1
SELECT array(1) AS x UNION ALL SELECT array(1.5BD) UNION ALL SELECT NULL
SELECT map('a', 1) AS m UNION SELECT map('a', 1)
SELECT id FROM a UNION SELECT id FROM b INTERSECT SELECT id FROM b WHERE v > 15 ORDER BY id
SELECT * FROM (SELECT NULL AS x UNION ALL SELECT NULL UNION ALL SELECT 1) INTERSECT SELECT NULL
SELECT * FROM VALUES (NULL), (NULL), (1), (1), (2) t(x) EXCEPT ALL SELECT * FROM VALUES (NULL), (1) u(x)
SELECT * FROM VALUES (NULL), (NULL), (1), (1), (2) t(x) INTERSECT ALL SELECT * FROM VALUES (NULL), (1), (1), (1) u(x)
SELECT * FROM VALUES (NULL, 1), (NULL, 1), (2, NULL) t(x, y) EXCEPT SELECT * FROM VALUES (2, NULL) u(x, y)
SELECT id FROM a MINUS SELECT id FROM b
SELECT id FROM a EXCEPT DISTINCT SELECT id FROM b UNION ALL SELECT id FROM e ORDER BY id
SELECT id FROM a ORDER BY id UNION SELECT 1
(SELECT id FROM a ORDER BY id DESC LIMIT 1) UNION ALL (SELECT id FROM b ORDER BY id LIMIT 1) ORDER BY 1
SELECT id IN (SELECT id FROM b) AS i, s FROM a ORDER BY s
SELECT s, CASE WHEN id IN (SELECT id FROM b) THEN 'in' ELSE 'out' END AS c, id IN (SELECT id FROM b) OR id = 3 AS d FROM a ORDER BY s
SELECT s FROM a WHERE (id, id * 10) IN (SELECT id, v FROM b) ORDER BY s
SELECT s FROM a WHERE (id, id * 10) NOT IN (SELECT id, v FROM b) ORDER BY s
SELECT s FROM a WHERE id IN (SELECT id FROM b WHERE b.v = a.id * 10) ORDER BY s
SELECT s FROM a WHERE id NOT IN (SELECT id FROM b WHERE b.v > a.id * 100) ORDER BY s
SELECT x FROM VALUES (1), (2), (NULL) t(x) WHERE x NOT IN (SELECT y FROM VALUES (1), (NULL) u(y))
SELECT x FROM VALUES (1), (2), (NULL) t(x) WHERE x NOT IN (SELECT id FROM e)
SELECT x, x IN (SELECT y FROM VALUES (1), (NULL) u(y)) AS i, x NOT IN (SELECT y FROM VALUES (1) u(y)) AS n FROM VALUES (1), (2), (NULL) t(x)
SELECT x, y FROM VALUES (1, 1), (1, NULL), (2, NULL), (NULL, NULL) t(x, y) WHERE (x, y) NOT IN (SELECT p, q FROM VALUES (1, 1), (1, 5) u(p, q))
SELECT x, y FROM VALUES (1, 1), (1, NULL), (2, NULL), (NULL, 3) t(x, y) WHERE (x, y) NOT IN (SELECT p, q FROM VALUES (1, NULL), (5, 5) u(p, q))
SELECT x FROM VALUES (1), (NULL) t(x) WHERE x NOT IN (1, NULL)
SELECT x, x IN (2, NULL) AS i, NULL IN (1) AS n, x IN (1, 1.0BD, '1') AS m FROM VALUES (1), (2) t(x)
SELECT id FROM a WHERE id IN (SELECT id, v FROM b)
SELECT id FROM a WHERE (id, s) IN (SELECT id FROM b)
SELECT id FROM a WHERE id = (SELECT id, v FROM b)
SELECT id FROM a WHERE id IN (SELECT v FROM b) OR EXISTS (SELECT 1 FROM b WHERE b.id = a.id) ORDER BY id
SELECT id FROM a WHERE NOT EXISTS (SELECT 1 FROM b WHERE b.id = a.id AND b.v > 10) ORDER BY id
SELECT id, EXISTS (SELECT 1 FROM b WHERE b.id = a.id) AS x, NOT EXISTS (SELECT 1 FROM e) AS y FROM a ORDER BY id
SELECT id FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.id = a.id HAVING count(*) > 0) ORDER BY id
SELECT id FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.id > a.id AND b.v < 40) ORDER BY id
SELECT (SELECT count(*) FROM b WHERE b.id > a.id) AS n, (SELECT sum(v) FROM b WHERE b.id > a.id) AS s, (SELECT v FROM b WHERE b.id >= a.id ORDER BY v LIMIT 1) AS f FROM a ORDER BY id
SELECT id FROM a WHERE id = (SELECT count(*) FROM b WHERE b.id <= a.id) ORDER BY id
SELECT id, (SELECT count(*) + 1 FROM b WHERE b.id = a.id) AS c, (SELECT coalesce(sum(v), -1) FROM b WHERE b.id = a.id) AS d, (SELECT count(*) FROM b WHERE b.id = a.id HAVING count(*) > 0) AS h FROM a ORDER BY id
SELECT id, (SELECT max(v) FROM b) - (SELECT min(v) FROM b) AS d, (SELECT v FROM e) AS e FROM a ORDER BY id
SELECT (SELECT v FROM b) FROM a
SELECT id, (SELECT v FROM b WHERE b.id < a.id) FROM a
SELECT id FROM a GROUP BY id HAVING id > (SELECT min(id) FROM b) ORDER BY id
SELECT id FROM a ORDER BY (SELECT max(v) FROM b WHERE b.id = a.id) NULLS LAST, id
SELECT s, sum(id) AS t, rank() OVER (ORDER BY sum(id) DESC) AS r FROM a GROUP BY s ORDER BY r
SELECT id % 2 AS k, sum(id) AS t, sum(sum(id)) OVER () AS all_, sum(id) / sum(sum(id)) OVER () AS part, lag(sum(id)) OVER (ORDER BY id % 2) AS l FROM a GROUP BY id % 2 ORDER BY k
SELECT id % 2 AS k, count(*) AS n, row_number() OVER (PARTITION BY count(*) > 1 ORDER BY max(id)) AS r FROM a GROUP BY 1 ORDER BY 1
SELECT id FROM a GROUP BY id HAVING rank() OVER (ORDER BY id) = 1
SELECT id, sum(id) OVER (ORDER BY id) + 1 AS x, rank() OVER (ORDER BY id % 2) * 10 AS y FROM a ORDER BY id
SELECT id, row_number() OVER (ORDER BY id) AS r FROM a QUALIFY r = 2
SELECT id FROM a QUALIFY row_number() OVER (PARTITION BY id % 2 ORDER BY id DESC) = 1 ORDER BY id
SELECT sum(sum(id) OVER ()) FROM a
SELECT count(DISTINCT id) OVER () FROM a
SELECT id, count(id) FILTER (WHERE id > 1) OVER (ORDER BY id) AS c FROM a
SELECT sum(id) OVER w FROM a
SELECT a.id, l.v FROM a, LATERAL (SELECT v FROM b WHERE b.id = a.id) l ORDER BY 1
SELECT a.id, l.n, l.s FROM a LEFT JOIN LATERAL (SELECT count(*) AS n, sum(v) AS s FROM b WHERE b.id >= a.id) l ORDER BY 1
SELECT a.id, l.v FROM a JOIN LATERAL (SELECT v FROM b WHERE b.id >= a.id ORDER BY v DESC LIMIT 1) l ORDER BY 1
SELECT a.id, e.x FROM a, LATERAL explode(sequence(1, a.id)) e(x) ORDER BY 1, 2
SELECT a.id, x FROM a LATERAL VIEW explode(sequence(1, id)) t AS x WHERE x > 1 ORDER BY 1, 2
SELECT a.id, p, x FROM a LATERAL VIEW OUTER posexplode(if(id = 1, array(), array('p', 'q'))) t AS p, x ORDER BY 1, 2
SELECT a.id, l.x FROM a, LATERAL (SELECT a.id * 2 AS x UNION ALL SELECT -a.id) l ORDER BY 1, 2
SELECT l.* FROM a, LATERAL (SELECT a.id + 1 AS x, upper(a.s) AS y) l ORDER BY x
WITH r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT * FROM r
WITH a AS (SELECT 10 AS id) SELECT id, (WITH a AS (SELECT 20 AS id) SELECT max(id) FROM a) AS i FROM a
WITH t AS (SELECT 1 AS x), u AS (SELECT x + 1 AS x FROM t) SELECT * FROM u, t
WITH t(x, y) AS (SELECT 1) SELECT * FROM t
WITH t AS (SELECT 1), t AS (SELECT 2) SELECT * FROM t
WITH b AS (SELECT * FROM b WHERE id > 1) SELECT * FROM b ORDER BY id
SELECT * FROM (SELECT id % 2 AS k, s, id FROM a) PIVOT (sum(id) FOR s IN ('x', 'y', 'z')) ORDER BY k
SELECT * FROM (SELECT id % 2 AS k, s, id FROM a) PIVOT (sum(id) AS t, count(*) AS n FOR s IN ('x' AS ex, 'y')) ORDER BY k
SELECT * FROM (SELECT id % 2 AS k, s, id FROM a) PIVOT (sum(id), max(id) FOR s IN ('x', 'y')) ORDER BY k
SELECT * FROM (SELECT 1 AS id, 2 AS p, 3 AS q) UNPIVOT (v FOR n IN (p, q)) ORDER BY n
SELECT * FROM a PIVOT (id FOR s IN ('x'))
SELECT mean(id), avg(id), substr(s, 1), substring(s, 1, 1), count(*), count(1), count(DISTINCT id), std(id) IS NULL, stddev(id) IS NULL, sum(DISTINCT id), first(s) IS NULL, any_value(s) IS NULL, max(s) FILTER (WHERE id > 1) FROM a GROUP BY s, id ORDER BY s LIMIT 1
SELECT mean(id), avg(id) FROM a
SELECT 1, 1L, 1.0, 1.5D, 1e3, 'a''b', NULL, true, DATE'2031-01-01', X'1F', -1, - 1, +1, 1S, 1Y, 1.5F, 1BD, interval_ FROM (SELECT 1 AS interval_)
SELECT id + 1, id - 1, -id, id * 2 + 1, id / 2, id % 2, id div 2, id = 1, id <> 1, id != 1, NOT id = 1, id <=> 1, id == 1, id & 1, id | 1, id ^ 1, ~id, s || 'x', id BETWEEN 1 AND 2, id IN (1, 2), id IS NULL, s LIKE 'x%', s RLIKE 'x' FROM a WHERE id = 1
SELECT iff(id = 1, 1, 2) FROM a
SELECT CASE WHEN id = 1 THEN 'a' ELSE 'b' END, CASE id WHEN 1 THEN 2 END, if(id = 1, 2, 3), coalesce(id, 0), nullif(id, 1), nvl(id, 0), nvl2(id, 1, 2), ifnull(id, 0), CAST(id AS STRING), id::string, int(id), string(id), date('2031-01-01'), array(1, 2)[0], map('k', 1)['k'], named_struct('a', 1).a, struct(id, s) FROM a WHERE id = 1
SELECT transform(array(1), x -> x + 1), filter(array(1), (x, i) -> i > 0), aggregate(array(1), 0, (acc, x) -> acc + x, acc -> acc * 2), exists(array(1), x -> x = 1), forall(array(1), x -> x > 5), map_filter(map('a', 1), (k, v) -> v > 0), zip_with(array(1), array(2), (x, y) -> x * y), array_sort(array(2, 1), (x, y) -> CASE WHEN x < y THEN 1 WHEN x > y THEN -1 ELSE 0 END), transform_keys(map('a', 1), (k, v) -> upper(k)), reduce(array(1, 2), 0, (x, y) -> x + y)
SELECT aggregate(array(1, 2), 0, (acc, x) -> acc + 1.5)
SELECT transform(array(1), (x, y, z) -> x)
SELECT transform(array(1), x -> nope)
SELECT transform(1, x -> x)
SELECT id % 2, count(*) FROM a GROUP BY 1 ORDER BY 2 DESC, 1
SELECT id % 2 AS k, s, count(*) AS n FROM a GROUP BY ALL ORDER BY ALL
SELECT count(*) AS n FROM a GROUP BY ALL
SELECT id + 1 AS id FROM a GROUP BY id ORDER BY id
SELECT id % 2 AS k, count(*) FROM a GROUP BY k HAVING count(*) > 1
SELECT id, count(*) FROM a GROUP BY 3
SELECT id FROM a GROUP BY 0
SELECT id FROM a ORDER BY 2
SELECT sum(id) AS t FROM a HAVING t > 100
SELECT 1 AS x FROM a HAVING count(*) > 1
SELECT id % 2 AS k, s, count(*) AS n, grouping(s) AS g, grouping_id() AS gi, grouping_id(id % 2, s) AS gj FROM a GROUP BY CUBE (id % 2, s) ORDER BY ALL
SELECT id % 2 AS k, s, sum(id) AS t, grouping_id() AS g FROM a GROUP BY GROUPING SETS ((id % 2), (s), ()) ORDER BY g, k, s
SELECT id % 2 AS k, s, count(*) AS n FROM a GROUP BY id % 2, ROLLUP (s) ORDER BY ALL
SELECT s, count(*) AS n FROM a GROUP BY s GROUPING SETS ((s), ()) ORDER BY ALL
SELECT grouping(v) FROM a GROUP BY CUBE (id)
SELECT x, count(*) FROM VALUES (NULL), (NULL), (1) t(x) GROUP BY x WITH ROLLUP ORDER BY 2, 1
SELECT m, count(*) AS n FROM VALUES (map('a', 1, 'b', 2)), (map('b', 2, 'a', 1)), (map('a', 1)) t(m) GROUP BY m ORDER BY n
SELECT DISTINCT m FROM VALUES (map('a', 1)), (map('a', 1)) t(m)
SELECT m FROM VALUES (map('a', 1)) t(m) ORDER BY m
SELECT count(DISTINCT m) FROM VALUES (map('a', 1)), (map('a', 1)) t(m)
SELECT map('a', 1) = map('a', 1)
SELECT id FROM a ORDER BY id LIMIT ALL OFFSET 2
SELECT id FROM a LIMIT -1
SELECT id FROM a LIMIT id
SELECT id FROM a LIMIT 'a'
SELECT id FROM a OFFSET -1
SELECT id FROM a ORDER BY id DESC NULLS FIRST, s ASC LIMIT 0
SELECT x FROM VALUES (1), (NULL), (2) t(x) ORDER BY x DESC NULLS FIRST LIMIT 1
SELECT * EXCEPT (nope) FROM a
SELECT * EXCEPT (id, s) FROM a
SELECT a.* EXCEPT (id), b.* FROM a JOIN b USING (id) ORDER BY ALL
SELECT x.*, x.p + 1 AS r FROM (SELECT named_struct('p', 1, 'q', 2) AS x)
SELECT a.*, * FROM a ORDER BY 1 LIMIT 1
SELECT struct(*), count(*) OVER () FROM a ORDER BY 1 LIMIT 1
SELECT coalesce(*), concat(*) FROM (SELECT NULL AS p, 'q' AS q)
SELECT nope.* FROM a
SELECT sum(max(id)) FROM a
SELECT max(id) + max(max(id)) FROM a
SELECT sum(id) FROM a WHERE max(id) > 1
SELECT id FROM a JOIN b ON sum(a.id) = b.id
SELECT id FROM a JOIN b ON a.id = b.id
SELECT a.id, v FROM a JOIN b USING (id) WHERE a.id = b.id ORDER BY id
SELECT id, a.id AS x, b.id AS y FROM a FULL JOIN b USING (id) ORDER BY id
SELECT * FROM a NATURAL FULL JOIN b ORDER BY id
SELECT * FROM a RIGHT JOIN b USING (id) ORDER BY id
SELECT * FROM a JOIN b USING (nope)
SELECT * FROM a x JOIN a y ON x.id = y.id + 1 ORDER BY 1
SELECT * FROM a CROSS JOIN e
SELECT * FROM a LEFT JOIN b ON a.id = b.id AND b.v > 10 ORDER BY a.id
SELECT * FROM a LEFT JOIN b ON a.id > 1 AND b.v > 30 ORDER BY a.id
SELECT a.id FROM a LEFT SEMI JOIN b ON a.id = b.id AND b.v > 10
SELECT 1 % 0
SELECT 1.0 / 0
SELECT 1D / 0
SELECT 1 DIV 0
SELECT mod(1, 0)
SELECT pmod(1, 0)
SELECT 9223372036854775807 + 1
SELECT -(-2147483648)
SELECT abs(-9223372036854775808)
SELECT CAST(300 AS TINYINT)
SELECT CAST(1e10D AS INT)
SELECT CAST('1.5' AS INT)
SELECT CAST('' AS INT)
SELECT CAST(' 12 ' AS INT), CAST('1e2' AS DOUBLE), CAST('1e2' AS DECIMAL(5,1)), CAST('+5' AS INT), CAST('Infinity' AS DOUBLE), CAST('-inf' AS FLOAT), CAST('t' AS BOOLEAN), CAST('No' AS BOOLEAN), CAST(1.999BD AS INT), CAST(-1.5D AS INT), CAST(0.5 AS BOOLEAN), try_cast('x' AS BOOLEAN)
SELECT CAST(99999999999999999999999999999999999999BD AS DECIMAL(38,0)) + 1
SELECT CAST(12345.678 AS DECIMAL(5,2))
SELECT sum(x) FROM VALUES (9223372036854775807), (1) t(x)
SELECT avg(x), sum(x), typeof(avg(x)), typeof(sum(x)) FROM VALUES (1.25BD), (2.50BD) t(x)
SELECT 1.0BD / 3, 1.00BD * 2.000BD, 10BD % 3, typeof(1.0BD / 3), 1 / 3, 7 DIV 2, -7 % 3, pmod(-7, 3), -7 DIV 2, 2 * 1.5, 1 + '2', 5 / '2'
SELECT 'a' + 1
SELECT true + 1
SELECT array(1, 2)[2]
SELECT element_at(array(1, 2), 3)
SELECT element_at(array(1, 2), 0)
SELECT map('a', 1)['b'], element_at(map('a', 1), 'b'), get(array(1), 5), try_element_at(array(1), 5), array(1, 2)[0]
SELECT idd FROM a
SELECT nope(1)
SELECT a.nope FROM a
SELECT abs()
SELECT abs(1, 2)
SELECT 1 +
SELECT 'a
SELECT id FROM a WHERE s
SELECT id FROM a WHERE 1
SELECT CASE WHEN 1 THEN 2 END
SELECT CASE WHEN true THEN 1 ELSE 'a' END
SELECT CASE WHEN true THEN 1 ELSE 2.5 END, coalesce(1, 2L, 3.5), if(false, 1, NULL), nullif(1, 1.0), greatest(1, 2.5, NULL), least('a', 'b'), CASE WHEN false THEN 1 END, typeof(coalesce(NULL, 1S)), typeof(array(1, 2.5, 3D)), typeof(map(1, 'a', 2L, 'b'))
SELECT coalesce(1, array(1))
SELECT array(1, 'a')
SELECT 1 = array(1)
SELECT struct(1, 2) = struct(1L, 2), struct(1, 'a') < struct(1, 'b'), array(1, 2) < array(1, 3), array(1) < array(1, 1), NULL = NULL, NULL <=> NULL, struct(1, NULL) = struct(1, NULL), struct(1, NULL) <=> struct(1, NULL)
SELECT stack(2, 1, 'a', 2, 'b'), 5
SELECT explode(array(1, 2)) AS x, 5 AS y
SELECT explode(array(1)), explode(array(2))
SELECT explode(1)
SELECT inline(array(struct(1 AS a, 'x' AS b), struct(2 AS a, 'y' AS b)))
SELECT id, explode(array(1, 2)) AS x FROM a WHERE id = 1 ORDER BY x
SELECT posexplode(map('a', 1)), id FROM a WHERE id = 1
SELECT explode_outer(array()) AS x
SELECT * FROM explode(array(1, 2)) AS t(x) ORDER BY x
SELECT * FROM range(3), range(10, 4, -3) r(y) ORDER BY ALL
SELECT * FROM a TABLESAMPLE (100 PERCENT) ORDER BY id
SELECT count(*) FILTER (WHERE id > 1), sum(id) FILTER (WHERE false), count(id, s), count(DISTINCT id, s), max_by(s, id), min_by(s, -id), bool_and(id > 0), some(id > 2), every(id > 2), count_if(id > 1), approx_count_distinct(s), collect_list(id) FILTER (WHERE id < 0), corr(id, id), median(id), try_sum(id), try_avg(id), array_agg(id) FILTER (WHERE id = 1), skewness(id), kurtosis(id), regr_slope(id, id) FROM a
SELECT count(*), sum(id), max(s), avg(id), collect_list(id), count_if(true), first(s), bool_or(id > 1), stddev(id), array_agg(s) FROM e
SELECT count(*), sum(v), max(v), avg(v), collect_list(v), count_if(true), first(v), bool_or(v > 1), stddev(v), array_agg(v), approx_count_distinct(v), percentile(v, 0.5), mode(v), listagg(CAST(v AS STRING)), max_by(v, id), corr(v, v) FROM e
SELECT v, count(*) FROM e GROUP BY v
SELECT sum(v) OVER () FROM e
SELECT id AS x, x + 1 AS y, y * 2 AS z FROM a ORDER BY id
SELECT id AS x FROM a WHERE x > 1
SELECT id + 1 AS id, id AS old FROM a ORDER BY old LIMIT 1
SELECT `id` AS `my id`, "s" FROM a ORDER BY `my id` LIMIT 1
SELECT a.id, A.ID, `A`.`s` FROM a ORDER BY a.ID LIMIT 1
SELECT t.id, t.id AS id FROM a AS t(id, s) WHERE t.id = 1
SELECT id FROM (SELECT id, id FROM a)
SELECT * FROM a AS t(x)
SELECT * FROM (SELECT 1 AS x, 2 AS x)
SELECT id, CASE WHEN EXISTS (SELECT 1 FROM b WHERE b.id = a.id) THEN (SELECT max(v) FROM b WHERE b.id = a.id) ELSE -1 END AS v FROM a ORDER BY id
SELECT a.id FROM a JOIN b ON a.id = b.id AND a.id IN (SELECT id FROM b WHERE v > 10) ORDER BY 1
SELECT id % 2 AS k, max(id) AS m FROM a GROUP BY id % 2 HAVING max(id) IN (SELECT id FROM b) ORDER BY k
SELECT s, row_number() OVER (ORDER BY count(*) DESC, s) AS r, sum(count(*)) OVER (ORDER BY s) AS c FROM a GROUP BY s ORDER BY s
SELECT s, sum(id) AS t, avg(sum(id)) OVER (ORDER BY s ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS m, first_value(max(id)) OVER (ORDER BY s) AS f FROM a GROUP BY s HAVING sum(id) > 0 ORDER BY s
SELECT max(id) AS m, rank() OVER (ORDER BY max(id)) AS r FROM a
SELECT id, sum(id) AS t, sum(id) OVER () AS w FROM a GROUP BY id ORDER BY id
SELECT s, count(*) AS n, ntile(2) OVER (ORDER BY s) AS t FROM a GROUP BY ROLLUP (s) ORDER BY s
SELECT DISTINCT id % 2 AS k, count(*) OVER (PARTITION BY id % 2) AS n FROM a ORDER BY k
SELECT id, CASE WHEN lag(id) OVER (ORDER BY id) IS NULL THEN 0 ELSE id - lag(id) OVER (ORDER BY id) END AS d FROM a ORDER BY id
SELECT * FROM (SELECT id, max(id) OVER () AS m FROM a) WHERE id = m
SELECT id, ${nope:-x} FROM a
SELECT 'a' 'b' AS s, "c" AS d, r'\d' AS r, 'it\'s' AS i, 'a''b' AS q, '\u00e9\x41\101' AS u, 'tab\tend' AS t, '\%\_' AS l
SELECT :x
SELECT `a.b`, t.`a.b` AS c FROM (SELECT 1 AS `a.b`) t
SELECT 1 x, 2 AS y, (3) z, (SELECT 4) w
SELECT 1;
SELECT 1; SELECT 2
SELECT /* c /* nested */ */ 1 AS x -- end
SELECT /*+ BROADCAST(b) */ a.id, v FROM a JOIN b ON a.id = b.id ORDER BY 1
VALUES (1, 'a'), (2, NULL)
VALUES (1), (2, 3)
TABLE a
SELECT * FROM (VALUES (1, 2), (3, 4)) AS t(x, y) WHERE x = 3
SELECT current_date() IS NOT NULL, typeof(current_timestamp()), current_database(), current_catalog(), version() IS NOT NULL, typeof(NULL), current_timezone()
SELECT round(2.5), round(-2.5), round(2.45, 1), bround(2.5), round(125, -1), round(1.5D), round(2.5D), round(1e20D, 2), ceil(1.2), floor(-1.2), ceil(1.25, 1), floor(-1.25, 1), round(CAST('NaN' AS DOUBLE)), truncate_ FROM (SELECT 1 AS truncate_)
SELECT sqrt(-1), ln(0), log(10, 100), pow(2, 10), 0D / 1, exp(1), cbrt(27), log2(8), log10(0), sign(-2), factorial(5), factorial(21), hypot(3, 4), width_bucket(5, 0, 10, 5), bin(-1), shiftleft(1, 33), shiftright(-8, 1), shiftrightunsigned(-8, 28), 1 << 3, getbit(5, 0), bit_count(-1), greatest(1, CAST('NaN' AS DOUBLE)), isnan(NULL), nanvl(CAST('NaN' AS DOUBLE), 1)
SELECT id, (id IN (SELECT id FROM b)) IS TRUE AS t, NOT (id IN (SELECT id FROM b)) AS f, count(*) OVER () AS n FROM a ORDER BY id
SELECT percentile(x, 0.25), percentile(x, array(0.0, 0.5, 1.0)), percentile(x, 0.5, f), approx_percentile(x, 0.5), percentile_approx(x, array(0.1, 0.9), 100), median(x), mode(x), size(collect_set(x)), sort_array(array_agg(DISTINCT x)), variance(x), stddev_pop(x), covar_pop(x, f), covar_samp(x, f) FROM VALUES (1, 1), (2, 3), (10, 1), (NULL, 5) t(x, f)
SELECT x, lag(x) IGNORE NULLS OVER w AS l, lead(x, 1, -1) OVER w AS d, last_value(x) IGNORE NULLS OVER w AS v, nth_value(x, 2) IGNORE NULLS OVER w AS n, first_value(x) OVER w AS f, cume_dist() OVER w AS c, percent_rank() OVER w AS p, dense_rank() OVER w AS r, ntile(3) OVER w AS t FROM VALUES (1, 5), (2, NULL), (3, NULL), (4, 7), (4, 8) t(k, x) WINDOW w AS (ORDER BY k, x)
SELECT k, sum(x) OVER (PARTITION BY k ORDER BY x NULLS LAST) AS s, count(*) OVER (PARTITION BY k) AS n, max(x) OVER (ORDER BY x DESC NULLS LAST ROWS BETWEEN 1 FOLLOWING AND 2 FOLLOWING) AS m FROM VALUES (1, 1), (1, NULL), (2, 3), (NULL, 4), (NULL, 5) t(k, x) ORDER BY k, x
SELECT lag(id, -1) OVER (ORDER BY id) FROM a
SELECT row_number() OVER () FROM a
SELECT sum(id) OVER (PARTITION BY nope) FROM a
SELECT id, sum(id) OVER w1 + sum(id) OVER w2 AS t FROM a WINDOW w1 AS (ORDER BY id), w2 AS w1 ORDER BY id
SELECT array_insert(array(1, 2), 1, 0), array_insert(array(1, 2), -1, 9), array_insert(array(1), 5, 9), slice(array(1, 2, 3), -2, 2), slice(array(1, 2), 5, 1), array_position(array(1, NULL), 1), flatten(array(array(1), NULL)), flatten(array(array(1), array(2))), sort_array(array(2, NULL, 1)), sort_array(array(2, NULL, 1), false), array_sort(array(2, NULL, 1)), arrays_overlap(array(1, NULL), array(2, NULL)), arrays_overlap(array(1), array(2)), array_except(array(1, 1, NULL), array(1)), array_intersect(array(NULL, 1), array(NULL, 2)), array_union(array(1, 1), array(NULL)), array_join(array('a', NULL, 'b'), ','), array_join(array('a', NULL), ',', '?'), element_at(array(1, 2), -1), array_repeat('a', 0), array_compact(array(1, NULL)), array_append(array(1), NULL), array_remove(array(1, NULL, 1), 1), array_distinct(array(1, NULL, NULL, 1)), array_min(array(NULL, 2)), array_max(array()), size(NULL), cardinality(array(1)), array_size(NULL)
SELECT array_insert(array(1), 0, 5)
SELECT slice(array(1), 0, 1)
SELECT slice(array(1), 1, -1)
SELECT map('a', 1, 'a', 2)
SELECT map(NULL, 1)
SELECT map_concat(map('a', 1), map('a', 2))
SELECT map_from_arrays(array('a'), array(1, 2))
SELECT sequence(1, 5, -1)
SELECT sequence(1, 5, 0)
SELECT map('a')
SELECT get_json_object('{"a":[{"b":1},{"b":"x"}]}', '$.a[*].b'), get_json_object('{"a":1.0}', '$.a'), get_json_object('{"a":null}', '$.a'), get_json_object('{"a b":1}', '$[\'a b\']'), get_json_object('{"a":{"b":[1,2]}}', '$.a'), get_json_object('bad', '$.a'), get_json_object('{"a":1}', 'a'), json_array_length('[1,[2]]'), json_array_length('{}'), json_object_keys('{"b":1,"a":2}'), schema_of_json('{"a":[1,2.5],"b":null}'), from_json('{"a":1,"b":"x"}', 'a INT, b STRING'), from_json('bad', 'a INT'), from_json('{"a":"x"}', 'a INT'), to_json(named_struct('a', NULL, 'b', array(NULL, 1), 'c', map('k', NULL))), to_json(array(1)), to_json(map('a', 1.50BD))
SELECT json_tuple('{"a":1,"b":"x","c":null}', 'a', 'b', 'c', 'd')
SELECT s.*, s.p AS q FROM (SELECT named_struct('p', id, 'r', s) AS s FROM a) ORDER BY q LIMIT 2
SELECT struct(id, s) AS k, count(*) AS n FROM a GROUP BY struct(id, s) ORDER BY k
SELECT array(id) AS k, count(*) AS n FROM a GROUP BY 1 HAVING n > 0 ORDER BY k[0]
SELECT a.id, b.v FROM a LEFT JOIN b ON a.id = b.id WHERE b.v IS NULL OR b.v > 10 ORDER BY 1
SELECT * FROM (SELECT id, v FROM b) x FULL OUTER JOIN (SELECT id, s FROM a) y ON x.id = y.id AND x.v < 20 ORDER BY x.id, y.id
SELECT a.id, x.v, y.v AS w FROM a LEFT JOIN b x ON a.id = x.id LEFT JOIN b y ON x.id = y.id AND y.v > 10 ORDER BY 1
SELECT count(*) FROM a, b, a c WHERE a.id < b.id AND b.id < c.id + 2
SELECT * FROM VALUES (1, NULL), (NULL, NULL), (2, 2) t(x, y) JOIN VALUES (1, NULL), (NULL, NULL), (2, 3) u(p, q) ON x <=> p AND y <=> q ORDER BY x
SELECT id, CASE WHEN id > 1 THEN 1 / (id - 1) ELSE 0 END AS d FROM a ORDER BY id
SELECT id FROM a WHERE id <> 1 AND 10 / (id - 1) > 6 ORDER BY id
SELECT id, id <> 1 AND 10 / (id - 1) > 6 AS p, id = 1 OR 10 / (id - 1) > 6 AS q FROM a ORDER BY id
SELECT id FROM a WHERE id = 1 OR 10 / (id - 1) > 6 ORDER BY id
SELECT x FROM VALUES ('1'), ('a'), ('3') t(x) WHERE x RLIKE '^[0-9]+$' AND CAST(x AS INT) > 1
SELECT x FROM VALUES ('1'), (NULL), ('3') t(x) WHERE x IS NOT NULL AND assert_true(x IS NOT NULL) IS NULL AND CAST(x AS INT) > 1
SELECT id FROM (SELECT id FROM a WHERE id > 1) WHERE 10 / (id - 1) > 6
SELECT a.id FROM a JOIN b ON a.id <> 1 AND 10 / (a.id - 1) > b.id AND b.v = 20 ORDER BY 1
SELECT sum(CASE WHEN id > 1 THEN 10 / (id - 1) END) AS s, count_if(id > 1 AND 10 / (id - 1) > 6) AS n, sum(id) FILTER (WHERE id > 1 AND 10 / (id - 1) > 6) AS f FROM a
SELECT id, if(id = 1, 0, 10 / (id - 1)) AS i, coalesce(nullif(id, 2), 1 / (id - 1)) AS c, CASE id WHEN 1 THEN -1 ELSE 10 / (id - 1) END AS k FROM a ORDER BY id
SELECT filter(array(0, 1, 2), x -> x <> 0 AND 10 / x > 6) AS f, transform(array(0, 2), x -> if(x = 0, 0, 10 / x)) AS t, exists(array(0, 1), x -> x = 0 OR 1 / x > 5) AS e
SELECT id % 2 AS k, sum(id) AS s FROM a GROUP BY id % 2 HAVING min(id) > 1 AND 10 / (min(id) - 1) > 6
SELECT element_at(array(id), 1) AS x FROM a WHERE id > 1 AND array(1, 2, 3)[id - 1] > 2
SELECT id FROM a WHERE NOT (id = 1 OR 10 / (id - 1) < 6) ORDER BY id
SELECT coalesce(1, 1 / 0), if(true, 1, 1 / 0), nvl(1, 1 / 0), CASE WHEN false THEN 1 / 0 ELSE 2 END, try_divide(1, 0), try_add(2147483647, 1), try_cast('x' AS INT), false AND 1 / 0 > 0, true OR 1 / 0 > 0
SELECT raise_error('boom')
SELECT assert_true(1 > 2)
SELECT assert_true(id < 3, 'too big') FROM a
SELECT md5('a'), sha1('a'), sha2('a', 256), sha2('a', 0), sha2('a', 1), crc32('a'), hash('a', 1, NULL), xxhash64('a'), hash(array(1, 2))
