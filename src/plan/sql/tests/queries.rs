//! Queries: a text and the short form of its relation.

use super::super::{Statement, parse_statement};
use super::render::relation;

/// Compares each query's short form with the expected one.
#[track_caller]
fn check(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        match parse_statement(text) {
            Ok(Statement::Query(parsed)) => assert_eq!(relation(&parsed), *expected, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
}

/// Clauses become relations from the inside out: `FROM`, `WHERE`, the list, `DISTINCT`.
#[test]
fn a_select_is_a_project_over_a_filter() {
    check(&[
        ("SELECT 1", "Project([1])"),
        (
            "SELECT a, * FROM t WHERE a > 1;",
            "Project(Filter(Read(t), (> a 1)), [a, *])",
        ),
        ("SELECT count(*) FROM t", "Project(Read(t), [(count *)])"),
        ("SELECT 1 WHERE false", "Project(Filter(Project([]), false), [1])"),
        ("SELECT DISTINCT a FROM t", "Distinct(Project(Read(t), [a]))@sql"),
        ("FROM t SELECT a", "Project(Read(t), [a])"),
        ("TABLE t", "Read(t)"),
        ("SELECT /*+ BROADCAST(t) */ a FROM t -- done", "Project(Read(t), [a])"),
    ]);
}

/// A table is a name, a format with a path, a function, a stream or a sample of one.
#[test]
fn tables_are_read_by_name_path_or_function() {
    check(&[
        ("SELECT * FROM s.`t u` AS x", "Project(As(Read(s.`t u`), x), [*])"),
        ("SELECT * FROM t x(a, b)", "Project(As(ToDF(Read(t), a,b), x), [*])"),
        (
            "SELECT * FROM json.`/data/a.json`",
            "Project(Files(json /data/a.json), [*])",
        ),
        ("SELECT * FROM range(10)", "Project(Table(range 10), [*])"),
        (
            "SELECT * FROM explode(array(1)) AS e(x)",
            "Project(As(ToDF(Table(explode (array 1)), x), e), [*])",
        ),
        ("SELECT * FROM (SELECT 1) s", "Project(As(Project([1]), s), [*])"),
        (
            "SELECT * FROM (SELECT 1)",
            "Project(As(Project([1]), __auto_generated_subquery_name), [*])",
        ),
        ("SELECT * FROM STREAM(t)", "Project(Read(t stream), [*])"),
        (
            "SELECT * FROM t TABLESAMPLE (10 PERCENT) x",
            "Project(As(Sample(Read(t), 0.1 seed None), x), [*])",
        ),
        (
            "SELECT * FROM t TABLESAMPLE (5 ROWS)",
            "Project(Limit(Read(t), 5), [*])",
        ),
    ]);
}

/// `VALUES` is a table function of structs whose fields are `col1`, `col2`, ….
#[test]
fn inline_tables_are_rows_of_structs() {
    let rows = "Table(values (named_struct 'col1' 1 'col2' 'a') (named_struct 'col1' null 'col2' 'b'))@sql_values";
    check(&[
        ("VALUES (1, 'a'), (NULL, 'b')", rows),
        (
            "SELECT * FROM VALUES (1, 'a'), (NULL, 'b') AS t(n, s)",
            &format!("Project(As(ToDF({rows}, n,s), t), [*])"),
        ),
        (
            "SELECT * FROM VALUES 1, 2 AS t(n)",
            "Project(As(ToDF(Table(values (named_struct 'col1' 1) (named_struct 'col1' 2))@sql_values, n), t), [*])",
        ),
        (
            "SELECT * FROM (VALUES 1) t",
            "Project(As(Table(values (named_struct 'col1' 1))@sql_values, t), [*])",
        ),
    ]);
}

/// Commas are cross joins; joins apply to everything before them.
#[test]
fn joins_say_their_kind_and_condition() {
    check(&[
        (
            "SELECT * FROM a JOIN b ON a.x = b.x",
            "Project(Join(Read(a), inner, Read(b), on (== a.x b.x)), [*])",
        ),
        (
            "SELECT * FROM a LEFT OUTER JOIN b USING (x, y)",
            "Project(Join(Read(a), left, Read(b), using x,y), [*])",
        ),
        (
            "SELECT * FROM a RIGHT JOIN b ON true",
            "Project(Join(Read(a), right, Read(b), on true), [*])",
        ),
        (
            "SELECT * FROM a FULL JOIN b USING (x)",
            "Project(Join(Read(a), full, Read(b), using x), [*])",
        ),
        (
            "SELECT * FROM a LEFT SEMI JOIN b USING (x)",
            "Project(Join(Read(a), semi, Read(b), using x), [*])",
        ),
        (
            "SELECT * FROM a ANTI JOIN b ON a.x = b.x",
            "Project(Join(Read(a), anti, Read(b), on (== a.x b.x)), [*])",
        ),
        (
            "SELECT * FROM a CROSS JOIN b",
            "Project(Join(Read(a), cross, Read(b)), [*])",
        ),
        (
            "SELECT * FROM a NATURAL JOIN b",
            "Project(Join(Read(a), inner, Read(b), on (!natural)), [*])",
        ),
        (
            "SELECT * FROM a, b JOIN c ON a.x = c.x",
            "Project(Join(Join(Read(a), cross, Read(b)), inner, Read(c), on (== a.x c.x)), [*])",
        ),
        (
            "SELECT * FROM a JOIN (b JOIN c ON true) ON true",
            "Project(Join(Read(a), inner, Join(Read(b), inner, Read(c), on true), on true), [*])",
        ),
        (
            "SELECT * FROM a, LATERAL (SELECT a.x) l",
            "Project(Lateral(Read(a), inner, As(Project([a.x]), l)), [*])",
        ),
        (
            "SELECT * FROM a LEFT JOIN LATERAL (SELECT a.x) l ON true",
            "Project(Lateral(Read(a), left, As(Project([a.x]), l), on true), [*])",
        ),
    ]);
}

/// `OUTER` becomes the `_outer` form of the generator.
#[test]
fn lateral_views_are_lateral_joins_with_generators() {
    check(&[
        (
            "SELECT tag FROM t LATERAL VIEW explode(tags) v AS tag WHERE tag > 1",
            "Project(Filter(Lateral(Read(t), inner, As(ToDF(Table(explode tags), tag), v)), (> tag 1)), [tag])",
        ),
        (
            "SELECT * FROM t LATERAL VIEW OUTER posexplode(a) v AS p, x LATERAL VIEW explode(x) w LIMIT 1",
            "Limit(Project(Lateral(Lateral(Read(t), inner, As(ToDF(Table(posexplode_outer a), p,x), v)), inner, As(Table(explode x), w)), [*]), 1)",
        ),
    ]);
}

/// Sets beside each other multiply; ordinals stand for items of the list.
#[test]
fn grouping_is_an_aggregate_of_the_whole_list() {
    check(&[
        (
            "SELECT a, count(*) AS n FROM t GROUP BY a",
            "Aggregate(Read(t), group [a] [a, (count *) as n])@sql",
        ),
        (
            "SELECT a + 1 AS b, count(*) FROM t GROUP BY 1",
            "Aggregate(Read(t), group [(+ a 1)] [(+ a 1) as b, (count *)])@sql",
        ),
        (
            "SELECT a FROM t GROUP BY ALL",
            "Aggregate(Read(t), group [(!group_by_all)] [a])@sql",
        ),
        (
            "SELECT a FROM t GROUP BY ROLLUP (a, b)",
            "Aggregate(Read(t), rollup [a, b] [a])@sql",
        ),
        (
            "SELECT a FROM t GROUP BY a, b WITH CUBE",
            "Aggregate(Read(t), cube [a, b] [a])@sql",
        ),
        (
            "SELECT a FROM t GROUP BY GROUPING SETS ((a, b), a, ())",
            "Aggregate(Read(t), sets [a, b] sets (a, b)(a)() [a])@sql",
        ),
        (
            "SELECT a FROM t GROUP BY a, b GROUPING SETS ((a), (b))",
            "Aggregate(Read(t), sets [a, b] sets (a)(b) [a])@sql",
        ),
        (
            "SELECT a FROM t GROUP BY a, ROLLUP (b, c)",
            "Aggregate(Read(t), sets [a, b, c] sets (a, b, c)(a, b)(a) [a])@sql",
        ),
        (
            "SELECT a FROM t GROUP BY CUBE ((a, b), c)",
            "Aggregate(Read(t), sets [a, b, c] sets (a, b, c)(a, b)(c)() [a])@sql",
        ),
        (
            "SELECT count(*) FROM t HAVING count(*) > 1",
            "Filter(Aggregate(Read(t), group [] [(count *)])@sql, (> (count *) 1))",
        ),
        (
            "SELECT *, a FROM t GROUP BY 2",
            "Aggregate(Read(t), group [2] [*, a])@sql",
        ),
    ]);
}

/// `OFFSET` is applied before `LIMIT`, wherever it stands.
#[test]
fn order_limit_and_offset_come_last() {
    check(&[
        (
            "SELECT a FROM t ORDER BY 1 DESC, b LIMIT 5 OFFSET 3",
            "Limit(Offset(Sort(Project(Read(t), [a]), [1:desc:last, b:asc:first]), 3), 5)",
        ),
        ("SELECT a FROM t LIMIT ALL", "Project(Read(t), [a])"),
        (
            "SELECT a FROM t ORDER BY ALL",
            "Sort(Project(Read(t), [a]), [(!order_by_all):asc:first])",
        ),
        (
            "SELECT a FROM t SORT BY a",
            "SortBy(Project(Read(t), [a]), [a:asc:first])",
        ),
        (
            "SELECT a FROM t DISTRIBUTE BY a SORT BY b DESC",
            "SortBy(Spread(Project(Read(t), [a]), [a]), [b:desc:last])",
        ),
        (
            "SELECT a FROM t CLUSTER BY a",
            "SortBy(Spread(Project(Read(t), [a]), [a]), [a:asc:first])",
        ),
        (
            "SELECT sum(a) OVER w FROM t WINDOW w AS (ORDER BY b) ORDER BY rank() OVER w",
            "Sort(Project(Read(t), [(over (sum a) by order b:asc:first)]), [(over (rank) by order b:asc:first):asc:first])",
        ),
    ]);
}

/// `INTERSECT` binds tighter than `UNION` and `EXCEPT`, which go from left to right.
#[test]
fn set_operations_keep_their_order() {
    let [a, b, c] = ["Project([1])", "Project([2])", "Project([3])"];
    check(&[
        (
            "SELECT 1 UNION ALL SELECT 2 UNION SELECT 3",
            &format!("Union(UnionAll({a}, {b}), {c})"),
        ),
        (
            "SELECT 1 UNION SELECT 2 INTERSECT SELECT 3",
            &format!("Union({a}, Intersect({b}, {c}))"),
        ),
        ("SELECT 1 MINUS SELECT 2", &format!("Except({a}, {b})")),
        (
            "SELECT 1 EXCEPT ALL (SELECT 2 LIMIT 1)",
            &format!("ExceptAll({a}, Limit({b}, 1))"),
        ),
        (
            "SELECT 1 UNION ALL BY NAME SELECT 2 ORDER BY 1",
            &format!("Sort(UnionAllByName({a}, {b}), [1:asc:first])"),
        ),
    ]);
}

/// Each CTE sees those before it; its relation is copied to where it is named.
#[test]
fn ctes_stand_where_they_are_named() {
    check(&[
        (
            "WITH a AS (SELECT 1) SELECT * FROM a",
            "Project(As(Project([1]), a), [*])",
        ),
        (
            "WITH a(x) AS (SELECT 1) SELECT * FROM A b",
            "Project(As(ToDF(Project([1]), x), b), [*])",
        ),
        (
            "WITH a AS (SELECT 1), b AS (SELECT * FROM a) SELECT * FROM b",
            "Project(As(Project(As(Project([1]), a), [*]), b), [*])",
        ),
        (
            "WITH a AS (SELECT 1) SELECT * FROM (WITH a AS (SELECT 2) SELECT * FROM a) x, a",
            "Project(Join(As(Project(As(Project([2]), a), [*]), x), cross, As(Project([1]), a)), [*])",
        ),
        (
            "WITH a AS (SELECT * FROM a) SELECT * FROM a",
            "Project(As(Project(Read(a), [*]), a), [*])",
        ),
        ("WITH a AS (SELECT 1) SELECT * FROM s.a", "Project(Read(s.a), [*])"),
    ]);
}

/// `WithRelations` holds the relations of all subqueries, inner ones first.
#[test]
fn subqueries_of_the_statement_are_referred_to_at_its_top() {
    check(&[
        (
            "SELECT (SELECT max(x) FROM t) FROM p WHERE a IN (SELECT b FROM u WHERE EXISTS (SELECT 1)) ORDER BY 1",
            "With(Sort(Project(Filter(Read(p), (in -2 a)), [(scalar -3)]), [1:asc:first]), \
             Project([1])#-1, Project(Filter(Read(u), (exists -1)), [b])#-2, Project(Read(t), [(max x)])#-3)",
        ),
        (
            "SELECT 1 WHERE (a, b) NOT IN (SELECT 1, 2)",
            "With(Project(Filter(Project([]), (not (in -1 a b))), [1]), Project([1, 2])#-1)",
        ),
    ]);
}

/// The mark says that they came from SQL, where other columns group or stay.
#[test]
fn pivots_and_unpivots_are_marked() {
    check(&[
        (
            "SELECT * FROM t PIVOT (sum(q) AS s FOR k IN ('a', 'b'))",
            "Project(Aggregate(Read(t), pivot [] k in 'a','b' [(sum q) as s])@sql_pivot, [*])",
        ),
        (
            "SELECT * FROM t PIVOT (sum(q) FOR (k, l) IN (('a', 1) AS x, ('b', 2))) p",
            "Project(As(Aggregate(Read(t), pivot [(!pivot_names 'x' null)] (struct k l) in {'a',1},{'b',2} [(sum q)])@sql_pivot, p), [*])",
        ),
        (
            "SELECT * FROM t UNPIVOT INCLUDE NULLS (v FOR n IN (q, p AS r))",
            "Project(Unpivot(Read(t), v for n in [q, p as r])@sql_unpivot, [*])",
        ),
        (
            "SELECT * FROM t UNPIVOT (v FOR n IN (q))",
            "Project(Filter(Unpivot(Read(t), v for n in [q])@sql_unpivot, (isnotnull v)), [*])",
        ),
    ]);
}
