//! Expressions: a text and the short form of its message.

use super::super::{parse_expression, parse_expression_with_relations};
use super::render::expr;

/// Compares each text's short form with the expected one.
#[track_caller]
fn check(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        match parse_expression(text) {
            Ok(parsed) => assert_eq!(expr(&parsed), *expected, "{text}"),
            Err(error) => panic!("{text}: {error}"),
        }
    }
}

/// The precedence of Spark's grammar: `IN`, `LIKE` and `IS` bind looser than comparison, `||` as `+` does.
#[test]
fn operators_bind_as_in_spark() {
    check(&[
        ("1 + 2 * 3", "(+ 1 (* 2 3))"),
        ("1 + 2 || 'a'", "(concat (+ 1 2) 'a')"),
        ("a & 1 + 2 | 3 ^ 4", "(| (& a (+ 1 2)) (^ 3 4))"),
        ("a << 1 + 1", "(<< a (+ 1 1))"),
        ("a OR b AND NOT c = d", "(or a (and b (not (== c d))))"),
        ("a = b IS NULL", "(isnull (== a b))"),
        ("a = b AND c IS NOT NULL", "(and (== a b) (isnotnull c))"),
        ("7 div 2 * 3", "(* (div 7 2) 3)"),
        ("-a.b + ~c * 2", "(+ (- a.b) (* (~ c) 2))"),
        ("-1 - -2", "(- -1 -2)"),
        ("2 - 1", "(- 2 1)"),
        ("- - 1", "(- -1)"),
        ("+a", "(positive a)"),
        ("a % 2 == 0", "(== (% a 2) 0)"),
        ("a != 1 OR b <> 2", "(or (!= a 1) (!= b 2))"),
        ("a <=> NULL", "(<=> a null)"),
        ("!a", "(not a)"),
        ("(a + b) * c", "(* (+ a b) c)"),
        ("a::int + 1", "(+ (cast a integer) 1)"),
        ("NOT a IN (1) AND b", "(and (not (in a 1)) b)"),
    ]);
}

/// SQL's predicates are the calls that PySpark sends: one analyzer serves both.
#[test]
fn predicates_have_the_names_of_the_connect_client() {
    check(&[
        ("a IN (1, 2)", "(in a 1 2)"),
        ("a NOT IN ('x')", "(not (in a 'x'))"),
        ("a BETWEEN 1 AND 2 AND b", "(and (between a 1 2) b)"),
        ("a NOT BETWEEN 1 AND 2", "(not (between a 1 2))"),
        ("a LIKE 'x%'", "(like a 'x%')"),
        ("a NOT LIKE 'x' ESCAPE '/'", "(not (like a 'x' '/'))"),
        ("a ILIKE 'x'", "(ilike a 'x')"),
        ("a RLIKE 'x' OR a REGEXP 'y'", "(or (rlike a 'x') (rlike a 'y'))"),
        ("a LIKE ANY ('x', 'y')", "(likeany a 'x' 'y')"),
        ("a NOT LIKE ALL ('x', 'y')", "(notlikeall a 'x' 'y')"),
        ("a IS TRUE", "(<=> a true)"),
        ("a IS NOT FALSE", "(not (<=> a false))"),
        ("a IS UNKNOWN", "(isnull a)"),
        ("a IS DISTINCT FROM b", "(not (<=> a b))"),
        ("a IS NOT DISTINCT FROM b AND c", "(and (<=> a b) c)"),
    ]);
}

/// The type of a number follows from its digits, point, exponent and suffix; strings lose their escapes
/// and join their neighbours.
#[test]
fn literals_are_read_by_sparks_rules() {
    check(&[
        ("1", "1"),
        ("3000000000", "3000000000L"),
        ("-9223372036854775808", "-9223372036854775808L"),
        ("1.5", "1.5:2:1"),
        ("1L + 1S + 1Y", "(+ (+ 1L 1S) 1Y)"),
        ("1.5D * 1e0 - 2.0F", "(- (* 1.5D 1.0D) 2F)"),
        ("1e10D", "10000000000.0D"),
        ("1.5BD", "1.5:2:1"),
        ("'a' 'b' \"c\"", "'abc'"),
        ("'it''s'", "'it's'"),
        (r"'\\w\n\%'", "'\\w\n\\%'"),
        (r"r'\w'", r"'\w'"),
        (r"R'\\'", r"'\\'"),
        ("X'1F'", "x[1f]"),
        ("DATE'2024-03-01'", "date:19783"),
        ("date '1970-01-01'", "date:0"),
        (
            "TIMESTAMP'2024-03-01 00:00:01.9'",
            "(!timestamp '2024-03-01 00:00:01.9')",
        ),
        ("TIMESTAMP'1970-01-01 00:00:01Z'", "timestamp:1000000"),
        ("TIMESTAMP_NTZ'1970-01-01 00:00:01'", "ntz:1000000"),
        ("TRUE AND false OR NULL", "(or (and true false) null)"),
    ]);
}

/// Units, one string, and ranges of fields; the type follows from the units.
#[test]
fn intervals_are_read_in_all_forms() {
    check(&[
        ("INTERVAL 1 MONTH", "months:1:ym1-1"),
        ("INTERVAL '2' DAY", "micros:172800000000:dt0-0"),
        ("INTERVAL 3 DAYS", "micros:259200000000:dt0-0"),
        ("INTERVAL 1 YEAR 2 MONTHS", "months:14:ym0-1"),
        ("INTERVAL '1 02:03:04' DAY TO SECOND", "micros:93784000000:dt0-3"),
        ("INTERVAL '1-2' YEAR TO MONTH", "months:14:ym0-1"),
        ("INTERVAL -'1' DAY", "micros:-86400000000:dt0-0"),
        ("INTERVAL '10 minutes'", "micros:600000000:dt2-2"),
        ("INTERVAL 1 MONTH 2 DAYS", "calendar:1:2:0:calendarinterval"),
        ("a + INTERVAL 1 DAY - 1", "(- (+ a micros:86400000000:dt0-0) 1)"),
        ("interval + 1", "(+ interval 1)"),
        ("-INTERVAL 1 DAY", "(- micros:86400000000:dt0-0)"),
    ]);
}

/// Dots before the first subscript belong to the name, those after it are fields.
#[test]
fn names_keep_their_parts_and_quotes() {
    check(&[
        ("a.b.c", "a.b.c"),
        ("`a.b`.c", "`a.b`.c"),
        ("`a``b`", "`a``b`"),
        ("window.end", "window.end"),
        ("date", "date"),
        ("user", "user"),
        ("a[0].b['k']", "a[0]['b']['k']"),
        ("a.b[0]", "a.b[0]"),
        ("f(x).y", "(f x)['y']"),
        ("(a).b", "a['b']"),
        ("*", "*"),
        ("t.*", "t.*"),
        ("s.`t u`.*", "s.`t u`.*"),
        ("a AS b", "a as b"),
        ("a b", "a as b"),
        ("f(a) AS (x, y)", "(f a) as x,y"),
        ("* EXCEPT (a, b)", "(!star_except * a b)"),
    ]);
}

/// Qualified names of built-in functions are their last part.
#[test]
fn functions_keep_lower_case_names() {
    check(&[
        ("COUNT(*)", "(count *)"),
        ("count(DISTINCT a, b)", "(count distinct a b)"),
        ("count(t.*)", "(count t.*)"),
        ("now()", "(now)"),
        ("current_timestamp", "(current_timestamp)"),
        ("current_date()", "(current_date)"),
        ("struct(a, 1)", "(struct a 1)"),
        ("map('a', 1)", "(map 'a' 1)"),
        ("array()", "(array)"),
        ("left(a, 2)", "(left a 2)"),
        ("if(a, 1, 2)", "(if a 1 2)"),
        ("date(a)", "(date a)"),
        ("char(65)", "(char 65)"),
        ("double('NaN')", "(double 'NaN')"),
        ("window(a, '10 minutes')", "(window a '10 minutes')"),
        ("replace(a, 'x', 'y')", "(replace a 'x' 'y')"),
        ("f(a => 1, 2)", "(f a=>1 2)"),
        ("(a, 1)", "(!tuple a 1)"),
        ("ceil(a, 1)", "(ceil a 1)"),
        ("struct(a AS x, b)", "(struct a as x b)"),
        ("dateadd(day, 1, a)", "(timestampadd 'DAY' 1 a)"),
        ("datediff(a, b)", "(datediff a b)"),
        ("f(start, end)", "(f start end)"),
        ("a<-1 AND b>=-1 AND c!=-1", "(and (and (< a -1) (>= b -1)) (!= c -1))"),
        ("tags[size(tags)-1]", "tags[(- (size tags) 1)]"),
        ("CASE WHEN a THEN 1 WHEN b THEN 2 ELSE 3 END", "(when a 1 b 2 3)"),
        ("CASE a WHEN 1 THEN 'x' END", "(when (== a 1) 'x')"),
        ("a COLLATE UTF8_LCASE", "(collate a 'UTF8_LCASE')"),
    ]);
}

/// `EXTRACT`, `SUBSTRING`, `TRIM` and their kin have plain forms, too.
#[test]
fn keyword_forms_become_functions() {
    check(&[
        ("EXTRACT(SECOND FROM a)", "(extract 'SECOND' a)"),
        ("SUBSTRING(a FROM 2 FOR 3)", "(substring a 2 3)"),
        ("substr(a, 1)", "(substr a 1)"),
        ("POSITION('i' IN name)", "(locate 'i' name)"),
        ("position('i', name)", "(position 'i' name)"),
        ("OVERLAY(a PLACING '_' FROM 2 FOR 1)", "(overlay a '_' 2 1)"),
        ("TRIM(BOTH 'x' FROM a)", "(trim 'x' a)"),
        ("TRIM(LEADING FROM a)", "(ltrim a)"),
        ("TRIM(TRAILING 'x' FROM a)", "(rtrim 'x' a)"),
        ("trim('x' FROM a)", "(trim 'x' a)"),
        ("trim(a)", "(trim a)"),
    ]);
}

/// The type inside a cast is read by the parser of types.
#[test]
fn casts_carry_their_types() {
    check(&[
        ("CAST(a AS DECIMAL(5,2))", "(cast a decimal(5,2))"),
        ("try_cast(a AS INT)", "(try_cast a integer)"),
        (
            "CAST(a AS ARRAY<STRUCT<x: INT, y: MAP<STRING, BIGINT>>>)",
            "(cast a array<struct<x:integer,y:map<string,long>>>)",
        ),
        ("a::interval day to second", "(cast a dt0-3)"),
        ("CAST(a AS timestamp_ntz)", "(cast a timestampntz)"),
        ("a::array<int>[0]", "(cast a array<integer>)[0]"),
        ("CAST(a AS struct<`x y`: int>)", "(cast a struct<x y:integer>)"),
    ]);
}

/// A parameter hides a column of its name inside the body and nowhere else.
#[test]
fn lambdas_bind_their_parameters() {
    check(&[
        ("transform(a, x -> x + y)", "(transform a (lambda x (+ $x y)))"),
        (
            "aggregate(a, 0, (acc, x) -> acc + X.f)",
            "(aggregate a 0 (lambda acc,x (+ $acc $x['f'])))",
        ),
        ("exists(a, x -> x = 1)", "(exists a (lambda x (== $x 1)))"),
        ("f(a, x -> g(b, x -> x))", "(f a (lambda x (g b (lambda x $x))))"),
    ]);
}

/// Clauses are markers around the call, from the inside out.
#[test]
fn aggregates_carry_their_clauses() {
    check(&[
        ("sum(a) FILTER (WHERE b > 1)", "(!agg_filter (sum a) (> b 1))"),
        (
            "listagg(a, ',') WITHIN GROUP (ORDER BY b DESC)",
            "(!within_group (listagg a ',') b:desc:last)",
        ),
        ("first(a) IGNORE NULLS", "(!ignore_nulls (first a))"),
        ("first(a IGNORE NULLS)", "(!ignore_nulls (first a))"),
        ("first(a) RESPECT NULLS", "(first a)"),
    ]);
}

/// A window named in the `WINDOW` clause is written out where it is used.
#[test]
fn windows_are_whole() {
    check(&[
        (
            "row_number() OVER (PARTITION BY a, b ORDER BY c DESC, d NULLS LAST)",
            "(over (row_number) by a b order c:desc:last d:asc:last)",
        ),
        ("sum(a) OVER ()", "(over (sum a) by order)"),
        (
            "sum(a) OVER (ORDER BY b ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)",
            "(over (sum a) by order b:asc:first rows(-1, current))",
        ),
        (
            "sum(a) OVER (ORDER BY b RANGE BETWEEN INTERVAL 3 DAYS PRECEDING AND 2 FOLLOWING)",
            "(over (sum a) by order b:asc:first range(micros:-259200000000:dt0-0, 2))",
        ),
        (
            "sum(a) OVER (ORDER BY b ROWS UNBOUNDED PRECEDING)",
            "(over (sum a) by order b:asc:first rows(unbounded, current))",
        ),
        (
            "lag(a) IGNORE NULLS OVER (ORDER BY b)",
            "(over (!ignore_nulls (lag a)) by order b:asc:first)",
        ),
    ]);
}

/// A subquery is a plan id in the expression and a relation beside it.
#[test]
fn subqueries_come_beside_the_expression() {
    let (parsed, relations) = parse_expression_with_relations("a IN (SELECT b FROM t) AND EXISTS (SELECT 1)").unwrap();
    assert_eq!(expr(&parsed), "(and (in -1 a) (exists -2))");
    let relations: Vec<_> = relations.iter().map(super::render::relation).collect();
    assert_eq!(relations, ["Project(Read(t), [b])#-1", "Project([1])#-2"]);
    assert!(parse_expression("(SELECT 1)").is_err());
}

/// `:name` and `?` become marked calls, which a function of that name is not.
#[test]
fn parameters_are_internal_calls_that_no_user_can_write() {
    check(&[
        ("abs(:a)+:b", "(+ (abs (!parameter 'a')) (!parameter 'b'))"),
        (":age + ?", "(+ (!parameter 'age') (!parameter '_1'))"),
        ("__parameter('age')", "(__parameter 'age')"),
    ]);
}
