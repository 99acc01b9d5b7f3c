SELECT count(DISTINCT id, id % 7) AS n, count(DISTINCT id) AS m, sum(id) AS s, count(*) AS c FROM range(20000)
SELECT count(DISTINCT struct(id, id % 10)) AS n, count(DISTINCT array(id % 100)) AS a, count(DISTINCT struct(CAST(NULL AS INT), id % 3)) AS p FROM range(50000)
SELECT count(DISTINCT x) AS n FROM VALUES (struct(0.0D, 1), 0), (struct(-0.0D, 1), 0), (struct(CAST('NaN' AS DOUBLE), 1), 0), (struct(-CAST('NaN' AS DOUBLE), 1), 0), (NULL, 0), (struct(CAST(NULL AS DOUBLE), 1), 0) AS t(x, y)
SELECT count(DISTINCT x) AS n, count(DISTINCT x, y) AS p, count(DISTINCT y, y) AS q FROM VALUES (array(1, NULL), 1), (array(1, NULL), NULL), (array(), 2), (NULL, 2), (array(NULL), 2) AS t(x, y)
SELECT count(*) AS n, sum(size(x)) AS s, min(x[0]) AS lo, max(x[39]) AS hi FROM (SELECT id % 5000 AS k, sort_array(collect_list(id)) AS x FROM range(200000) GROUP BY id % 5000)
SELECT count(*) AS n, sum(size(x)) AS s FROM (SELECT id % 5000 AS k, collect_set(concat(id % 11, '/', id % 3)) AS x FROM range(200000) GROUP BY id % 5000)
SELECT count(*) AS n, sum(x) AS s FROM (SELECT id % 5000 AS k, percentile(id, 0.5) AS x FROM range(200000) GROUP BY id % 5000)
SELECT count(*) AS n, sum(x) AS s, sum(y) AS t FROM (SELECT id % 5000 AS k, median(id) AS x, percentile_disc(0.25) WITHIN GROUP (ORDER BY id) AS y FROM range(200000) GROUP BY id % 5000)
SELECT count(*) AS n, sum(length(x)) AS s FROM (SELECT id % 5000 AS k, listagg(CAST(id AS STRING), ',') AS x FROM range(200000) GROUP BY id % 5000)
SELECT count(*) AS n, sum(x) AS s, sum(y) AS d FROM (SELECT id % 5000 AS k, count(DISTINCT id % 13, id % 2) AS x, sum(DISTINCT id % 17) AS y FROM range(200000) GROUP BY id % 5000)
SELECT count(*) AS n, sum(x) AS s FROM (SELECT id % 5000 AS k, mode(id % 3, true) AS x FROM range(200000) GROUP BY id % 5000)
SELECT count(*) AS n, sum(size(x)) AS s, sum(size(x[0])) AS z FROM (SELECT id % 5000 AS k, collect_list(array(id, id)) AS x FROM range(200000) GROUP BY id % 5000)
SELECT collect_set(zeroifnull(1e308D)) AS a, count(DISTINCT coalesce(1D, 2D)) AS b, collect_set(1D + coalesce(1D, 2D)) AS c
SELECT sum(coalesce(id, 1)) AS s, max(repeat('x', 3)) AS m, count(nvl(id, 2)) AS n FROM range(3)
SELECT coalesce(id, 7) AS k, sum(nvl2(id, 2, 3)) AS s, first(repeat('y', 2)) AS f FROM range(3) GROUP BY coalesce(id, 7) HAVING max(coalesce(id, 0)) > 0 ORDER BY k
SELECT ifnull(id, 7) AS k, grouping(ifnull(id, 7)) AS g, count(DISTINCT coalesce(0D, -0D), id) AS n, min(repeat('z', 2)) AS f FROM range(2) GROUP BY CUBE(ifnull(id, 7)) ORDER BY k, g
