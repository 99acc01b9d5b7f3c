SELECT DATE'2031-01-31' + INTERVAL 1 MONTH, DATE'2032-01-31' + INTERVAL 1 MONTH, DATE'2032-02-29' + INTERVAL 1 YEAR, DATE'2032-02-29' - INTERVAL 4 YEARS, DATE'2031-03-31' - INTERVAL 1 MONTH, DATE'2031-12-31' + INTERVAL 2 MONTHS, DATE'2031-02-28' + INTERVAL 1 MONTH
SELECT DATE'2031-01-31' + INTERVAL 1 DAY, DATE'2031-01-31' + 1, DATE'2031-03-01' - 1, DATE'2031-01-31' + INTERVAL 1 HOUR, DATE'2031-01-31' + INTERVAL '1 12' DAY TO HOUR, date_add(DATE'2031-01-31', -31), date_sub(DATE'2031-01-31', 31), date_add('2031-01-31', 1)
SELECT 1 + DATE'2031-01-31'
SELECT TIMESTAMP'2031-01-31 10:00:00' + INTERVAL 1 MONTH, TIMESTAMP'2031-01-31 23:30:00' + INTERVAL 1 MONTH 1 DAY 1 HOUR, TIMESTAMP'2031-03-31 10:00:00' - INTERVAL '0-1' YEAR TO MONTH, TIMESTAMP_NTZ'2032-02-29 10:00:00' + INTERVAL 1 YEAR, TIMESTAMP_NTZ'2031-01-01 00:00:00' - INTERVAL 1 SECOND, TIMESTAMP'2031-01-01 00:00:00' - TIMESTAMP'2030-12-31 23:59:59.5', TIMESTAMP'2031-01-02' - DATE'2031-01-01'
SELECT add_months(DATE'2031-01-31', 1), add_months(DATE'2031-02-28', 1), add_months(DATE'2032-02-29', 12), add_months(DATE'2031-03-31', -1), add_months('2031-03-31', 1), add_months(TIMESTAMP'2031-03-31 10:00:00', 1), add_months(DATE'2031-01-01', 0), add_months(NULL, 1), add_months(DATE'0001-01-31', 1)
SELECT months_between(DATE'2031-03-31', DATE'2031-02-28'), months_between(DATE'2031-03-30', DATE'2031-02-28'), months_between(TIMESTAMP'2031-03-15 12:00:00', TIMESTAMP'2031-02-15 00:00:00'), months_between(TIMESTAMP'2031-03-20 12:00:00', TIMESTAMP'2031-02-15 00:00:00', false), months_between(DATE'2031-01-01', DATE'2032-01-31'), months_between('1997-02-28 10:30:00', '1996-10-30'), months_between(DATE'2032-02-29', DATE'2031-02-28'), months_between(NULL, DATE'2031-01-01')
SELECT last_day(DATE'2032-02-01'), last_day('2031-02-10'), last_day(DATE'9999-12-01'), next_day(DATE'2031-04-05', 'Mon'), next_day(DATE'2031-04-05', 'SATURDAY'), next_day(DATE'2031-04-05', 'sa'), next_day(DATE'2031-04-05', 'TUE'), next_day(DATE'2031-04-05', NULL), next_day('2031-04-05', 'fr')
SELECT next_day(DATE'2031-04-05', 'xx')
SELECT next_day(DATE'2031-04-05', 'Mond')
SELECT trunc(DATE'2031-05-17', 'YEAR'), trunc(DATE'2031-05-17', 'yy'), trunc(DATE'2031-05-17', 'quarter'), trunc(DATE'2031-05-17', 'MM'), trunc(DATE'2031-05-17', 'mon'), trunc(DATE'2031-05-17', 'week'), trunc(DATE'2031-05-17', 'day'), trunc(DATE'2031-05-17', 'hour'), trunc('2031-05-17', 'month'), trunc(DATE'2031-05-17', 'nope'), trunc(DATE'2031-05-17', NULL), trunc(DATE'2031-05-17', 'yyyy')
SELECT date_trunc('MILLENNIUM', TIMESTAMP'2031-05-17 13:14:15.123456') AS m, date_trunc('CENTURY', TIMESTAMP'2031-05-17 13:14:15.123456') AS c, date_trunc('DECADE', TIMESTAMP'2031-05-17 13:14:15.123456') AS d
SELECT date_trunc('QUARTER', t), date_trunc('week', t), date_trunc('DD', t), date_trunc('hour', t), date_trunc('minute', t), date_trunc('second', t), date_trunc('MILLISECOND', t), date_trunc('MICROSECOND', t), date_trunc('yyyy', t), date_trunc('mon', t), date_trunc('nope', t), date_trunc(NULL, t), date_trunc('', t) FROM VALUES (TIMESTAMP'2031-05-17 13:14:15.123456'), (TIMESTAMP'1900-01-01 00:00:00.000001') t(t)
SELECT CAST(date_trunc('week', t) AS STRING), CAST(date_trunc('century', t) AS STRING), CAST(date_trunc('millennium', t) AS STRING), CAST(date_trunc('quarter', t) AS STRING), CAST(date_trunc('day', t) AS STRING) FROM VALUES (TIMESTAMP'0001-01-03 05:06:07.999999'), (TIMESTAMP'9999-12-31 23:59:59.999999'), (TIMESTAMP'2000-12-31 00:00:00'), (TIMESTAMP'2001-01-01 00:00:00') t(t)
SELECT date_trunc('year', '2031-05-17 10:11:12'), date_trunc('month', DATE'2031-05-17'), typeof(trunc(TIMESTAMP'2031-05-17 10:11:12', 'month'))
SELECT date_trunc('day', TIMESTAMP_NTZ'2031-05-17 10:11:12'), typeof(date_trunc('day', TIMESTAMP_NTZ'2031-05-17 10:11:12'))
SELECT s, CAST(try_cast(s AS DATE) AS STRING) AS d FROM VALUES ('2031-4-5'), ('2031-04-05'), ('+2031-04-05'), ('2031'), ('2031-04'), ('2031-4'), ('203'), ('20310405'), ('2031-04-05T'), ('2031-04-05 '), (' 2031-04-05'), ('2031-04-05T10:11:12'), ('2031-04-05 xyz'), ('2031-04-05x'), ('2031-13-01'), ('2031-02-29'), ('2032-02-29'), ('2031-00-01'), ('2031-04-00'), ('2031/04/05'), ('12031-01-01'), ('+12031-01-01'), ('-0044-03-15'), ('0000-01-01'), ('0001-01-01'), ('9999-12-31'), (''), (' '), ('2031-04-'), ('-'), ('2031-004-05'), ('epoch'), ('today1'), ('\t2031-04-05\n'), ('２０３１-04-05'), ('10000-01-01'), ('5881580-07-11'), ('5881580-07-12'), ('+5881580-07-11'), ('-5877641-06-23'), ('31-04-05')  t(s) ORDER BY s
SELECT s, CAST(try_cast(s AS TIMESTAMP) AS STRING) AS t FROM VALUES ('2031-04-05 10:11:12'), ('2031-04-05T10:11:12'), ('2031-04-05t10:11:12'), ('2031-4-5 1:2:3'), ('2031-04-05 10:11'), ('2031-04-05 10'), ('2031-04-05 10:'), ('2031-04-05 10:11:'), ('2031-04-05T'), ('2031-04-05 '), ('2031'), ('2031-04'), ('2031-04-05 24:00:00'), ('2031-04-05 23:59:60'), ('2031-04-05 10:60:00'), ('2031-04-05 10:11:12.'), ('2031-04-05 10:11:12.1'), ('2031-04-05 10:11:12.123456789'), ('2031-04-05 10:11:12.1234567890'), ('2031-04-05 10:11:12,5'), ('2031-04-05  10:11:12'), (' 2031-04-05 10:11:12 '), ('2031-04-05 101112'), ('20310405T101112'), ('2031-04-05 10:11:12 AM'), ('') t(s) ORDER BY s
SELECT s, CAST(try_cast(s AS TIMESTAMP) AS STRING) AS t FROM VALUES ('2031-04-05 10:11:12Z'), ('2031-04-05 10:11:12z'), ('2031-04-05 10:11:12 Z'), ('2031-04-05 10:11:12UTC'), ('2031-04-05 10:11:12 UTC'), ('2031-04-05 10:11:12+7'), ('2031-04-05 10:11:12 +7'), ('2031-04-05 10:11:12+07'), ('2031-04-05 10:11:12+0700'), ('2031-04-05 10:11:12+07:00'), ('2031-04-05 10:11:12+7:0'), ('2031-04-05 10:11:12+7:30'), ('2031-04-05 10:11:12-07:30:15'), ('2031-04-05 10:11:12 Europe/Paris'), ('2031-07-05 10:11:12Europe/Paris'), ('2031-04-05 10:11:12 europe/paris'), ('2031-04-05 10:11:12 GMT+2'), ('2031-04-05 10:11:12 UTC+02:00'), ('2031-04-05 10:11:12 UT+2'), ('2031-04-05 10:11:12 EST'), ('2031-04-05 10:11:12 PST'), ('2031-04-05 10:11:12 CET'), ('2031-04-05 10:11:12+18:00'), ('2031-04-05 10:11:12+18:01'), ('2031-04-05 10:11:12+19'), ('2031-04-05 10:11:12 Nope/Zone'), ('2031-04-05 10:11 +02:00'), ('2031-04-05T10+02:00'), ('2031-04-05 Z'), ('2031-04-05+02:00'), ('2031-04-05 10:11:12.5+02:00'), ('2031-04-05 10:11:12.5 America/New_York'), ('2031-10-26 02:30:00 Europe/Paris'), ('2031-03-30 02:30:00 Europe/Paris'), ('1800-01-01 00:00:00 Europe/Paris'), ('2031-04-05 10:11:12  Z'), ('2031-04-05 10:11:12+'), ('2031-04-05 10:11:12+07:') t(s) ORDER BY s
SELECT s, CAST(try_cast(s AS TIMESTAMP_NTZ) AS STRING) AS t FROM VALUES ('2031-04-05 10:11:12'), ('2031-04-05'), ('2031-04-05 10:11:12Z'), ('2031-04-05 10:11:12+02:00'), ('2031-04-05 10:11:12 Europe/Paris'), ('2031'), ('10:11:12'), ('T10:11'), ('2031-04-05 10:11:12.1234567'), ('+12031-01-01 00:00:00'), ('294247-01-10 04:00:54.775807'), ('294247-01-10 04:00:54.775808'), ('-0001-01-01 00:00:00'), ('0000-12-31 00:00:00'), ('2031-04-05 24:00:00'), (' 2031-04-05T10 '), ('2031-04-05 10:11:12 Nope/Zone') t(s) ORDER BY s
SELECT s, CAST(try_cast(s AS TIMESTAMP) AS STRING) AS t FROM VALUES ('+12031-01-01 00:00:00'), ('12031-01-01'), ('294247-01-10T04:00:54.775807Z'), ('294247-01-10T04:00:54.775808Z'), ('-290308-12-21T19:59:05.224192Z'), ('-290308-12-21T19:59:05.224191Z'), ('300000-01-01'), ('0000-12-31 23:59:59'), ('-0001-01-01'), ('0001-01-01 00:00:00'), ('9999-12-31 23:59:59.999999'), ('10000-01-01 00:00:00'), ('1582-10-10 00:00:00'), ('1234567-01-01'), ('2031-366') t(s) ORDER BY s
SELECT CAST(try_cast('T10:11' AS TIMESTAMP) AS STRING) IS NOT NULL, CAST(try_cast('10:11:12' AS TIMESTAMP) AS STRING) IS NOT NULL, date_format(try_cast('T10:11' AS TIMESTAMP), 'HH:mm'), date_format(try_cast('10:11:12.5' AS TIMESTAMP), 'HH:mm:ss.S'), try_cast('T10:11' AS DATE), try_cast('10' AS TIMESTAMP)
SELECT CAST('2031-02-30' AS DATE)
SELECT CAST('nope' AS TIMESTAMP)
SELECT CAST('2031-04-05 25:00:00' AS TIMESTAMP_NTZ)
SELECT DATE'2031-02-30'
SELECT TIMESTAMP'2031-04-05 25:00:00'
SELECT TIMESTAMP_NTZ'2031-04-05 10:00:00+02:00'
SELECT typeof(TIMESTAMP'2031-04-05 10:00:00+02:00'), typeof(TIMESTAMP'2031-04-05'), typeof(TIMESTAMP_LTZ'2031-04-05'), TIMESTAMP'2031-04-05 10:00:00 Europe/Paris', TIMESTAMP'2031-04-05T10:00:00Z', typeof(DATE'2031-04')
SELECT make_date(2031, 4, 5), make_date(1, 1, 1), make_date(NULL, 1, 1), CAST(make_date(-44, 3, 15) AS STRING), CAST(make_date(12031, 1, 1) AS STRING), make_timestamp(2031, 4, 5, 10, 11, 12.345678), make_timestamp(2031, 4, 5, 10, 11, 60), make_timestamp(2031, 12, 31, 23, 59, 60), make_timestamp(2031, 4, 5, 10, 11, 12, 'Europe/Paris'), make_timestamp_ntz(2031, 4, 5, 10, 11, 12.5), make_timestamp_ltz(2031, 4, 5, 10, 11, 12, '+02:00'), make_timestamp(2031, NULL, 5, 10, 11, 12), make_timestamp(2031, 4, 5, 10, 11, 12.3456789)
SELECT make_date(2031, 13, 1)
SELECT make_date(2031, 2, 29)
SELECT make_date(1000000000, 1, 1)
SELECT make_timestamp(2031, 4, 5, 24, 0, 0)
SELECT make_timestamp(2031, 4, 5, 10, 0, 60.1)
SELECT make_timestamp(2031, 4, 5, 10, 0, 61)
SELECT make_timestamp(2031, 2, 30, 10, 0, 0)
SELECT make_timestamp(2031, 4, 5, 10, 0, 0, 'Nope/Zone')
SELECT try_make_timestamp(2031, 2, 30, 10, 0, 0), try_make_timestamp(2031, 4, 5, 10, 0, 59.999999), try_make_timestamp_ntz(2031, 13, 1, 0, 0, 0), try_make_timestamp_ltz(2031, 4, 5, 25, 0, 0)
SELECT CAST(DATE'9999-12-31' + 1 AS STRING), CAST(DATE'0001-01-01' - 1 AS STRING), CAST(DATE'0001-01-01' - INTERVAL 1 YEAR AS STRING), CAST(TIMESTAMP'9999-12-31 23:59:59' + INTERVAL 1 SECOND AS STRING), CAST(TIMESTAMP'0001-01-01 00:00:00' - INTERVAL 1 MICROSECOND AS STRING), CAST(DATE'-0044-03-15' AS STRING), year(DATE'-0044-03-15'), CAST(DATE'0000-01-01' AS STRING)
SELECT CAST(date_add(DATE'2031-01-01', 2147483647) AS STRING)
SELECT CAST(TIMESTAMP'294247-01-10 04:00:54' + INTERVAL 1 DAY AS STRING)
SELECT CAST(add_months(DATE'2031-01-01', 2147483647) AS STRING)
SELECT CAST(timestamp_seconds(9223372036854775807L) AS STRING)
SELECT CAST(timestamp_millis(-62135596800001L) AS STRING), timestamp_seconds(1.5), timestamp_millis(1), timestamp_micros(-1), timestamp_seconds(1.123456D), date_from_unix_date(-1), unix_date(DATE'1969-12-31'), unix_seconds(TIMESTAMP'1969-12-31 23:59:59.5'), unix_millis(TIMESTAMP'1969-12-31 23:59:59.9999'), unix_micros(TIMESTAMP'2031-01-01 00:00:00.000001')
SELECT timestamp_seconds(-0.0000015BD)
SELECT to_timestamp('05/04/2031 10:11', 'dd/MM/yyyy HH:mm'), to_timestamp('2031-04-05', 'yyyy-MM-dd'), to_timestamp('5 Apr 2031', 'd MMM yyyy'), to_timestamp('5 April 2031', 'd MMMM yyyy'), to_timestamp('10:11 PM', 'hh:mm a'), to_timestamp('2031-04-05T10:11:12.345Z', 'yyyy-MM-dd\'T\'HH:mm:ss.SSSX'), to_timestamp('2031-04-05 10:11:12 +0200', 'yyyy-MM-dd HH:mm:ss Z'), to_timestamp('2031-04-05 10:11:12 Europe/Paris', 'yyyy-MM-dd HH:mm:ss VV'), to_timestamp('2031 095', 'yyyy DDD'), to_timestamp('31-04-05', 'yy-MM-dd'), to_date('2031-04', 'yyyy-MM'), to_date('2031', 'yyyy')
SELECT to_timestamp('2031-04-05 10:11:12.1', 'yyyy-MM-dd HH:mm:ss.SSS')
SELECT to_timestamp('2031-04-05 10:11:12.123', 'yyyy-MM-dd HH:mm:ss[.SSS]'), to_timestamp('2031-04-05 10:11:12', 'yyyy-MM-dd HH:mm:ss[.SSS]'), to_timestamp('2031-04-05 10:11:12.123456789', 'yyyy-MM-dd HH:mm:ss.SSSSSSSSS'), to_timestamp('2031-04-05 10:11:12.1', 'yyyy-MM-dd HH:mm:ss.S'), to_timestamp('2031-04-05 10:11:12 EST', 'yyyy-MM-dd HH:mm:ss z'), to_timestamp('2031-04-05 10:11:12+02:00', 'yyyy-MM-dd HH:mm:ssXXX'), to_timestamp('2031-04-05 10:11:12GMT+2', 'yyyy-MM-dd HH:mm:ssO'), to_timestamp('2031-4-5', 'y-M-d'), to_timestamp('2031-04-05 12:11 am', 'yyyy-MM-dd hh:mm a'), to_timestamp('2031-04-05 24', 'yyyy-MM-dd kk'), to_timestamp('2031Q2', 'yyyy\'Q\'q')
SELECT to_timestamp('2031-02-30', 'yyyy-MM-dd')
SELECT to_timestamp('2031-4-5', 'yyyy-MM-dd')
SELECT to_timestamp('2031-04-05 10:11:12', 'yyyy-MM-dd')
SELECT to_timestamp('2031-04-05', 'yyyy-MM-dd HH:mm')
SELECT to_timestamp('2031-04-05', 'YYYY-MM-dd')
SELECT to_timestamp('2031-04-05', 'yyyy-MM-dd b')
SELECT to_timestamp('Sat', 'e')
SELECT try_to_timestamp('2031-02-30', 'yyyy-MM-dd'), try_to_timestamp('x'), try_to_timestamp('2031-04-05'), try_to_date('2031-02-30'), try_to_date('05.04.2031', 'dd.MM.yyyy'), to_timestamp('2031-04-05'), to_date('2031-04-05 10:00:00'), to_timestamp(NULL), to_date('2031-04-05 10', 'yyyy-MM-dd HH'), to_timestamp_ntz('2031-04-05 10:00:00'), to_timestamp_ltz('2031-04-05 10:00:00+02:00')
SELECT date_format(t, 'yyyy-MM-dd HH:mm:ss.SSS'), date_format(t, 'y yy yyy yyyy yyyyy'), date_format(t, 'M MM MMM MMMM L LL LLL LLLL'), date_format(t, 'd dd D DDD'), date_format(t, 'E EE EEE EEEE'), date_format(t, 'a h hh K KK k kk H HH'), date_format(t, 'm mm s ss'), date_format(t, 'S SS SSSSSS SSSSSSSSS'), date_format(t, 'Q QQ QQQ QQQQ q'), date_format(t, 'G GGGG'), date_format(t, 'z zzzz VV'), date_format(t, 'X XX XXX x xx xxx Z ZZZZ ZZZZZ O OOOO'), date_format(t, '\'quoted\' \'\'yy'), date_format(t, 'F') FROM VALUES (TIMESTAMP'2031-04-05 13:04:05.012345') t(t)
SELECT date_format(TIMESTAMP'2031-01-01 00:00:00', 'h k K H a'), date_format(TIMESTAMP'2031-01-01 12:00:00', 'h k K H a'), date_format(DATE'2031-04-05', 'yyyy.MM'), date_format('2031-04-05', 'dd'), date_format(TIMESTAMP'0001-01-01 00:00:00', 'yyyy y G'), date_format(TIMESTAMP'2031-04-05 10:00:00', ''), date_format(TIMESTAMP_NTZ'2031-04-05 10:00:00', 'HH'), date_format(NULL, 'yyyy'), date_format(TIMESTAMP'2031-04-05 10:00:00', NULL), date_format(TIMESTAMP'2031-04-05 10:00:00', '[yyyy][ HH]'), date_format(TIMESTAMP'2031-04-05 10:00:00.120', 'ss[.SSSSSS]'), date_format(CAST('12031-01-01' AS TIMESTAMP), 'yyyy')
SELECT date_format(CAST('-0044-01-01' AS TIMESTAMP), 'yyyy G')
SELECT date_format(TIMESTAMP'2031-04-05 10:00:00', 'YYYY')
SELECT date_format(TIMESTAMP'2031-04-05 10:00:00', 'w')
SELECT date_format(TIMESTAMP'2031-04-05 10:00:00', 'u')
SELECT date_format(TIMESTAMP'2031-04-05 10:00:00', 'A')
SELECT date_format(TIMESTAMP'2031-04-05 10:00:00', 'B')
SELECT date_format(TIMESTAMP'2031-04-05 10:00:00', 'MMMMM')
SELECT date_format(TIMESTAMP'2031-04-05 10:00:00', 'EEEEE')
SELECT date_format(TIMESTAMP'2031-04-05 10:00:00', 'yyyyyyy')
SELECT date_format(TIMESTAMP'2031-04-05 10:00:00', 'SSSSSSSSSS')
SELECT date_format(TIMESTAMP'2031-04-05 10:00:00', 'HHH')
SELECT date_format(TIMESTAMP'2031-04-05 10:00:00', 'yyyy\'x')
SELECT date_format(TIMESTAMP'2031-04-05 10:00:00', 'yyyy {x}')
SELECT date_format(DATE'2031-04-05', 'aa')
SELECT unix_timestamp('2031-04-05 10:11:12'), unix_timestamp('2031-04-05', 'yyyy-MM-dd'), unix_timestamp(DATE'2031-04-05'), to_unix_timestamp('05.04.2031', 'dd.MM.yyyy'), from_unixtime(0), from_unixtime(1932718272, 'yyyy/MM/dd HH:mm'), from_unixtime(-1), from_unixtime(NULL), from_unixtime(1L, NULL)
SELECT unix_timestamp(TIMESTAMP'1969-12-31 23:59:59.5')
SELECT unix_timestamp('2031-04-05')
SELECT unix_timestamp('x', 'yyyy')
SELECT timestampadd(MONTH, 1, TIMESTAMP'2031-01-31 10:00:00'), timestampadd(QUARTER, -1, TIMESTAMP'2031-05-31 10:00:00'), timestampadd(WEEK, 1, DATE'2031-01-01'), timestampadd(MICROSECOND, -1, TIMESTAMP'2031-01-01 00:00:00'), dateadd(YEAR, 1, DATE'2032-02-29'), dateadd(HOUR, 25, TIMESTAMP_NTZ'2031-01-01 00:00:00'), date_add(DAY, 3, DATE'2031-01-01'), dateadd(DATE'2031-01-01', 3), timestampadd(DAYOFYEAR, 2, TIMESTAMP'2031-01-01 00:00:00'), typeof(dateadd(DAY, 3, DATE'2031-01-01')), typeof(dateadd(MONTH, 3, DATE'2031-01-01'))
SELECT timestampdiff(MONTH, TIMESTAMP'2031-01-31 10:00:00', TIMESTAMP'2031-02-28 10:00:00'), timestampdiff(MONTH, TIMESTAMP'2031-02-28 10:00:00', TIMESTAMP'2031-01-31 10:00:00'), timestampdiff(YEAR, DATE'2032-02-29', DATE'2033-02-28'), timestampdiff(DAY, TIMESTAMP'2031-01-01 12:00:00', TIMESTAMP'2031-01-02 11:59:59'), timestampdiff(HOUR, TIMESTAMP'2031-01-01 00:00:00', TIMESTAMP'2030-12-31 22:00:01'), timestampdiff(WEEK, DATE'2031-01-01', DATE'2031-01-15'), timestampdiff(QUARTER, DATE'2031-01-01', DATE'2031-12-31'), datediff(DAY, DATE'2031-01-01', DATE'2031-02-01'), datediff(DATE'2031-02-01', DATE'2031-01-01'), date_diff(MICROSECOND, TIMESTAMP'2031-01-01 00:00:00', TIMESTAMP'2031-01-01 00:00:01'), datediff('2031-01-02', '2031-01-01 23:00:00')
SELECT extract(YEAR FROM t), extract(YEAROFWEEK FROM t), extract(QUARTER FROM t), extract(MONTH FROM t), extract(WEEK FROM t), extract(DAY FROM t), extract(DAYOFWEEK FROM t), extract(DAYOFWEEK_ISO FROM t), extract(DOY FROM t), extract(HOUR FROM t), extract(MINUTE FROM t), extract(SECOND FROM t), extract(dow FROM t), date_part('W', t), date_part('S', t), date_part('yr', t), extract(QTR FROM t), date_part('mons', t) FROM VALUES (TIMESTAMP'2027-01-01 10:11:12.345678'), (TIMESTAMP'2024-12-30 23:59:59'), (TIMESTAMP'0001-01-01 00:00:00'), (TIMESTAMP'1969-12-31 23:59:59.999999') t(t)
SELECT extract(MILLENNIUM FROM TIMESTAMP'2031-04-05 10:00:00')
SELECT extract(nope FROM DATE'2031-04-05')
SELECT extract(HOUR FROM DATE'2031-04-05')
SELECT extract(DAY FROM INTERVAL '5 10:11:12.5' DAY TO SECOND), extract(HOUR FROM INTERVAL '5 10:11:12.5' DAY TO SECOND), extract(SECOND FROM INTERVAL '5 10:11:12.5' DAY TO SECOND), extract(YEAR FROM INTERVAL '-3-5' YEAR TO MONTH), extract(MONTH FROM INTERVAL '-3-5' YEAR TO MONTH), date_part('minute', INTERVAL '-5 10:11:12.5' DAY TO SECOND), extract(DAYS FROM make_interval(1, 2, 3, 4, 5, 6, 7.5)) AS d, extract(MONTHS FROM make_interval(1, 14)) AS m
SELECT extract(HOURS FROM make_interval(0, 0, 0, 0, 30)) AS h
SELECT extract(MONTHS FROM make_interval(1, 14))
SELECT year(DATE'2031-04-05'), month('2031-04-05'), quarter(DATE'2031-12-31'), weekofyear(DATE'2027-01-01'), dayofweek(DATE'2031-04-06'), weekday(DATE'2031-04-06'), dayofyear(DATE'2032-12-31'), day(TIMESTAMP'2031-04-05 10:00:00'), hour('2031-04-05 10:11:12'), minute(TIMESTAMP_NTZ'2031-04-05 10:11:12'), dayname(DATE'2031-04-05'), monthname(DATE'2031-04-05'), weekofyear(DATE'2020-12-31'), hour(DATE'2031-04-05')
SELECT second('10:11:12')
SELECT CAST(INTERVAL '1 2:03:04.5' DAY TO SECOND AS STRING), CAST(INTERVAL '3-4' YEAR TO MONTH AS STRING), CAST(make_interval(1, 2, 3, 4, 5, 6, 7.008009) AS STRING) AS m, CAST(make_dt_interval(1, 25, 61, 61.5) AS STRING) AS d, CAST(make_ym_interval(1, 13) AS STRING) AS y, CAST(make_interval(0, 0, 0, 0, 0, 0, -0.5) AS STRING) AS n
SELECT CAST(INTERVAL '1 2:03:04.5' DAY TO SECOND AS STRING), CAST(make_interval(1, 2, 3, 4, 5, 6, 7.008009) AS STRING), CAST(make_interval() AS STRING), CAST(make_interval(0, 0, 0, 0, 0, 0, -0.5) AS STRING), CAST(make_dt_interval(1, 25, 61, 61.5) AS STRING), CAST(make_ym_interval(1, 13) AS STRING)
SELECT INTERVAL 1 DAY < INTERVAL 25 HOURS, INTERVAL 7 DAY / 2 = INTERVAL 84 HOURS, INTERVAL 5 MONTH / 2 = INTERVAL 3 MONTHS, INTERVAL 1 MONTH * 1.5 = INTERVAL 2 MONTHS, INTERVAL 1 DAY * 1.5 = INTERVAL 36 HOURS, -INTERVAL 1 DAY + INTERVAL 1 DAY = INTERVAL 0 DAYS
SELECT CAST(INTERVAL 1 DAY * 1.5 AS STRING), CAST(INTERVAL 1 MONTH * 1.5 AS STRING), CAST(INTERVAL 7 DAY / 2 AS STRING), CAST(INTERVAL 5 MONTH / 2 AS STRING), INTERVAL 1 DAY < INTERVAL 25 HOURS, typeof(TIMESTAMP'2031-01-02' - TIMESTAMP'2031-01-01')
SELECT sign(INTERVAL -1 DAY)
SELECT signum(INTERVAL '-1' YEAR), abs(INTERVAL '-1' DAY) = INTERVAL 1 DAY, try_add(INTERVAL '178956970-7' YEAR TO MONTH, INTERVAL 1 MONTH) IS NULL, try_divide(INTERVAL 1 DAY, 0) IS NULL
SELECT INTERVAL 1 DAY / 0
SELECT INTERVAL 1 MONTH / 0
SELECT INTERVAL 9223372036854775807 DAYS
SELECT CAST(INTERVAL 2147483647 MONTHS + INTERVAL 1 MONTH AS STRING)
SELECT INTERVAL '1 25:00:00' DAY TO SECOND
SELECT INTERVAL 1 NOPE
SELECT INTERVAL '1' YEAR TO DAY
SELECT sum(i) = INTERVAL 36 HOURS, avg(i) = INTERVAL 18 HOURS, CAST(avg(i) AS STRING) FROM VALUES (INTERVAL '1' DAY), (INTERVAL '12' HOUR) t(i)
SELECT sum(i) = INTERVAL 36 HOURS AS s, avg(i) = INTERVAL 18 HOURS AS a FROM VALUES (INTERVAL '1 00:00:00' DAY TO SECOND), (INTERVAL '0 12:00:00' DAY TO SECOND), (NULL) t(i)
SELECT sum(i) = INTERVAL 3 MONTHS AS s, avg(i) = INTERVAL 2 MONTHS AS a, max(i) = INTERVAL 2 MONTHS AS m FROM VALUES (INTERVAL 1 MONTH), (INTERVAL 2 MONTHS) t(i)
SELECT k, sum(i) = INTERVAL 3 DAYS AS s FROM VALUES (1, INTERVAL 1 DAY), (1, INTERVAL 2 DAYS) t(k, i) GROUP BY k
SELECT CAST(INTERVAL '1 02:00:00' DAY TO SECOND AS INT)
SELECT CAST(INTERVAL '1' MONTH AS INT)
SELECT CAST(w.window.start AS STRING) AS s, CAST(w.window.end AS STRING) AS e, n FROM (SELECT window(t, '10 minutes', '10 minutes', '5 minutes'), count(*) AS n FROM VALUES (TIMESTAMP'2031-01-01 00:04:59'), (TIMESTAMP'2031-01-01 00:05:00'), (TIMESTAMP'1969-12-31 23:59:00') v(t) GROUP BY 1) w ORDER BY s
SELECT CAST(window(t, '1 day', '12 hours', '-1 hours').start AS STRING) AS s, count(*) AS n FROM VALUES (TIMESTAMP'2031-01-01 00:04:59'), (TIMESTAMP'2031-01-01 23:30:00') v(t) GROUP BY window(t, '1 day', '12 hours', '-1 hours') ORDER BY s
SELECT window(t, '10 minutes', '20 minutes') FROM VALUES (TIMESTAMP'2031-01-01 00:04:59') v(t)
SELECT window(t, '10 minutes', '10 minutes', '10 minutes') FROM VALUES (TIMESTAMP'2031-01-01 00:04:59') v(t)
SELECT window(t, '1 month') FROM VALUES (TIMESTAMP'2031-01-01 00:04:59') v(t)
SELECT window(t, '0 seconds') FROM VALUES (TIMESTAMP'2031-01-01 00:04:59') v(t)
SELECT TIMESTAMP_NTZ'2031-04-05 10:00:00' = TIMESTAMP'2031-04-05 10:00:00', TIMESTAMP_NTZ'2031-04-05 00:00:00' = DATE'2031-04-05', DATE'2031-04-05' < TIMESTAMP'2031-04-05 00:00:01', TIMESTAMP'2031-04-05 00:00:00' = '2031-04-05', DATE'2031-04-05' = '2031-04-05', '2031-4-5' = DATE'2031-04-05', typeof(coalesce(TIMESTAMP_NTZ'2031-04-05 10:00:00', TIMESTAMP'2031-04-05 10:00:00')), typeof(coalesce(DATE'2031-04-05', TIMESTAMP_NTZ'2031-04-05 10:00:00')), typeof(if(true, DATE'2031-04-05', '2031'))
SELECT DATE'2031-04-05' = 'nope'
SELECT DATE'2031-04-05' = 20310405
SELECT CAST(TIMESTAMP'2031-04-05 10:00:00.5' AS BIGINT), CAST(TIMESTAMP'1969-12-31 23:59:59.5' AS BIGINT), CAST(TIMESTAMP'2031-04-05 10:00:00.5' AS DOUBLE), CAST(TIMESTAMP'2031-04-05 10:00:00.5' AS DECIMAL(20,3)), CAST(0 AS TIMESTAMP), CAST(1.5 AS TIMESTAMP), CAST(-1.5D AS TIMESTAMP), CAST(TIMESTAMP'2031-04-05 10:00:00' AS DATE), CAST(DATE'2031-04-05' AS TIMESTAMP), CAST(TIMESTAMP'2031-04-05 10:00:00.120' AS STRING), CAST(TIMESTAMP'2031-04-05 10:00:00' AS STRING)
SELECT CAST(true AS TIMESTAMP)
SELECT CAST(TIMESTAMP'1970-01-01 00:00:01' AS BOOLEAN)
SELECT CAST(DATE'2031-04-05' AS INT)
SELECT CAST(20310405 AS DATE)
SELECT CAST(TIMESTAMP_NTZ'2031-04-05 10:00:00' AS BIGINT)
SELECT CAST(CAST('NaN' AS DOUBLE) AS TIMESTAMP)
SELECT CAST(CAST(9223372036854775807L AS TIMESTAMP) AS STRING), CAST(CAST(-9223372036854775808L AS TIMESTAMP) AS STRING)
SELECT CAST(TIMESTAMP'2031-04-05 10:00:00' AS INT), CAST(TIMESTAMP'2031-04-05 10:00:00' AS TINYINT)
SELECT from_utc_timestamp('2031-07-01 12:00:00', 'America/New_York'), to_utc_timestamp('2031-07-01 12:00:00', 'America/New_York'), from_utc_timestamp(TIMESTAMP'2031-03-09 07:00:00', 'America/New_York'), to_utc_timestamp(TIMESTAMP'2031-03-09 02:30:00', 'America/New_York'), to_utc_timestamp(TIMESTAMP'2031-11-02 01:30:00', 'America/New_York'), from_utc_timestamp('2031-01-01', '+05:30'), from_utc_timestamp('2031-01-01', 'GMT-3'), from_utc_timestamp(TIMESTAMP'1850-01-01 00:00:00', 'Europe/Paris'), from_utc_timestamp('2031-01-01', 'PST'), from_utc_timestamp('2031-01-01', NULL), convert_timezone('Europe/Paris', 'America/New_York', TIMESTAMP_NTZ'2031-04-05 10:00:00'), convert_timezone('Asia/Kolkata', TIMESTAMP_NTZ'2031-04-05 10:00:00'), convert_timezone('Europe/Paris', 'UTC', TIMESTAMP_NTZ'2031-03-30 02:30:00'), convert_timezone('+02:00', 'UTC', '2031-04-05 10:00:00')
SELECT from_utc_timestamp('2031-01-01', 'Nope/Zone')
SELECT from_utc_timestamp('2031-01-01', '+25:00')
SELECT convert_timezone('Nope', 'UTC', TIMESTAMP_NTZ'2031-04-05 10:00:00')
SELECT sequence(DATE'2031-01-31', DATE'2031-05-31', INTERVAL 1 MONTH), sequence(DATE'2031-01-03', DATE'2031-01-01'), sequence(TIMESTAMP'2031-01-01 00:00:00', TIMESTAMP'2031-01-01 01:00:00', INTERVAL 30 MINUTES), size(sequence(DATE'2032-01-01', DATE'2032-12-31')), sequence(DATE'2031-01-05', DATE'2031-01-01', INTERVAL -2 DAYS)
SELECT sequence(DATE'2031-01-01', DATE'2031-01-05', INTERVAL -1 DAY)
SELECT DATE'2031-01-01' + 1.5
SELECT DATE'2031-01-01' + '1'
SELECT DATE'2031-01-01' + DATE'2031-01-01'
SELECT TIMESTAMP'2031-01-01 00:00:00' + 1
SELECT date_add(DATE'2031-01-01', '1.5')
SELECT date_add(DATE'2031-01-01', 1L)
SELECT hash(DATE'2031-01-01') = hash(DATE'2031-01-01'), xxhash64(TIMESTAMP'2031-01-01 00:00:00'), hash(TIMESTAMP_NTZ'2031-01-01 00:00:00'), hash(INTERVAL 1 DAY), CAST(struct(TIMESTAMP'2031-01-01 00:00:00.5', DATE'2031-01-01') AS STRING), CAST(array(TIMESTAMP'2031-01-01 00:00:00') AS STRING), concat(DATE'2031-01-01', 'x'), array_max(array(DATE'2031-01-01', DATE'2032-01-01')), greatest(DATE'2031-01-01', TIMESTAMP'2031-01-01 00:00:01')
SELECT s, CAST(try_cast(s AS TIMESTAMP) AS STRING) IS NOT NULL AS t, date_format(try_cast(s AS TIMESTAMP), 'HH:mm:ss.SSSSSS') f, try_cast(s AS TIMESTAMP_NTZ) is not null n FROM VALUES ('10:'),('10:1'),('1:2:3'),('T1'),('T10'),(' T10:11 '),('10:11:12Z'),('10:11:12 Z'),('T10:11:12 Europe/Paris'),('10:11'),('10:11+02:00'),('-10:11'),('+10:11'),('123:11'),('10:11:12.'),('10:11:12.123456789'),('T'),('10:60'),('24:00') t(s) ORDER BY s
SELECT s, CAST(try_cast(s AS TIMESTAMP) AS STRING) AS t, CAST(try_cast(s AS TIMESTAMP_NTZ) AS STRING) n FROM VALUES ('2031-04-05 10:11:12.1234567890123456789012345'),('2031-04-05 10:11:12.Z'),('2031-04-05 10:11:12. Z'),('2031-04-05 10:11:Z'),('2031-04-05 10:11:12   +02:00'),('2031-04-05 10:11:12UTC+2'),('2031-04-05 10:11:12\t+02:00'),('2031-04-05T10:11:12-07'),('2031-04-05T10:11-07:00'),('2031-04-05 10Z'),('2031-04-05 10:11Z'),('2031Z'),('2031-04Z'),('20310-1-1 1:1:1'),('-2031-04-05 10:11:12'),('2031-004-05 10:11:12'),('02031-04-05 10:11:12'),('2031-04-05 10:11:012'),('2031-04-05  10:11:12'),('2031-04-05TT10:11:12'),('2031-04-05T 10:11:12'),('2031-04-05 10:11:12.1-02:00'),('2031-04-05 10:11:12.1 -2:00'),('2031-04-05 -10:11:12'),('2031-04-05\u000010:11:12'),('2031-04-05 10:11:12\u00a0'),('\u00012031-04-05 10:11:12\u001f'),('2031-04-05 10:11:12.१'),('294247-01-10T04:00:54.775807'),('294247-01-10T04:00:54.775807+00:01'),('294247-01-10T04:00:54.775807-00:01'),('-290308-12-21T19:59:05.224192'),('-290308-12-21T19:59:05.224191'),('-290308-12-21'),('-290308-12-22'),('294247-01-10'),('294247-01-11'),('+294247-01-10 +02:00'), ('2031-04-05 10:11:12MST'), ('2031-04-05 10:11:12EST'), ('2031-04-05 10:11:12 HST'),('2031-04-05 10:11:12 ACT'),('2031-04-05 10:11:12 GMT0'),('2031-04-05 10:11:12 Etc/GMT+5'),('2031-04-05 10:11:12 utc'),('2031-04-05 10:11:12 UTC+18:01'), ('2031-04-05 10:11:12 U'),('2031-04-05 10:11:12 +0'),('2031-04-05 10:11:12 +070'),('2031-04-05 10:11:12 +07:00:0'),('2031-04-05 10:11:12 +7:0:0'),('2031-04-05 10:11:12 -0730'),('2031-04-05 10:11:12 +073015'),('2031-04-05 10:11:12.123456 Europe/Rome'),('2031-04-05 10:11:12.123456Europe/Rome'),('2031-04-05 10:11:12 WET'),('2031-04-05 10:11:12 PST8PDT'),('2031-04-05 10:11:12 AGT') t(s) ORDER BY s
SELECT s, CAST(try_cast(s AS DATE) AS STRING) AS t FROM VALUES ('2031-04-05T'),('2031-04-05 '),('2031-04-05x'),('2031-4-5T10:11'),('2031T'),('2031 x'),('2031-04 x'),('T10:11'),('10:11'),('+2031-04-05'),('-5877641-06-23'),('-5877641-06-22'),('5881580-07-11'),('5881580-07-12'),('\u00012031-04-05'),('2031-04-05\u00a0'),('0000-01-01'),('2031--04'),('2031-04-'),('2031-'),('-'),('+') t(s) ORDER BY s
SELECT from_json('{"a":"2031-04-05 10:11 +02:00"}', 'a timestamp').a, schema_of_csv('2031-04-05T10:11:12')
SELECT hour('10:11:12'), minute('T10:11'), second('10:11:12.9')
SELECT CAST('10:11' AS TIMESTAMP_NTZ)
SELECT to_timestamp('10:11:12') IS NOT NULL
SELECT to_timestamp_ntz('10:11:12') IS NOT NULL
SELECT sum(i) = INTERVAL -36 HOURS, avg(i) = INTERVAL -18 HOURS FROM VALUES (INTERVAL '-1 00:00:00' DAY TO SECOND), (INTERVAL '-0 12:00:00' DAY TO SECOND) t(i)
SELECT avg(i) = INTERVAL -2 MONTHS, avg(DISTINCT i) = INTERVAL -2 MONTHS, sum(DISTINCT i) = INTERVAL -3 MONTHS, try_sum(i) = INTERVAL -4 MONTHS, try_avg(i) IS NULL, sum(i) IS NULL FROM VALUES (INTERVAL -1 MONTH), (INTERVAL -2 MONTH), (INTERVAL -1 MONTH), (NULL) t(i)
SELECT sum(i) IS NULL, avg(i) IS NULL FROM (SELECT * FROM VALUES (INTERVAL -1 MONTH) t(i) WHERE i IS NULL)
SELECT sum(i) OVER (ORDER BY i) = i FROM VALUES (INTERVAL '0 01:00:00' DAY TO SECOND), (INTERVAL '0 02:00:00' DAY TO SECOND) t(i)
SELECT avg(i) OVER () = INTERVAL '0 01:30:00' DAY TO SECOND FROM VALUES (INTERVAL '0 01:00:00' DAY TO SECOND), (INTERVAL '0 02:00:00' DAY TO SECOND) t(i)
SELECT sum(i) IS NULL FROM VALUES (INTERVAL 2147483647 MONTH), (INTERVAL 1 MONTH) t(i)
SELECT try_sum(i) IS NULL FROM VALUES (INTERVAL 2147483647 MONTH), (INTERVAL 1 MONTH) t(i)
SELECT avg(i) IS NULL FROM VALUES (INTERVAL 2147483647 MONTH), (INTERVAL 1 MONTH) t(i)
SELECT sign(INTERVAL '0' SECOND), sign(CAST(NULL AS INTERVAL YEAR TO MONTH)), sign(INTERVAL '1-1' YEAR TO MONTH), signum(INTERVAL '-0.5' SECOND)
SELECT sign(make_interval(1))
SELECT sum(i) FROM VALUES (make_interval(1)) t(i)
SELECT date_add(DATE'2031-01-01', CAST(NULL AS BIGINT))
SELECT date_sub(DATE'2031-01-01', 1.5)
SELECT date_add('2031-01-01', '1')
SELECT DATE'2031-01-01' - 1L
SELECT DATE'2031-01-01' + 1S, 1Y + DATE'2031-01-01', DATE'2031-01-01' - 1S
SELECT CAST(true AS TIMESTAMP_NTZ)
SELECT CAST(1L AS DATE)
SELECT CAST(1.5 AS DATE)
SELECT CAST(CAST('Infinity' AS FLOAT) AS TIMESTAMP)
SELECT try_cast(CAST('NaN' AS DOUBLE) AS TIMESTAMP)
SELECT make_timestamp(2031, 4, 5, 10, 0, 60.000001)
SELECT make_timestamp_ntz(2031, 4, 5, 10, 0, 60.5)
SELECT try_make_timestamp(2031, 4, 5, 10, 0, 60.5)
SELECT timestamp_millis(9223372036854775807L)
SELECT timestamp_seconds(-9223372036854775807L)
SELECT date_trunc('MONTH', '2031-05-17 10:11:12'), date_trunc('MONTH', DATE'2031-05-17')
SELECT extract(HOURS FROM INTERVAL 30 HOURS), extract(HOURS FROM make_interval(0, 0, 0, 0, -30)), extract(DAYS FROM make_interval(0, 0, 0, 2, 30)), extract(MINUTES FROM make_interval(0, 0, 0, 0, 0, 90)), extract(SECONDS FROM make_interval(0,0,0,0,0,0,90.5))
SELECT date_format(DATE'2031-01-01', 'y G'), date_format(CAST('-0044-01-01' AS TIMESTAMP), 'yy G'), date_format(CAST('0000-01-01' AS TIMESTAMP), 'G y'), date_format(CAST('-0044-01-01' AS TIMESTAMP), 'yyyy')
SELECT date_from_unix_date(2147483647) - date_from_unix_date(-2147483648)
SELECT try_subtract(date_from_unix_date(2147483647), date_from_unix_date(-2147483648)) IS NULL
SELECT try_subtract(date_from_unix_date(200000000), date_from_unix_date(0)) IS NULL
SELECT (date_from_unix_date(106751991) - date_from_unix_date(0)) = INTERVAL '106751991' DAY
SELECT date_from_unix_date(106751992) - date_from_unix_date(0)
SELECT size(sequence(date_from_unix_date(-2147483648), date_from_unix_date(-2147483647)))
SELECT size(sequence(date_from_unix_date(-106751992), date_from_unix_date(-106751991)))
SELECT size(sequence(date_from_unix_date(2147483646), date_from_unix_date(2147483647)))
SELECT size(sequence(date_from_unix_date(106751990), date_from_unix_date(106751991)))
SELECT size(sequence(date_from_unix_date(-2147483648), DATE'1970-01-01', interval 100000 year))
SELECT datediff(date_from_unix_date(2147483647), date_from_unix_date(-2147483648))
SELECT sequence(date'2020-01-31', date'2020-02-02', interval 12 hour)
SELECT sequence(date_from_unix_date(106751990), date_from_unix_date(106751993), interval 12 hour)
SELECT try_subtract(date'2020-01-01', date'2019-01-01') = INTERVAL '365' DAY, (date'2020-01-01' - date'2019-01-01') > INTERVAL '8759' HOUR, (date'2020-01-01' - cast(null as date)) IS NULL
SELECT timestamp'2020-01-01 00:00:00' - timestamp'2019-01-01 00:00:00', try_subtract(timestamp'2020-01-01 00:00:00', timestamp'2019-01-01 00:00:00')
SELECT sequence(date'2020-01-31', date'2020-02-02', make_interval(0,0,0,0,12,0,0))
SELECT sequence(date'2020-01-31', date'2020-02-02', make_interval(0,0,0,1,12,0,0))
SELECT sequence(date'2020-01-31', date'2020-02-02', interval '1 12' day to hour)
SELECT sequence(date'2020-01-31', date'2020-02-02', interval '24' hour)
SELECT sequence(date'2020-01-31', date'2020-02-02', interval '0' hour)
SELECT sequence(date'2020-01-31', date'2020-01-31', interval '1' hour)
SELECT sequence(cast(null as date), date'2020-01-31', interval '1' hour)
SELECT sequence(date'2020-01-31', date'2020-02-02', interval '0' month)
SELECT sequence(date'2020-01-31', date'2020-01-31', interval '0' month)
SELECT sequence(date'2020-01-31', date'2020-01-31', make_interval(0,0,0,0,0,0,0))
SELECT sequence(date'2020-01-31', date'2020-02-01', make_interval(0,1,0,0,12,0,0))
