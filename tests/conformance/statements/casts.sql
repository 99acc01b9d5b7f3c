SELECT CAST(id AS DOUBLE) FROM a
SELECT abs(CAST(id AS DOUBLE)) FROM a
SELECT sum(CAST(id AS DOUBLE)) FROM a
SELECT max(CAST(id AS TINYINT)), min(CAST(id AS TINYINT)) FROM a
SELECT bit_or(CAST(id AS TINYINT)), bit_and(CAST(id AS TINYINT)) FROM a
SELECT approx_count_distinct(CAST(id AS FLOAT)) FROM a
SELECT count(CAST(id AS FLOAT)), count(DISTINCT CAST(id AS FLOAT)) FROM a
SELECT collect_list(CAST(id AS FLOAT)), first(CAST(id AS FLOAT)), mode(CAST(id AS FLOAT)) FROM a
SELECT CAST(id AS DOUBLE) + 1 FROM a
SELECT CAST(CAST(s AS STRING) AS BINARY) FROM a
SELECT array(CAST(id AS DOUBLE)), struct(CAST(id AS DOUBLE)), map(CAST(id AS DOUBLE), 1) FROM a
SELECT upper(CAST(id AS STRING)), concat(CAST(id AS STRING), 'x'), CAST(id AS STRING) = '1' FROM a
SELECT * FROM VALUES (struct(1, 2)), (struct(3, 4)) t
SELECT * FROM VALUES struct(1, 2) t
SELECT * FROM VALUES (named_struct('a', 1, 'b', 2)) t
SELECT * FROM VALUES (struct(1), 2) t
