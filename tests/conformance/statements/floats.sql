SELECT x, count(*) AS n FROM VALUES (0.0D), (-0.0D), (CAST('NaN' AS DOUBLE)), (-CAST('NaN' AS DOUBLE)), (NULL) t(x) GROUP BY x ORDER BY x
SELECT x, count(*) AS n FROM VALUES (0.0F), (-0.0F), (CAST('NaN' AS FLOAT)), (-CAST('NaN' AS FLOAT)) t(x) GROUP BY x ORDER BY x
SELECT x, count(*) AS n FROM VALUES (-0.0D), (0.0D) t(x) GROUP BY x
SELECT x, count(*) AS n FROM VALUES (array(-0.0D)), (array(0.0D)) t(x) GROUP BY x
SELECT x, count(*) AS n FROM VALUES (struct(-0.0D)), (struct(0.0D)) t(x) GROUP BY x
SELECT x + 1 AS y, count(*) AS n FROM VALUES (0.0D), (-0.0D) t(x) GROUP BY x + 1
SELECT -x AS y, count(*) AS n FROM VALUES (0.0D), (-0.0D) t(x) GROUP BY -x
SELECT DISTINCT x FROM VALUES (-0.0D), (0.0D), (CAST('NaN' AS DOUBLE)), (-CAST('NaN' AS DOUBLE)) t(x) ORDER BY x
SELECT count(*) FROM (SELECT DISTINCT array(x) a FROM VALUES (-0.0D), (0.0D) t(x))
SELECT x FROM VALUES (-0.0D) t(x) UNION SELECT x FROM VALUES (0.0D) u(x)
SELECT x FROM VALUES (-0.0D), (1.0D) t(x) INTERSECT SELECT x FROM VALUES (0.0D) u(x)
SELECT x FROM VALUES (-0.0D), (1.0D) t(x) EXCEPT SELECT x FROM VALUES (0.0D) u(x)
SELECT x FROM VALUES (-0.0D), (1.0D) t(x) EXCEPT ALL SELECT x FROM VALUES (0.0D) u(x)
SELECT x FROM VALUES (-0.0D), (1.0D) t(x) INTERSECT ALL SELECT x FROM VALUES (0.0D) u(x)
SELECT t.x, u.x FROM VALUES (-0.0D), (CAST('NaN' AS DOUBLE)) t(x) JOIN VALUES (0.0D), (-CAST('NaN' AS DOUBLE)) u(x) ON t.x = u.x ORDER BY 1
SELECT t.x, u.x FROM VALUES (-0.0D), (CAST('NaN' AS DOUBLE)) t(x) LEFT JOIN VALUES (0.0D), (-CAST('NaN' AS DOUBLE)) u(x) ON t.x <=> u.x ORDER BY 1
SELECT t.x FROM VALUES (array(-0.0D)) t(x) JOIN VALUES (array(0.0D)) u(x) ON t.x = u.x
SELECT t.x FROM VALUES (struct(-0.0D)) t(x) JOIN VALUES (struct(0.0D)) u(x) ON t.x = u.x
SELECT t.x FROM VALUES (-0.0F) t(x) LEFT SEMI JOIN VALUES (0.0D) u(x) ON t.x = u.x
SELECT t.x FROM VALUES (-0.0F) t(x) LEFT ANTI JOIN VALUES (0.0D) u(x) ON t.x = u.x
SELECT t.x FROM VALUES (-0.0D) t(x) WHERE x IN (SELECT y FROM VALUES (0.0D) u(y))
SELECT t.x FROM VALUES (-0.0D), (CAST('NaN' AS DOUBLE)) t(x) WHERE x IN (0.0D, -CAST('NaN' AS DOUBLE)) ORDER BY x
SELECT x IN (0.0D), x = 0.0D, x <=> 0.0D, x < 0.0D, x >= 0.0D, x <> 0.0D FROM VALUES (-0.0D) t(x)
SELECT x IN (1.0D, y), x = y, x <=> y, x < y, x >= y, x <> y FROM VALUES (-0.0D, 0.0D), (CAST('NaN' AS DOUBLE), -CAST('NaN' AS DOUBLE)) t(x, y)
SELECT x = y, x < y, x > y FROM VALUES (CAST('Infinity' AS DOUBLE), CAST('NaN' AS DOUBLE)), (CAST('NaN' AS DOUBLE), 1.0D), (CAST('-Infinity' AS DOUBLE), -CAST('NaN' AS DOUBLE)) t(x, y)
SELECT x BETWEEN 0.0D AND 0.0D, x BETWEEN 0.0D AND CAST('NaN' AS DOUBLE) FROM VALUES (-0.0D), (CAST('NaN' AS DOUBLE)), (5.0D) t(x)
SELECT array(0.0D) = array(-0.0D), array(x) = array(y), struct(x) = struct(y), struct(x) < struct(y), array(x) <=> array(y), struct(x) >= struct(y) FROM VALUES (0.0D, -0.0D), (CAST('NaN' AS DOUBLE), -CAST('NaN' AS DOUBLE)), (-CAST('NaN' AS DOUBLE), 1.0D) t(x, y)
SELECT array(x) IN (array(y)), struct(x) IN (struct(y), struct(1.0D)) FROM VALUES (0.0D, -0.0D) t(x, y)
SELECT nullif(x, 0.0D), CASE x WHEN 0.0D THEN 'zero' ELSE 'other' END, if(x = 0, 1, 2), equal_null(x, 0.0D) FROM VALUES (-0.0D) t(x)
SELECT array_distinct(array(0.0D, -0.0D, CAST('NaN' AS DOUBLE), -CAST('NaN' AS DOUBLE)))
SELECT array_distinct(array(-0.0D, 0.0D)), array_distinct(array(x, y)) FROM VALUES (-0.0D, 0.0D) t(x, y)
SELECT array_contains(array(-0.0D), 0.0D), array_contains(array(CAST('NaN' AS DOUBLE)), -CAST('NaN' AS DOUBLE)), array_position(array(1.0D, -0.0D), 0.0D), array_position(array(CAST('NaN' AS DOUBLE)), CAST('NaN' AS DOUBLE))
SELECT array_union(array(-0.0D), array(0.0D, 1.0D)), array_intersect(array(-0.0D), array(0.0D)), array_except(array(-0.0D, 2.0D), array(0.0D)), arrays_overlap(array(-0.0D), array(0.0D)), array_remove(array(-0.0D, 1.0D), 0.0D)
SELECT array_union(array(x), array(y, 1.0D)), array_intersect(array(x), array(y)), array_except(array(x, 2.0D), array(y)), arrays_overlap(array(x), array(y)), array_remove(array(x, 1.0D), y) FROM VALUES (-0.0D, 0.0D), (CAST('NaN' AS DOUBLE), -CAST('NaN' AS DOUBLE)) t(x, y)
SELECT array_union(array(array(-0.0D)), array(array(0.0D))), array_intersect(array(struct(-0.0D)), array(struct(0.0D))), array_contains(array(array(-0.0D)), array(0.0D)), array_distinct(array(struct(0.0D), struct(-0.0D)))
SELECT sort_array(array(0.0D, -0.0D, CAST('NaN' AS DOUBLE), -1.0D, NULL)), sort_array(array(0.0D, -0.0D, CAST('NaN' AS DOUBLE), -1.0D, NULL), false), array_sort(array(0.0D, -0.0D, CAST('NaN' AS DOUBLE), -1.0D, NULL))
SELECT sort_array(array(-0.0D, 0.0D)), sort_array(array(0.0D, -0.0D)), array_sort(array(struct(0.0D, 2), struct(-0.0D, 1)))
SELECT array_max(array(0.0D, -0.0D)), array_max(array(-0.0D, 0.0D)), array_min(array(0.0D, -0.0D)), array_max(array(1.0D, CAST('NaN' AS DOUBLE), 2.0D)), array_min(array(CAST('NaN' AS DOUBLE), 2.0D, 1.0D))
SELECT greatest(0.0D, -0.0D), greatest(-0.0D, 0.0D), least(0.0D, -0.0D), greatest(1.0D, CAST('NaN' AS DOUBLE)), least(CAST('NaN' AS DOUBLE), 1.0D)
SELECT map(0.0D, 'a')[-0.0D], map(-0.0D, 'a')[0.0D], map_keys(map(-0.0D, 'a')), element_at(map(CAST('NaN' AS DOUBLE), 1), -CAST('NaN' AS DOUBLE)), map_contains_key(map(0.0D, 1), -0.0D)
SELECT map(0.0D, 'a', -0.0D, 'b')
SELECT map_from_arrays(array(0.0D, -0.0D), array(1, 2))
SELECT map_concat(map(0.0D, 'a'), map(-0.0D, 'b'))
SELECT map_from_entries(array(struct(CAST('NaN' AS DOUBLE), 1), struct(-CAST('NaN' AS DOUBLE), 2)))
SELECT map_zip_with(map(0.0D, 1), map(-0.0D, 2), (k, a, b) -> a + b)
SELECT min(x), max(x) FROM VALUES (1.0D), (CAST('NaN' AS DOUBLE)), (2.0D) t(x)
SELECT k, min(x), max(x) FROM VALUES (1, 1.0D), (1, CAST('NaN' AS DOUBLE)), (1, 2.0D), (2, -CAST('NaN' AS DOUBLE)), (2, 3.0D) t(k, x) GROUP BY k ORDER BY k
SELECT k, min(x), max(x) FROM VALUES (1, 1.0F), (1, CAST('NaN' AS FLOAT)), (1, 2.0F), (2, CAST('NaN' AS FLOAT)), (2, CAST('-Infinity' AS FLOAT)) t(k, x) GROUP BY k ORDER BY k
SELECT min(x), max(x) FROM VALUES (-CAST('NaN' AS DOUBLE)), (CAST('-Infinity' AS DOUBLE)) t(x)
SELECT k, max(x) + 0.0D, min(x) + 0.0D FROM VALUES (1, 0.0D), (1, -0.0D) t(k, x) GROUP BY k
SELECT max(struct(x, 1)), min(array(x)) FROM VALUES (1.0D), (-CAST('NaN' AS DOUBLE)), (2.0D) t(x)
SELECT max_by(y, x), min_by(y, x) FROM VALUES (1.0D, 'a'), (-CAST('NaN' AS DOUBLE), 'b'), (2.0D, 'c') t(x, y)
SELECT count(DISTINCT x), count(DISTINCT array(x)), count(DISTINCT x, y), size(collect_set(x)), sum(DISTINCT x) FROM VALUES (0.0D, 1), (-0.0D, 1), (2.5D, 1) t(x, y)
SELECT approx_count_distinct(x), approx_count_distinct(CAST(x AS FLOAT)) FROM VALUES (0.0D), (-0.0D), (CAST('NaN' AS DOUBLE)), (-CAST('NaN' AS DOUBLE)), (2.5D), (NULL) t(x)
SELECT approx_count_distinct(x) FROM VALUES (array(0.0D)), (array(1.0D)) t(x)
SELECT approx_count_distinct(x) FROM VALUES (1.5BD), (2.5BD), (1.5BD) t(x)
SELECT approx_count_distinct(x), approx_count_distinct(d), approx_count_distinct(s), approx_count_distinct(b), approx_count_distinct(o), approx_count_distinct(i) FROM VALUES (TIMESTAMP'2020-01-01 00:00:00', DATE'2020-01-01', 'a', X'01', true, 1), (TIMESTAMP'2020-01-02 00:00:00', DATE'2020-01-01', 'b', X'02', false, 1Y) t(x, d, s, b, o, i)
SELECT approx_count_distinct(struct(x)) FROM VALUES (1), (2) t(x)
SELECT approx_count_distinct(id) > 900, approx_count_distinct(CAST(id AS DOUBLE), 0.01) > 950 FROM range(1000)
SELECT mode(x) FROM VALUES (0.0D), (-0.0D), (2.5D), (2.5D), (0.0D) t(x)
SELECT mode(array(x)), mode(struct(x)) FROM VALUES (0.0D), (-0.0D), (2.5D), (2.5D), (0.0D) t(x)
SELECT mode(x) FROM VALUES (CAST('NaN' AS DOUBLE)), (-CAST('NaN' AS DOUBLE)), (2.5D) t(x)
SELECT v, count(*) OVER (PARTITION BY k) AS n FROM VALUES (0.0D, 1), (-0.0D, 2), (CAST('NaN' AS DOUBLE), 3), (-CAST('NaN' AS DOUBLE), 4) AS t(k, v) ORDER BY v
SELECT v, count(*) OVER (PARTITION BY array(k)) AS n, count(*) OVER (PARTITION BY struct(k)) AS m FROM VALUES (0.0D, 1), (-0.0D, 2) AS t(k, v) ORDER BY v
SELECT v, rank() OVER (ORDER BY k, v) AS r, dense_rank() OVER (ORDER BY k) AS d, row_number() OVER (ORDER BY k, v DESC) AS w FROM VALUES (0.0D, 1), (-0.0D, 2), (CAST('NaN' AS DOUBLE), 3), (-CAST('NaN' AS DOUBLE), 4) AS t(k, v) ORDER BY v
SELECT v, rank() OVER (ORDER BY k DESC) AS r, cume_dist() OVER (ORDER BY k) AS c, percent_rank() OVER (ORDER BY k) AS p FROM VALUES (0.0D, 1), (-0.0D, 2), (CAST('NaN' AS DOUBLE), 3), (-CAST('NaN' AS DOUBLE), 4) AS t(k, v) ORDER BY v
SELECT v, sum(v) OVER (ORDER BY k) AS s FROM VALUES (0.0D, 1), (-0.0D, 2), (1.0D, 4), (CAST('NaN' AS DOUBLE), 8), (-CAST('NaN' AS DOUBLE), 16) AS t(k, v) ORDER BY v
SELECT v, sum(v) OVER (ORDER BY k RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) AS s FROM VALUES (0.0D, 1), (-0.0D, 2), (1.0D, 4), (CAST('NaN' AS DOUBLE), 8), (CAST('Infinity' AS DOUBLE), 16) AS t(k, v) ORDER BY v
SELECT k, v FROM VALUES (0.0D, 1), (-0.0D, 2), (0.0D, 3), (-0.0D, 4) AS t(k, v) ORDER BY k, v
SELECT k, v FROM VALUES (0.0D, 1), (-0.0D, 2), (0.0D, 3), (-0.0D, 4) AS t(k, v) ORDER BY k DESC, v DESC
SELECT v FROM VALUES (array(0.0D), 2), (array(-0.0D), 1), (array(CAST('NaN' AS DOUBLE)), 3), (array(-CAST('NaN' AS DOUBLE)), 4) AS t(k, v) ORDER BY k, v
SELECT v FROM VALUES (struct(0.0D), 2), (struct(-0.0D), 1), (struct(CAST('NaN' AS DOUBLE)), 3), (struct(-CAST('NaN' AS DOUBLE)), 4) AS t(k, v) ORDER BY k DESC, v
SELECT * FROM (SELECT x, v FROM VALUES (0.0D, 1), (-0.0D, 2), (1.0D, 3) t(x, v)) PIVOT (sum(v) FOR x IN (0.0D AS zero, 1.0D AS one))
SELECT x, grouping(x) AS g, count(*) AS n FROM VALUES (0.0D), (-0.0D) t(x) GROUP BY x WITH ROLLUP ORDER BY g
SELECT percentile(x, 0.5), median(x) FROM VALUES (0.0D), (-0.0D), (CAST('NaN' AS DOUBLE)) t(x)
SELECT hash(0.0D) = hash(-0.0D), xxhash64(0.0D) = xxhash64(-0.0D), hash(array(-0.0D)) = hash(array(0.0D)), hash(CAST('NaN' AS DOUBLE)) = hash(-CAST('NaN' AS DOUBLE))
SELECT first(x), last(x), any_value(x) FROM VALUES (-0.0D) t(x)
SELECT array_position(array(-0.0D), x), array_remove(array(-0.0D, 1.0D), x), x IN (-0.0D) FROM VALUES (0.0D) t(x)
SELECT sum(x) OVER (PARTITION BY k ORDER BY v ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM VALUES (0.0D, 1, 5), (-0.0D, 2, 6) t(k, v, x) ORDER BY v
SELECT map_keys(map_from_entries(array(struct(-0.0D, 1))))
