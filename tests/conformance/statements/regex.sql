SELECT regexp_replace('price: 100 EUR, 200 USD', '\\d+(?= EUR)', 'N'), regexp_replace('foobar foobaz', 'foo(?!bar)', 'X')
SELECT regexp_replace('$100 and 200', '(?<=\\$)\\d+', 'N'), regexp_replace('a1 b2 c3', '(?<![ab])\\d', '#'), regexp_extract('key=value', '(?<==)\\w+', 0)
SELECT regexp_extract('aaa', 'a++a', 0), regexp_extract('aaab', 'a*+b', 0), 'aaa' RLIKE '^a?+a{2}+$', 'foobar' RLIKE '.*+bar', 'ab' RLIKE 'a?+b'
SELECT 'abcd' RLIKE '(?>a|ab)cd', 'abcd' RLIKE '(?:a|ab)cd', 'acd' RLIKE '(?>a|ab)cd', regexp_replace('aaab', '(?>a+)b', 'X')
SELECT regexp_extract('hello', '(l)\\1', 0), regexp_replace('the the cat', '\\b(\\w+) \\1\\b', '$1'), 'abcabc' RLIKE '^(abc)\\1$', 'abab' RLIKE '^(?<x>ab)\\k<x>$'
SELECT regexp_extract('2031-04', '(?<y>\\d+)-(?<m>\\d+)', 2)
SELECT regexp_replace('2031-04-05', '(?<y>\\d+)-(?<m>\\d+)-(?<d>\\d+)', concat('$', '{d}/$', '{m}/$', '{y}')) AS r, regexp_extract('2031-04', '(?<y>\\d+)-(?<m>\\d+)', 2) AS m
SELECT regexp_replace('ab', '(a)(b)', '$2$1'), regexp_replace('ab', '(a)(b)', '$0$0'), regexp_replace('ab', '(a)(b)', '\\$1'), regexp_replace('ab', '(a)(b)', '$21'), regexp_replace('a', '(a)', '$1x'), regexp_replace('a', '(a)', '\\\\')
SELECT regexp_replace('ab', '(a)(b)', '$3')
SELECT regexp_replace('ab', '(a)(b)', '$x')
SELECT regexp_replace('ab', '(a)(b)', concat('$', '{nope}'))
SELECT regexp_replace('ab', '(a)(b)', '$')
SELECT regexp_replace('ab', '(a)(b)', 'x\\')
SELECT regexp_replace('ab', 'c', '$3'), regexp_replace('', 'a', '$9')
SELECT 'ÉCOLE' RLIKE '(?i)école', 'ÉCOLE' RLIKE '(?iu)école', 'ECOLE' RLIKE '(?i)ecole', 'straße' RLIKE '(?iu)STRASSE', 'K' RLIKE '(?i)k', 'K' RLIKE '(?iu)k'
SELECT 'é' RLIKE '\\w', 'é' RLIKE '(?U)\\w', '٣' RLIKE '\\d', '٣' RLIKE '(?U)\\d', '٣' RLIKE '\\p{Nd}', ' ' RLIKE '\\s', ' ' RLIKE '(?U)\\s', ' ' RLIKE '\\h'
SELECT 'é' RLIKE '\\p{Alpha}', 'é' RLIKE '\\p{IsAlphabetic}', 'é' RLIKE '\\p{L}', 'é' RLIKE '\\p{IsLatin}', 'я' RLIKE '\\p{IsLatin}', 'я' RLIKE '\\p{javaLowerCase}', 'Я' RLIKE '\\p{javaUpperCase}', 'é' RLIKE '\\p{Lower}', 'é' RLIKE '\\p{Ll}'
SELECT 'я' RLIKE '\\p{InCyrillic}', 'é' RLIKE '\\p{IsCyrillic}', 'я' RLIKE '\\p{script=Cyrillic}', 'я' RLIKE '\\p{block=Cyrillic}', 'я' RLIKE '\\p{general_category=Ll}'
SELECT '!' RLIKE '\\p{Punct}', '$' RLIKE '\\p{Punct}', '$' RLIKE '\\p{P}', '$' RLIKE '\\p{Sc}', '«' RLIKE '\\p{Punct}', '«' RLIKE '(?U)\\p{Punct}', 'f' RLIKE '\\p{XDigit}', '\t' RLIKE '\\p{Blank}', 'a' RLIKE '\\p{ASCII}', 'é' RLIKE '\\P{ASCII}', 'x' RLIKE '\\p{Graph}', '\u0007' RLIKE '\\p{Cntrl}'
SELECT regexp_replace('a  b # c', '(?x) \\s+ # blanks', '_'), regexp_replace('aBc', '(?x) [a b] c # end', '_'), 'ab' RLIKE '(?x)^ a b $'
SELECT 'a\nb' RLIKE 'a.b', 'a\nb' RLIKE '(?s)a.b', 'a\rb' RLIKE 'a.b', 'a\u2028b' RLIKE 'a.b', 'a\u0085b' RLIKE 'a.b', 'a\rb' RLIKE '(?d)a.b', 'a\nb' RLIKE '(?d)a.b'
SELECT regexp_count('a\nb\nc', '^\\w'), regexp_count('a\nb\nc', '(?m)^\\w'), regexp_count('a\r\nb\rc', '(?m)\\w$'), regexp_count('a\nb\n', '(?m)$'), 'a\n' RLIKE 'a$', 'a\n' RLIKE 'a\\z', 'a\n' RLIKE 'a\\Z', 'a\r\n' RLIKE 'a$', 'a\n\n' RLIKE 'a$'
SELECT regexp_replace('a\r\nb\nc\rd\u2028e', '\\R', '|'), regexp_replace('a\tb c', '\\h', '_'), regexp_replace('a\nb\u000Bc', '\\v', '_'), regexp_replace('a\tb', '\\H', '_')
SELECT regexp_count('e\u0301a', '\\X'), regexp_extract('e\u0301a', '\\X', 0) = 'e\u0301', regexp_count('👨‍👩‍👧', '\\X'), regexp_count('🇫🇷🇩🇪', '\\X')
SELECT regexp_replace('été là', '\\b', '|'), regexp_replace('été là', '(?U)\\b', '|'), regexp_count('naïve café', '\\b\\w+\\b'), regexp_replace('a-b', '\\B', '|')
SELECT regexp_replace('a.b*c', '\\Q.b*\\E', '_'), 'a+b' RLIKE '\\Qa+b\\E', 'a+b' RLIKE '^\\Qa+b', regexp_replace('x[1]', '\\Q[1]', '')
SELECT regexp_replace('abcdefghij', '[a-j&&[^aeiou]]', '.'), regexp_replace('abcdef', '[a-c[e-f]]', '.'), regexp_replace('abc', '[^a-z&&[^b]]', '.'), regexp_replace('a&b', '[&]', '.'), regexp_replace('abc', '[a-z&&b-c]', '.')
SELECT regexp_replace('a-b]c', '[]-]', '.'), regexp_replace('a^b', '[\\^]', '.')
SELECT regexp_replace('a[b]c', '[\\[\\]]', '.'), regexp_replace('a-b_c', '[\\w-]', '.'), regexp_replace('a\\b', '[\\\\]', '/'), regexp_replace('a-z0', '[a\\-z]', '.')
SELECT regexp_replace('abc', '', '-'), regexp_replace('abc', 'x*', '-'), regexp_replace('baac', 'a*', '-'), regexp_replace('', '', '-'), regexp_replace('', '^$', 'e')
SELECT split('abc', ''), split('a1b2', '(?=\\d)'), split('', ','), split('aXbX', 'X'), split(',a,,b,,', ','), split('abc', 'x*'), split('😀b', '')
SELECT split('a,b,c,,', ',', -1), split('a,b,c,,', ',', 0), split('a,b,c,,', ',', 1), split('a,b,c,,', ',', 2), split('a,b,c,,', ',', 4), split('abc', '', 2), split('abc', '', 0)
SELECT split('oneAtwoBthreeC', '[ABC]', 2), split('a|b', '|'), split('a|b', '\\|'), split('a.b', '.'), split('a.b', '[.]'), split(NULL, ','), split('a', NULL), split('a1b', '(\\d)')
SELECT regexp_extract_all('a1b22c', '\\d*', 0), regexp_extract_all('100-200, 300-400', '(\\d+)-(\\d+)'), regexp_extract_all('100-200, 300-400', '(\\d+)-(\\d+)', 2), regexp_extract_all('abc', 'x', 0), regexp_extract_all('', '', 0), regexp_extract_all('ab', '(x)?', 1)
SELECT regexp_count('abc', ''), regexp_count('abc', 'x*'), regexp_count('aaa', 'aa'), regexp_count('', ''), regexp_instr('abc', ''), regexp_instr('abc', 'c'), regexp_instr('abc', 'x'), regexp_instr('😀b', 'b'), regexp_instr('ab', NULL), regexp_substr('abc', 'x*'), regexp_substr('abc', 'x'), regexp_substr('abc', 'b.')
SELECT regexp_extract('ab', '(a)(b)', 3)
SELECT regexp_extract('ab', '(a)(b)', -1)
SELECT regexp_extract_all('ab', 'a', 1)
SELECT regexp_extract_all('ab', '(a)', -1)
SELECT regexp_extract('ab', 'ab', 1)
SELECT regexp_extract('xy', '(a)?xy', 1), regexp_extract('xy', '(a)|xy', 1) = '', regexp_extract('xy', 'z', 0), regexp_extract('100-200', '(\\d+)-(\\d+)'), regexp_extract(NULL, 'a', 0), regexp_extract('a', NULL, 0)
SELECT 'a' RLIKE '('
SELECT 'a' RLIKE '[a'
SELECT regexp_replace('a', '*', 'x')
SELECT regexp_extract('a', 'a{2,1}', 0)
SELECT regexp_count('a', '\\p{Nope}')
SELECT split('a', '(?<n')
SELECT regexp_extract_all(s, r, 0) FROM VALUES ('a', '[') t(s, r)
SELECT regexp_instr('a', '(?<=a+)b')
SELECT 'ab' RLIKE '\\k<x>'
SELECT s, s RLIKE r AS m FROM VALUES ('ab', '^a'), ('ab', 'b$'), ('ab', '(?<=a)b'), ('ab', NULL), (NULL, 'a') t(s, r)
SELECT regexp_like('abc', 'B'), regexp_like('abc', '(?i)B'), regexp('abc', 'b'), 'abc' REGEXP '^abc$', rlike('a\\b', '\\\\'), 'abc' NOT RLIKE 'b'
SELECT regexp_replace('aaa', 'a', 'b', 2), regexp_replace('aaa', 'a', 'b', 4), regexp_replace('a1a2', '\\d', '', 3), regexp_replace('xaaa', '^a', 'b', 2)
SELECT regexp_replace('aaa', 'a', 'b', 0)
SELECT regexp_replace('aaa', 'a', 'b', -1)
SELECT 'a_c' LIKE 'a\\_c', 'abc' LIKE 'a\\_c', 'a%c' LIKE 'a/%c' ESCAPE '/', 'abc' LIKE 'a/%c' ESCAPE '/', 'a\nc' LIKE 'a_c', 'a\nc' LIKE '%c', 'a.c' LIKE 'a.c', 'abc' LIKE 'a.c', '😀' LIKE '_', '😀' LIKE '__', '' LIKE '', '' LIKE '%', 'a' LIKE NULL
SELECT 'a' LIKE 'a\\'
SELECT 'a' LIKE 'm\\a'
SELECT 'a' LIKE 'a/b' ESCAPE '/'
SELECT 'a' LIKE 'a' ESCAPE 'ab'
SELECT 'Abc' ILIKE 'aBC', 'ÉCOLE' ILIKE 'école', 'abc' LIKE ALL ('a%', '%c'), 'abc' LIKE ANY ('x%', '%c'), 'abc' NOT LIKE ALL ('x%', 'y%'), 'abc' ILIKE ANY ('X', 'A%'), 'a_b' LIKE 'a__b' ESCAPE '_'
SELECT initcap('hello wORLD'), initcap('o\'neill mc-donald'), initcap('a1b 2c'), initcap('école ÉTÉ'), initcap('a\tb\nc'), initcap('ǆ x'), initcap('  x  y'), initcap('ß'), initcap('İSTANBUL')
SELECT upper('straße'), lower('İ') = 'i̇', length(lower('İ')), lower('ΑΣ'), lower('ΑΣΑ'), upper('ŉ'), upper('ﬁ'), lower('Σ'), upper('ı'), upper('ǆ'), lower('ẞ')
SELECT translate('AaBbCc', 'abc', '123'), translate('abc', 'abc', 'x'), translate('abcabc', 'aab', 'xyz'), translate('a😀b', '😀', 'X'), translate('abc', '', 'x'), translate('axb', 'x', '😀'), translate('abc', NULL, 'x')
SELECT locate('b', 'abcb'), locate('b', 'abcb', 3), locate('b', 'abcb', 0), locate('', 'abc'), locate('', 'abc', 5), locate('', ''), locate('b', 'a😀b'), locate('x', 'abc'), locate('b', 'abcb', -1), position('b' IN 'abc'), instr('😀b', 'b'), instr('abc', ''), instr('', ''), locate(NULL, 'a'), locate('a', 'a', NULL)
SELECT substring('hello', 2), substring('hello', -3), substring('hello', 0), substring('hello', 0, 2), substring('hello', -10, 7), substring('hello', 2, -1), substring('hello', 10), substring('a😀bc', 2, 1), substring('a😀bc', -3, 2), left('héllo', 2), right('a😀', 1), left('abc', -1), right('abc', 0), substring(X'010203', 2), substring('hello', -2147483648, 3), substring('hello', 2147483647)
SELECT overlay('hello' PLACING 'XX' FROM 2), overlay('hello' PLACING 'XX' FROM 2 FOR 0), overlay('hello' PLACING 'XX' FROM -2), overlay('hello' PLACING 'XX' FROM 0), overlay('hello' PLACING 'XX' FROM 10), overlay('a😀c' PLACING 'b' FROM 2 FOR 1), overlay('hello' PLACING '' FROM 2 FOR 2), overlay('hello', 'XX', 2, -1), hex(overlay(X'0102030405', X'FF', 2))
SELECT substring_index('www.apache.org', '.', 2), substring_index('www.apache.org', '.', -2), substring_index('www.apache.org', '.', 0), substring_index('a.b', '', 1), substring_index('aXXXb', 'XX', 1), substring_index('aXXXb', 'XX', -1), substring_index('abc', 'x', 1), split_part('a,b,c', ',', 2), split_part('a,b,c', ',', -1), split_part('a,b,c', ',', 5), split_part('a.b', '', 1), split_part('a|b', '|', 2)
SELECT split_part('a,b', ',', 0)
SELECT soundex('Robert'), soundex('Rupert'), soundex('Tymczak'), soundex('Pfister'), soundex('Honeyman'), soundex('Ashcraft'), soundex(''), soundex('123'), soundex('élan'), soundex('a'), soundex('VanDeusen'), soundex(' abc'), soundex('O\'Hara')
SELECT levenshtein('kitten', 'sitting'), levenshtein('kitten', 'sitting', 2), levenshtein('kitten', 'sitting', 3), levenshtein('', 'abc'), levenshtein('', 'abc', 2), levenshtein('a', 'a', 0), levenshtein('😀', 'a'), levenshtein('abc', NULL), levenshtein('ab', 'ba', 1), levenshtein('a', 'b', -1)
SELECT format_string('%d %s %05.2f', 1, 'a', 2.5D), format_string('%5d|%-5d|%+d|%,d|%(d', 42, 42, 42, 1234567, -5), format_string('%x %X %o %c %b %%', 255, 255, 8, 65, true), format_string('%2$s %1$s', 'a', 'b'), format_string('%s', NULL), format_string('%10s|%-10s|%.2s', 'abc', 'abc', 'abc'), format_string('%e', 12345.678D), format_string('%g', 0.00001234D), format_string('%.3f', 1.0005D), format_string('%s', 1.5BD), format_string('%n'), printf('%d', 9223372036854775807L), format_string('%s', DATE'2031-04-05'), format_string('%08.3f', -3.14159D), format_string('%s', 1e10D), format_string('%.1f', 0.25D), format_string('%.0f', 2.5D)
SELECT format_string('%d', 'a')
SELECT format_string('%d', 1.5D)
SELECT format_string('%q', 1)
SELECT format_string('%s %s', 'a')
SELECT format_string('%f', 1)
SELECT lpad('abc', 5), lpad('abc', 5, ''), lpad('abc', 2, 'x'), lpad('abc', 8, 'xy'), lpad('abc', -1, 'x'), lpad('abc', 0, 'x'), rpad('abc', 5, ''), rpad('abc', 8, 'xy'), rpad('é', 3, '😀'), lpad('', 2, 'ab'), lpad(NULL, 2, 'a'), lpad('a', NULL, 'b'), hex(lpad(X'01', 3)), hex(rpad(X'01', 3, X'AB'))
SELECT trim('  a b  '), trim(BOTH 'xy' FROM 'xyaxyx'), trim(LEADING FROM '  a '), trim(TRAILING 'b' FROM 'abbb'), ltrim('x', 'xxabx'), rtrim('yx', 'axyx'), btrim('  a  '), btrim('xyax', 'xy'), trim('\ta\t'), trim('' FROM ' a '), trim(NULL FROM 'a'), trim('😀' FROM '😀a😀'), length(trim(' a ')), ltrim('  '), trim(BOTH FROM '\u3000a')
SELECT s FROM VALUES ('z'), ('😀'), ('ﬀ'), ('é'), ('Z'), (''), ('a'), ('aa'), ('\uFFFF'), ('À') t(s) ORDER BY s LIMIT 5 OFFSET 4
SELECT '😀' > 'ﬀ', '\uFFFD' < '😀', 'a' < 'B', 'é' > 'z', '' < ' ', greatest('ﬀ', '😀'), max(s), min(s), sort_array(collect_list(s)), array_max(collect_list(s)) FROM VALUES ('ﬀ'), ('😀'), ('z') t(s)
SELECT hex(encode('é', 'UTF-8')), hex(encode('é', 'ISO-8859-1')), hex(encode('é', 'UTF-16')), hex(encode('é', 'UTF-16LE')), hex(encode('é', 'UTF-16BE')), hex(encode('a', 'utf-8')), decode(X'C3A9', 'UTF-8'), decode(X'E9', 'ISO-8859-1'), decode(X'FEFF0061', 'UTF-16'), hex(encode('', 'UTF-16')), hex(encode('a', 'UTF-32')), decode(1, 1, 'one', 2, 'two', 'other'), decode(3, 1, 'one'), decode(NULL, 1, 'a', NULL, 'b')
SELECT encode('é', 'US-ASCII')
SELECT decode(X'FF', 'UTF-8')
SELECT encode('a', 'windows-1252')
SELECT decode(X'61', 'nope')
SELECT base64(encode('abcd', 'UTF-8')), CAST(unbase64('YWJjZA==') AS STRING), CAST(unbase64('YWJjZA') AS STRING), CAST(unbase64('YW Jj\nZA==') AS STRING), base64(''), base64(CAST(repeat('a', 60) AS BINARY)), unbase64('')
SELECT unbase64('a')
SELECT unbase64('ab!c')
SELECT try_to_binary('a!', 'base64'), hex(to_binary('abc', 'utf-8')), hex(to_binary('737472696E67', 'hex')), hex(to_binary('1', 'hex')), try_to_binary('GG', 'hex')
SELECT to_binary('GG', 'hex')
SELECT to_binary('a', 'nope')
SELECT conv('100', 2, 10), conv('ff', 16, 10), conv('-10', 16, -10), conv('-15', 10, 16), conv('18446744073709551615', 10, 16), conv('zz', 36, 10), conv('12x', 10, 16), conv('', 10, 16), conv('x', 10, 16), conv('10', 1, 10), conv('10', 10, 37), conv(NULL, 10, 2), conv(' 10', 10, 2), conv('9223372036854775808', 10, -10)
SELECT conv('18446744073709551616', 10, 16)
SELECT format_number(12332.123456, 4), format_number(12332.5D, 0), format_number(0.5D, 0), format_number(1.5D, 0), format_number(-1234567.891BD, 2), format_number(1234567, 0), format_number(5, 2), format_number(12332.123456, '##################.###'), format_number(0.1D, '#.00'), format_number(1234.5D, -1), format_number(CAST('NaN' AS DOUBLE), 2), format_number(CAST('Infinity' AS DOUBLE), 1), format_number(NULL, 2), format_number(1234567.5D, '#,###.0'), format_number(12345678901234567890BD, 1), format_number(-0.001D, 2)
SELECT hex('é'), hex(255), hex(-1), hex(X'0A'), unhex('C3A9') = X'C3A9', unhex('A'), unhex(''), ascii('é'), ascii('😀'), ascii(''), chr(233), chr(256), chr(-1), chr(65), char(8364), bit_length('é'), octet_length('😀'), char_length('😀'), length('e\u0301'), length(X'0102')
SELECT unhex('GG')
SELECT reverse('a😀b'), reverse('e\u0301'), repeat('ab', 3), repeat('ab', 0), repeat('ab', -1), space(2) = '  ', concat_ws(',', 'a', NULL, array('b', NULL, 'c')), concat_ws(NULL, 'a'), concat_ws(',') = '', concat('a', NULL), 'a' || 1 || true, elt(2, 'a', 'b'), find_in_set('b', 'a,b,c'), find_in_set('a,b', 'a,b'), find_in_set('', ',a'), find_in_set(NULL, 'a')
SELECT elt(3, 'a', 'b')
SELECT elt(0, 'a', 'b')
SELECT startswith('abc', ''), endswith('abc', 'c'), contains('abc', 'B'), startswith('é', 'e'), contains('', ''), startswith(NULL, 'a'), contains(X'0102', X'02'), endswith('😀', '😀'), replace('abcabc', 'b', 'X'), replace('abc', '', 'X'), replace('aaa', 'aa', 'b'), replace('abc', 'b'), replace('abc', 'B', 'x')
SELECT mask('AbCD123-@$#'), mask('AbCD123-@$#', 'Q'), mask('AbCD123-@$#', 'Q', 'q', 'd', 'o'), mask('éÉ😀5', 'X', 'x', 'n', '*'), mask('abc', NULL, NULL), sentences('Hi there! How are you? Fine.'), luhn_check('79927398713'), luhn_check('79927398714'), luhn_check(''), luhn_check('a'), is_valid_utf8('a'), is_valid_utf8(X'80'), make_valid_utf8(X'61FF'), try_validate_utf8(X'FF')
SELECT validate_utf8(X'FF')
SELECT to_number('454', '999'), to_number('454.00', '000.00'), to_number('12,454', '99,999'), to_number('$78.12', '$99.99'), to_number('12,454.8-', '99,999.9S'), to_char(454, '999'), to_char(454.00, '000D00'), to_char(12454, '99G999'), to_char(78.12, '$99.99'), to_char(-12454.8, '99G999D9S'), to_char(1234, '99'), to_char(0, '000'), to_char(-5, '9MI'), to_char(-5, '9PR'), try_to_number('a', '9')
SELECT to_number('a', '9')
SELECT url_encode('a b&c=é/?'), url_decode('a%20b+c%C3%A9'), parse_url('http://user@spark.apache.org:80/path?query=1&x=%20#ref', 'HOST'), parse_url('http://user@spark.apache.org:80/path?query=1&x=%20#ref', 'QUERY', 'x'), parse_url('http://spark.apache.org/path?query=1', 'QUERY'), parse_url('http://user:pw@h/p', 'USERINFO'), parse_url('http://h/p;a?b#c', 'FILE'), parse_url('http://h/p#c', 'REF'), parse_url('http://h:8/p', 'AUTHORITY'), parse_url('http://h', 'PATH') = '', parse_url('http://h', 'NOPE'), try_url_decode('%zz'), parse_url('http://h?k=v', 'QUERY', 'z')
SELECT url_decode('%zz')
SELECT parse_url('http://a b', 'HOST')
SELECT regexp_replace('1234567.89', '(?<=\\d)(?=(\\d{3})+\\.)', ','), regexp_replace('camelCaseString', '(?<=[a-z])(?=[A-Z])', '_'), split('camelCaseString', '(?<=[a-z])(?=[A-Z])'), regexp_replace('  a  b ', '^\\s+|\\s+$', '')
SELECT 'Passw0rd' RLIKE '^(?=.*[A-Z])(?=.*\\d).{8,}$', 'password' RLIKE '^(?=.*[A-Z])(?=.*\\d).{8,}$', regexp_extract('a=1;b=2', '(?:^|;)b=([^;]*)', 1), regexp_extract('<b>x</b><i>y</i>', '<(\\w+)>(.*?)</\\1>', 2), regexp_extract_all('<b>x</b><i>y</i>', '<(\\w+)>(.*?)</\\1>', 2)
SELECT regexp_extract_all('#spark is #fun!', '#(\\w+)', 1), regexp_extract_all('#été #naïve', '#(\\w+)', 1), regexp_extract_all('#été #naïve', '(?U)#(\\w+)', 1), regexp_replace('@a hi @bc', '@\\w+', '<$0>'), regexp_count('😀😃x', '[😀-😏]'), regexp_replace('hi😀!', '[^\\x00-\\x7F]', '?'), regexp_replace('hi😀!', '[^\\p{ASCII}]', '')
SELECT 'a\u00E9' RLIKE 'a\\u00E9', 'a' RLIKE '\\x61', 'a' RLIKE '\\x{61}', '😀' RLIKE '\\x{1F600}', '😀' RLIKE '\\uD83D\\uDE00', '\t' RLIKE '\\cI', '\u0007' RLIKE '\\a', '\u001B' RLIKE '\\e'
SELECT 'a' RLIKE '\\0141'
SELECT regexp_extract('aXbXc', '(?<=X)(.)(?=X)', 1), regexp_replace('foo.bar', '(?i:FOO)\\.BAR', 'x'), regexp_replace('foo.bar', '(?i:FOO)\\.bar', 'x'), regexp_replace('FOObar', '(?i)foo(?-i)BAR', 'x'), regexp_replace('aAbB', '(?i)a', '-'), regexp_count('a.b.c', '\\.'), regexp_count('aaaa', '(?=aa)')
SELECT 'a' RLIKE '\\G', regexp_count('aab', '\\Ga'), 'ab' RLIKE '\\Aab\\z', regexp_replace('a\n', '$', '!'), regexp_replace('a\nb', '$', '!'), regexp_replace('a\nb', '(?m)$', '!'), regexp_replace('a\nb', '(?m)^', '> ')
SELECT 'a' RLIKE 'a**'
SELECT 'a' RLIKE 'a{'
SELECT 'a{' RLIKE 'a\\{', '{a}' RLIKE '\\{a}', 'a}' RLIKE 'a}', 'a]' RLIKE 'a]', 'a{1' RLIKE 'a\\{1'
SELECT 'a' RLIKE '\\'
SELECT 'a' RLIKE '\\y'
SELECT 'a' RLIKE '(?<n>a)(?<n>b)'
SELECT 'a' RLIKE 'a)'
SELECT 'a' RLIKE '[z-a]'
SELECT 'a' RLIKE '(?P<n>a)'
SELECT 'a' RLIKE '[[:alpha:]]', ':' RLIKE '[[:alpha:]]', 'z' RLIKE '[[:alpha:]]'
SELECT regexp_replace('a1', '(\\w)(\\d)', '$2$1'), regexp_extract('ab12', '([a-z]+)(\\d+)', 2), 'x' RLIKE '', '' RLIKE '', '' RLIKE '^$', regexp_extract('foo123', '[0-9]+', 0), regexp_extract('(x)', '\\((.)\\)', 1), regexp_replace('a\\b', '\\\\', '/'), regexp_replace('a/b', '/', '\\\\')
SELECT 'aa' RLIKE '(a)\\2'
SELECT 'a\n' RLIKE '^a$', 'a\u0085' RLIKE 'a$', 'a\u2028' RLIKE 'a\\Z', 'a\r\n' RLIKE 'a\r$', 'a\n\r' RLIKE 'a$', 'a\r\n' RLIKE 'a\\Z', 'a\r' RLIKE '(?d)a$', 'a\n' RLIKE '(?d)a$', 'a\n' RLIKE '(?d)a\\Z', 'a\r' RLIKE '(?d)a\\Z'
SELECT regexp_replace('a\nb\n', '(?m)^', '>'), regexp_replace('a\nb\n', '(?m)$', '!'), regexp_replace('a\r\nb\r\n', '(?m)^', '>'), regexp_replace('a\r\nb\r\n', '(?m)$', '!'), regexp_replace('a\rb\u0085c\u2028d', '(?m)^', '>'), regexp_replace('a\rb\u0085c\u2028d', '(?m)$', '!'), regexp_replace('a\rb\nc', '(?dm)^', '>'), regexp_replace('a\rb\nc', '(?dm)$', '!'), regexp_replace('', '(?m)^', '>'), regexp_replace('\n', '(?m)^', '>'), regexp_replace('\n', '(?m)$', '>'), regexp_replace('\n', '^', '>'), regexp_replace('\r\n', '$', '>'), regexp_replace('\r\n', '(?m)$', '>'), regexp_replace('a\n', '\\Z', '!')
SELECT 'a' RLIKE 'a]', ']' RLIKE ']', '}' RLIKE '}', 'a}' RLIKE 'a}'
SELECT 'a' RLIKE '{'
SELECT 'a' RLIKE '{1}'
SELECT 'a' RLIKE 'a{1'
SELECT 'a' RLIKE 'a{x}'
SELECT 'a' RLIKE 'a{,2}'
SELECT 'a' RLIKE 'a{1,2,3}'
SELECT 'a' RLIKE 'a{1}{2}'
SELECT 'a' RLIKE 'a{1}*'
SELECT 'a' RLIKE 'a+*'
SELECT 'a' RLIKE 'a?*'
SELECT 'a' RLIKE 'a???'
SELECT 'a' RLIKE 'a*++'
SELECT 'a' RLIKE '*a'
SELECT 'a' RLIKE '^*a'
SELECT 'a' RLIKE '(*a)'
SELECT 'a' RLIKE '(+a)'
SELECT 'a' RLIKE '|*a'
SELECT 'a' RLIKE '(?:)*', 'a' RLIKE '$*', 'a' RLIKE '\\b*'
SELECT 'a' RLIKE '\\j'
SELECT 'a' RLIKE '\\_', '-' RLIKE '\\-', 'é' RLIKE '\\é'
SELECT 'a' RLIKE '\\K'
SELECT 'a' RLIKE '\\Y'
SELECT 'a' RLIKE '\\g1'
SELECT 'a' RLIKE '\\i'
SELECT 'a' RLIKE '\\l'
SELECT 'a' RLIKE '\\x'
SELECT 'a' RLIKE '\\x6'
SELECT 'a' RLIKE '\\u12'
SELECT 'a' RLIKE '\\0'
SELECT 'a' RLIKE '\\08'
SELECT '\u0001a' RLIKE '^\\01a', 'S4' RLIKE '\\01234', '\u001b7' RLIKE '\\0337', 'S' RLIKE '\\0123', '\t' RLIKE '[\\011]'
SELECT 'a' RLIKE '\\c'
SELECT 'a' RLIKE '(?<1n>a)'
SELECT 'a' RLIKE '(?<n_m>a)'
SELECT 'a' RLIKE '(?<n'
SELECT 'a' RLIKE '(?<n1>a)\\k<n1>', 'aa' RLIKE '(?<n1>a)\\k<n1>'
SELECT 'a' RLIKE '(?<n1>a)\\k<n2>'
SELECT 'a' RLIKE '(?i'
SELECT 'a' RLIKE '(?z)a'
SELECT 'a' RLIKE '(?'
SELECT 'a' RLIKE '(?#c)a'
SELECT 'a' RLIKE '(?|a)'
SELECT 'a' RLIKE '(?R)'
SELECT 'a' RLIKE '(?(1)a|b)'
SELECT 'a' RLIKE '(?''n''a)'
SELECT 'a' RLIKE ')'
SELECT 'a' RLIKE '[]'
SELECT 'a' RLIKE '[^]'
SELECT 'a' RLIKE '\\p{Foo}'
SELECT 'a' RLIKE '\\p{InFoo}'
SELECT 'a' RLIKE '\\p{IsFoo}'
SELECT 'a' RLIKE '\\p{Latin}'
SELECT 'a' RLIKE '\\p{IsLatin}', 'a' RLIKE '\\p{IsAlphabetic}', 'a' RLIKE '\\p{IsL}', 'a' RLIKE '\\p{sc=Latn}', 'a' RLIKE '\\p{blk=BasicLatin}', 'a' RLIKE '\\p{InBasic_Latin}', 'a' RLIKE '\\p{InBASIC LATIN}', 'a' RLIKE '\\p{gc=L}', 'a' RLIKE '\\p{LC}', 'a' RLIKE '\\p{L1}', 'a' RLIKE '\\p{all}', 'a' RLIKE '\\p{ASCII}'
SELECT 'a' RLIKE '\\p{Alphabetic}'
SELECT 'a' RLIKE '\\p{Letter}'
SELECT 'aa' RLIKE '(a)\\11', 'aa1' RLIKE '(a)\\11', 'a' RLIKE '\\1(a)', 'aab' RLIKE '(a)(\\1)b', '' RLIKE '(a)?\\1'
SELECT 'abab' RLIKE '^\\Qab\\E+$', 'abbb' RLIKE '^\\Qab\\E+$'
SELECT regexp_replace('aBc', '(?i)b(?-i)C', 'x'), regexp_replace('aBC', '(?i)b(?-i)C', 'x'), regexp_replace('ABab', '((?i)a)b', 'x'), regexp_replace('a\nb', '((?s)a.)b|a.b', 'x')
SELECT 'ab' RLIKE '(?<=a*)b', 'ab' RLIKE '(?<=a{1,3})b', 'aab' RLIKE '(?<=a|aa)b'
SELECT 'ab' RLIKE '(?<=a+)b'
SELECT 'a' RLIKE '(?u)a', 'É' RLIKE '(?i)\\u00e9', 'É' RLIKE '(?i)[é]', 'K' RLIKE '(?i)\\u212a', 'ſ' RLIKE '(?i)s', 'ſ' RLIKE '(?iu)s'
SELECT '٣' RLIKE '\\d', 'é' RLIKE '\\b', regexp_count('é a', '\\b'), regexp_count('é_1', '\\b')
SELECT '\u0085' RLIKE '\\R', '\u000b' RLIKE '.', '\u000c' RLIKE '.', '\u0085' RLIKE '.', '\u0085' RLIKE '(?d).', '\u0085' RLIKE '\\s', '\u0085' RLIKE '\\v', '\u200b' RLIKE '\\h', '\u180e' RLIKE '\\h'
SELECT 'a' RLIKE 'a{2147483648}'
SELECT 'aaaaa' RLIKE '^(a{1,3}){2}$', 'aa' RLIKE '^a{02}$', 'a' RLIKE 'a{1,}', 'a' RLIKE 'a{0}'
SELECT regexp_replace('a b # c', '(?x) \\s+ \\#', '_')
SELECT regexp_replace('a b', '(?x)a\\ b', '_')
SELECT regexp_replace('a#b', '(?x)a[#]b', '_')
SELECT regexp_replace('a b', '(?x)a[ ]b', '_')
SELECT regexp_replace('ab c', '(?x: a b ) c', '_')
SELECT regexp_replace('ab', 'a(?x) b # c\nd', '_')
SELECT regexp_replace('abd', 'a(?x) b # c\nd', '_')
SELECT regexp_replace('a b', '(?x)a(?-x) b', '_')
SELECT regexp_replace('aa', '(?x)a {2}', '_')
SELECT regexp_replace('aa', '(?x)a +', '_')
SELECT regexp_replace('a1', '(?x)\\Qa 1\\E|\\Qa1\\E', '_')
SELECT 'a' RLIKE '[a-\\d]'
SELECT '-' RLIKE '[a-\\d]'
SELECT 'a' RLIKE '[a-]'
SELECT '-' RLIKE '[a-]'
SELECT '-' RLIKE '[-a]'
SELECT '^' RLIKE '[a^]'
SELECT '&' RLIKE '[a&&]'
SELECT 'a' RLIKE '[a&&]'
SELECT 'b' RLIKE '[a-c&&[^b]]'
SELECT 'c' RLIKE '[a-c&&[^b]]'
SELECT 'b' RLIKE '[a-c&&b-d]'
SELECT ':' RLIKE '[[:alpha:]]'
SELECT '[' RLIKE '[[]]'
SELECT ':' RLIKE '[:alpha:]'
SELECT 'x' RLIKE '[[:^alpha:]]'
SELECT '^' RLIKE '[[:^alpha:]]'
SELECT '~' RLIKE '[a~~b]'
SELECT '-' RLIKE '[a--b]'
SELECT 'a' RLIKE '[a--b]'
SELECT 'a' RLIKE '\\p{L'
SELECT 'a' RLIKE '\\pL'
SELECT 'a' RLIKE '\\PL'
SELECT 'a' RLIKE '\\p{IsLetter}'
SELECT 'a' RLIKE '\\p{IsLowercase}'
SELECT 'a' RLIKE '\\p{IsUppercase}'
SELECT ' ' RLIKE '\\p{IsWhite_Space}'
SELECT 'a' RLIKE '\\p{IsAssigned}'
SELECT 'a' RLIKE '\\p{IsEmoji}'
SELECT 'a.b' RLIKE '\\Qa.b'
SELECT 'x' RLIKE '\\E'
SELECT 'a\\E' RLIKE 'a\\\\E'
SELECT 'ab' RLIKE '\\Qa\\E*b'
SELECT 'aaab' RLIKE '^\\Qa\\E+b'
SELECT base64(repeat('a', 57)), base64(repeat('a', 58)), length(base64(repeat('a', 171))), hex(overlay(X'0102' PLACING X'0304' FROM 9)), hex(overlay(X'01020304' PLACING X'' FROM 2 FOR 2))
SELECT overlay('abc' PLACING X'41' FROM 2)
SELECT overlay(X'414243' PLACING 'z' FROM 2)
SELECT 'a' LIKE 'a' ESCAPE ''
SELECT 'a_' LIKE 'a__' ESCAPE '_', 'a%' LIKE 'a/%' ESCAPE '/'
SELECT 'a' ILIKE 'a\\'
SELECT 'a' LIKE ANY ('b\\')
SELECT 'a' LIKE 'it''s\\a'
SELECT regexp_replace('aaa', 'a', 'b', CAST(id AS INT)) FROM (SELECT id FROM range(1, 3))
