SELECT a.id, x.v FROM a, LATERAL (SELECT v FROM b WHERE b.id = a.id ORDER BY v LIMIT 1) x ORDER BY 1
SELECT a.id, x.v FROM a LEFT JOIN LATERAL (SELECT v FROM b WHERE b.id = a.id ORDER BY v LIMIT 1) x ORDER BY 1
SELECT a.id, x.v FROM a, LATERAL (SELECT v FROM b WHERE b.id > a.id ORDER BY v DESC LIMIT 1) x ORDER BY 1
SELECT a.id, x.v FROM a, LATERAL (SELECT v FROM b WHERE b.id >= a.id ORDER BY v LIMIT 2) x ORDER BY 1, 2
SELECT a.id, x.v FROM a, LATERAL (SELECT v FROM b WHERE b.id >= a.id ORDER BY v LIMIT 2 OFFSET 1) x ORDER BY 1, 2
SELECT a.id, x.n FROM a, LATERAL (SELECT count(*) AS n FROM b WHERE b.id = a.id) x ORDER BY 1
SELECT a.id, x.n, x.s FROM a, LATERAL (SELECT count(v) AS n, sum(v) AS s FROM b WHERE b.id > a.id) x ORDER BY 1
SELECT a.id, x.l FROM a, LATERAL (SELECT collect_list(v) AS l FROM b WHERE b.id = a.id) x ORDER BY 1
SELECT a.id, x.k, x.n FROM a, LATERAL (SELECT id % 2 AS k, count(*) AS n FROM b WHERE b.id >= a.id GROUP BY id % 2) x ORDER BY 1, 2
SELECT a.id, x.w FROM a, LATERAL (SELECT a.id * 10 AS w) x ORDER BY 1
SELECT a.id, x.w FROM a, LATERAL (SELECT a.id + b.v AS w FROM b) x ORDER BY 1, 2
SELECT a.id, x.w FROM a, LATERAL (SELECT DISTINCT b.id > a.id AS w FROM b) x ORDER BY 1, 2
SELECT a.id, x.w FROM a, LATERAL (SELECT a.id AS w UNION ALL SELECT b.id FROM b WHERE b.id < a.id) x ORDER BY 1, 2
SELECT a.id, x.v, y.w FROM a, LATERAL (SELECT v FROM b WHERE b.id = a.id) x, LATERAL (SELECT x.v + a.id AS w) y ORDER BY 1
SELECT a.id, x.r FROM a, LATERAL (SELECT rank() OVER (ORDER BY v) AS r FROM b WHERE b.id >= a.id) x ORDER BY 1, 2
SELECT a.id, x.v FROM a JOIN LATERAL (SELECT v, id FROM b) x ON x.id = a.id ORDER BY 1
SELECT a.id, x.v FROM a LEFT JOIN LATERAL (SELECT v, id FROM b WHERE v > 10 * a.id) x ON x.id > 2 ORDER BY 1
SELECT a.id, x.s FROM a, LATERAL (SELECT c.s FROM a c JOIN b ON c.id = b.id WHERE b.id = a.id) x ORDER BY 1
SELECT a.id, x.n FROM a, LATERAL (SELECT max(n) AS n FROM (SELECT count(*) AS n FROM b WHERE b.id <= a.id GROUP BY v)) x ORDER BY 1
SELECT t.k, x.n FROM VALUES (1), (NULL), (1) t(k), LATERAL (SELECT count(*) AS n FROM b WHERE b.id = t.k) x ORDER BY 1
SELECT a.id, x.e FROM a, LATERAL (SELECT explode(array(a.id, a.id + 1)) AS e) x ORDER BY 1, 2
SELECT id, (SELECT v FROM b WHERE b.id >= a.id ORDER BY v LIMIT 1) AS v FROM a ORDER BY id
SELECT id, (SELECT max(v) FROM b WHERE b.id < a.id) AS v FROM a ORDER BY id
SELECT id, (SELECT count(*) FROM b WHERE b.id < a.id) AS n FROM a ORDER BY id
SELECT id, (SELECT a.id) AS v FROM a ORDER BY id
SELECT id FROM a WHERE (SELECT count(*) FROM b WHERE b.id > a.id) >= 2 ORDER BY id
SELECT id FROM a WHERE (SELECT v FROM b WHERE b.id >= a.id ORDER BY v LIMIT 1) > 10 ORDER BY id
SELECT id, (SELECT v FROM b WHERE b.id > a.id) AS v FROM a
SELECT id, 1 + (SELECT sum(v) FROM b WHERE b.id <> a.id) AS v FROM a ORDER BY id
SELECT id, CASE WHEN (SELECT count(*) FROM b WHERE b.v > 10 * a.id) > 1 THEN 'many' ELSE 'few' END AS w FROM a ORDER BY id
SELECT max((SELECT count(*) FROM b WHERE b.id < a.id)) AS m FROM a
SELECT id FROM a ORDER BY (SELECT max(v) FROM b WHERE b.id <= a.id) DESC
SELECT id FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.id > a.id AND b.v < 30) ORDER BY id
SELECT id FROM a WHERE NOT EXISTS (SELECT 1 FROM b WHERE b.id > a.id) ORDER BY id
SELECT id FROM a WHERE id IN (SELECT b.id FROM b WHERE b.v >= a.id * 10) ORDER BY id
