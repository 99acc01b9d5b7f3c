SELECT regexp_replace('foobar', '(?<=foo)bar', 'X'), regexp_extract('price: 42', '(?<=: )\\d+', 0)
SELECT 'abab' RLIKE '^(ab)\\1$', regexp_replace('aa bb cd', '(\\w)\\1', '<$1>')
SELECT regexp_replace('aaa', 'a*+a', 'x'), 'aaab' RLIKE '(?>a+)ab'
SELECT regexp_replace('abc', '', '-'), split('abc', ''), regexp_extract_all('abc', 'x*', 0), regexp_count('abc', 'x*')
SELECT regexp_replace('ABC', '(?i)b', 'x'), 'É' RLIKE '(?i)é', 'É' RLIKE '(?iu)é'
SELECT 'a1' RLIKE '[a-z&&[^b]]1', 'b1' RLIKE '[a-z&&[^b]]1'
SELECT regexp_extract('ab', '(a)(b)?', 3)
SELECT regexp_replace('ab', '(a)', '$2')
SELECT 'x' RLIKE '('
SELECT 'x' RLIKE '(?<!y)x', 'yx' RLIKE '(?<!y)x', 'ab' RLIKE 'a(?=b)', 'ac' RLIKE 'a(?!b)'
SELECT initcap('hello wORLD foo-bar o''neil'), initcap('ǆ ß éa'), initcap('a\tb\nc')
SELECT split('a,b,,', ','), split('a,b,,', ',', -1), split('a,b,,', ',', 0), split('a,b,,', ',', 2), split(',a', ',')
SELECT regexp_instr('abcb', 'b'), regexp_substr('abcb', 'b.'), regexp_like('a\nb', 'a.b'), regexp_like('a\nb', '(?s)a.b'), regexp_like('a\nb', '(?m)^b$')
SELECT 'é' RLIKE '\\w', 'é' RLIKE '(?U)\\w', '٣' RLIKE '\\d', '٣' RLIKE '(?U)\\d', 'é' RLIKE '\\p{L}', 'é' RLIKE '\\p{Alpha}', 'é' RLIKE '\\p{IsAlphabetic}', 'a' RLIKE '\\p{javaLowerCase}'
