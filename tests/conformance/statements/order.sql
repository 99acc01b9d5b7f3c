SELECT id FROM a WHERE id <> 1 AND 10 / (id - 1) > 6
SELECT id FROM (SELECT * FROM a WHERE id > 1) WHERE 10 / (id - 1) > 6
SELECT m, count(*) FROM VALUES (map(1, 2, 3, 4)), (map(3, 4, 1, 2)) t(m) GROUP BY m
SELECT regexp_replace('baac', 'a*', '-'), split('abc', 'x*'), split('a|b', '|'), split('abc', ''), regexp_extract_all('a1b22c', '\\d*', 0), regexp_substr('abc', 'x*')
SELECT x, typeof(x) FROM (SELECT CAST(1 AS DECIMAL(38,0)) AS x UNION ALL SELECT CAST(1.5 AS DECIMAL(38,18))) ORDER BY x
SELECT unix_timestamp(TIMESTAMP'1969-12-31 23:59:59.5'), typeof(date_trunc('day', TIMESTAMP_NTZ'2031-01-01 10:00:00'))
