SELECT id FROM a WHERE (id, s) IN (SELECT id, 'x' FROM b) ORDER BY id
SELECT id FROM a WHERE (id, s) NOT IN (SELECT id, 'x' FROM b) ORDER BY id
SELECT id, id IN (SELECT id FROM b) AS i FROM a ORDER BY id
SELECT id, CASE WHEN id IN (SELECT id FROM b) THEN 'in' ELSE 'out' END AS i FROM a ORDER BY id
SELECT id FROM a WHERE id NOT IN (SELECT * FROM VALUES (1), (NULL) t(x))
SELECT id FROM a WHERE id NOT IN (SELECT id FROM e) ORDER BY id
SELECT id, id NOT IN (SELECT * FROM VALUES (1), (NULL) t(x)) AS i FROM a ORDER BY id
SELECT id FROM a WHERE id IN (SELECT id FROM b) OR s = 'z' ORDER BY id
SELECT id FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.id = a.id) OR s = 'z' ORDER BY id
SELECT id, EXISTS (SELECT 1 FROM b WHERE b.id = a.id) AS e FROM a ORDER BY id
SELECT s, rank() OVER (ORDER BY sum(id) DESC) AS r FROM a GROUP BY s ORDER BY s
SELECT s, sum(sum(id)) OVER () AS r FROM a GROUP BY s ORDER BY s
SELECT id, sum(id) OVER (ORDER BY id) + row_number() OVER (ORDER BY id DESC) AS r FROM a ORDER BY id
SELECT id % 2 AS k, count(*) FROM a GROUP BY ALL ORDER BY ALL
SELECT id FROM a QUALIFY row_number() OVER (ORDER BY id DESC) = 1
WITH t AS (SELECT 1 AS x), u AS (SELECT x + 1 AS x FROM t) SELECT * FROM t, u
WITH t AS (SELECT 1 AS x) SELECT * FROM (WITH t AS (SELECT 2 AS x) SELECT * FROM t)
SELECT * FROM (SELECT id, v FROM b) PIVOT (sum(v) AS s, count(*) AS n FOR id IN (1, 2)) 
SELECT mean(id), avg(id), substr(s, 1, 1), substring(s, 1), count(*), count(1) FROM a GROUP BY s ORDER BY s LIMIT 1
SELECT DISTINCT m FROM VALUES (map(1, 2)), (map(1, 2)) t(m)
SELECT m FROM VALUES (map(1, 2)) t(m) ORDER BY m
SELECT x FROM (SELECT 1.10BD AS x UNION ALL SELECT 22.2BD UNION ALL SELECT 3BD) ORDER BY x
SELECT CAST('0.5' AS DECIMAL(38, 38)) * CAST('0.5' AS DECIMAL(38, 38))
SELECT * EXCEPT (s) FROM a ORDER BY id
SELECT a.*, b.* FROM a JOIN b USING (id) ORDER BY 1
SELECT id FROM a ORDER BY id LIMIT ALL
SELECT id FROM a ORDER BY id OFFSET 1
SELECT 1 UNION SELECT 2 INTERSECT SELECT 2 ORDER BY 1
SELECT id, lag(s) IGNORE NULLS OVER (ORDER BY id) FROM a ORDER BY id
SELECT grouping_id(id, s), count(*) FROM a GROUP BY CUBE(id, s) ORDER BY 1, 2 LIMIT 3
SELECT id, count(*) FROM a GROUP BY 1 HAVING count(*) > 0 ORDER BY 1
SELECT first(id) FILTER (WHERE id > 1) FROM a
SELECT id FROM a TABLESAMPLE (100 PERCENT) ORDER BY id
SELECT * FROM a NATURAL JOIN b ORDER BY 1
SELECT id, (SELECT max(v) FROM b) AS m FROM a ORDER BY id
SELECT listagg(s, ',') WITHIN GROUP (ORDER BY id DESC) FROM a
SELECT transform(array(1, 2), (x, i) -> x + i), filter(array(1, NULL, 3), x -> x IS NOT NULL), aggregate(array(1, 2), 0, (a, x) -> a + x, a -> a * 10), zip_with(array(1), array(2, 3), (x, y) -> coalesce(x, 0) + y), exists(array(1, NULL), x -> x > 1), forall(array(1), x -> x > 0)
SELECT id div 0 FROM a
SELECT 1 / 0
SELECT CAST('x' AS INT)
SELECT element_at(array(1), 2)
SELECT 2147483647 + 1
SELECT * FROM a WHERE id = 'x'
SELECT unknown(1)
SELECT nope FROM a
SELECT * FROM nope
SELECT id FROM a, b
SELECT sum(s) FROM a
SELECT id, s FROM a GROUP BY id
SELECT explode(array(1,2)), explode(array(3))
