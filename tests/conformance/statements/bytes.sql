SELECT hex(CAST(X'61FFC32862' AS STRING)) AS h, length(CAST(X'61FFC32862' AS STRING)) AS n, octet_length(CAST(X'61FFC32862' AS STRING)) AS o, bit_length(CAST(X'FF' AS STRING)) AS b
SELECT hex(CAST(CAST(X'61FFC32862' AS STRING) AS BINARY)) AS h, md5(CAST(X'61FF' AS STRING)) AS m, crc32(CAST(X'61FF' AS STRING)) AS c, sha1(CAST(X'FF' AS STRING)) AS s, hash(CAST(X'FF' AS STRING)) AS hh, xxhash64(CAST(X'FF' AS STRING)) AS x
SELECT is_valid_utf8(CAST(X'61FF' AS STRING)) AS v, hex(make_valid_utf8(CAST(X'61FF' AS STRING))) AS m, try_validate_utf8(CAST(X'61FF' AS STRING)) AS t, is_valid_utf8('é') AS e
SELECT validate_utf8(CAST(X'61FF' AS STRING))
SELECT CAST(X'FF' AS STRING) = CAST(X'FE' AS STRING) AS e, CAST(X'FF' AS STRING) = CAST(X'FF' AS STRING) AS s, hex(concat(CAST(X'C3' AS STRING), CAST(X'A4' AS STRING))) AS c, concat(CAST(X'C3' AS STRING), CAST(X'A4' AS STRING)) = 'ä' AS k
SELECT base64(CAST(X'61FF' AS STRING)) AS b, hex(encode(CAST(X'61C3A4' AS STRING), 'UTF-8')) AS e, to_json(named_struct('a', CAST(X'61FF' AS STRING))) AS j
SELECT hex(k) AS k, count(*) AS n FROM VALUES (X'FF'), (X'FE'), (X'FF') t(b) LATERAL VIEW explode(array(CAST(b AS STRING))) u AS k GROUP BY k ORDER BY k
SELECT hex(reverse(CAST(X'61FF62' AS STRING))) AS r, hex(trim(CAST(X'20FF20' AS STRING))) AS t, hex(replace(CAST(X'61FF62' AS STRING), 'a', 'x')) AS p, hex(lpad(CAST(X'FF' AS STRING), 3, 'x')) AS l, instr(CAST(X'61FF62' AS STRING), 'b') AS i, ascii(CAST(X'FF' AS STRING)) AS a, CAST(X'FF61' AS STRING) LIKE '_a' AS k
