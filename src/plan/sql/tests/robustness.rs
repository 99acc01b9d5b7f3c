use super::super::{
    parse_data_type, parse_expression, parse_expression_with_relations, parse_identifier, parse_schema, parse_statement,
};

const TEXTS: [&str; 22] = [
    "SELECT a, count(*) FILTER (WHERE b > 1.5D) AS n FROM t GROUP BY ROLLUP (a, b) HAVING n > 1 ORDER BY 1 DESC LIMIT 5 OFFSET 3",
    "WITH a(x) AS (SELECT 1), b AS (SELECT * FROM a) SELECT * EXCEPT (x) FROM a CROSS JOIN b WHERE EXISTS (SELECT 1)",
    "SELECT * FROM t LATERAL VIEW OUTER explode(tags) v AS p, tag LATERAL VIEW explode(x) w WHERE tag RLIKE '^\\\\w'",
    "SELECT sum(a) OVER (PARTITION BY b ORDER BY c ROWS BETWEEN 1 PRECEDING AND UNBOUNDED FOLLOWING), lag(a) IGNORE NULLS OVER w FROM t WINDOW w AS (ORDER BY b)",
    "SELECT * FROM (SELECT oid, qty FROM orders) UNPIVOT INCLUDE NULLS (v FOR n IN (qty, pid))",
    "SELECT * FROM t PIVOT (sum(q) FOR (k, l) IN (('a', 1) AS x, ('b', 2)))",
    "SELECT * FROM VALUES 1, (2), -3 AS t(n) UNION ALL BY NAME TABLE u MINUS (SELECT 2)",
    "SELECT INTERVAL '1 02:03:04' DAY TO SECOND, INTERVAL -1 YEAR 2 MONTHS, DATE'2024-03-01', TIMESTAMP '2024', X'1F'",
    "SELECT CASE a WHEN 1 THEN 'x' ELSE r'\\y' END, CAST(a AS ARRAY<STRUCT<x: INT, `y z`: MAP<STRING, DECIMAL(10,2)>>>), a::int",
    "SELECT transform(a, (x, i) -> x + i), a[0].b['k'], t.*, `a``b`.c, trim(BOTH 'x' FROM y), position('a' IN b) FROM s.t x(a, b)",
    "SELECT a NOT BETWEEN 1 AND 2 OR b NOT LIKE ALL ('x', 'y') AND NOT c IS DISTINCT FROM d OR e NOT IN (SELECT 1)",
    "CREATE OR REPLACE TEMPORARY VIEW v (a, b COMMENT 'x') AS SELECT 1 -- done",
    "EXPLAIN EXTENDED SELECT /* c */ 1",
    "SET spark.sql.session.timeZone = UTC",
    "a INT NOT NULL, `b c` ARRAY<STRING> COMMENT 'it\\'s', d STRUCT<x: DATE, y: TIMESTAMP_NTZ>, e MAP<STRING, INTERVAL DAY TO SECOND>",
    "struct<a:int,b:decimal(10,2),c:varchar(3)>",
    "interval year to month",
    "a.`b.c`.d",
    "from_json(j, 'a INT') AS v",
    "listagg(name, ', ') WITHIN GROUP (ORDER BY pid DESC NULLS LAST)",
    "1e0 + .5 - 1.5BD * 10L / 3S % 2Y div 7 & 5 | 3 ^ 2 << 1 || '\\u00e9\\101\\%'",
    "é😀 + 'é😀' \u{0} `",
];

const PIECES: [&str; 40] = [
    "(",
    ")",
    "'",
    "\"",
    "`",
    "\\",
    ",",
    ".",
    "*",
    "<",
    ">",
    "->",
    "::",
    "[",
    "]",
    "{",
    "}",
    ";",
    "-",
    "--",
    "/*",
    "*/",
    "$",
    "?",
    "SELECT ",
    " FROM ",
    " VALUES ",
    " LATERAL VIEW ",
    " INTERVAL ",
    " AS ",
    " OVER ",
    " IN ",
    " NOT ",
    " CASE ",
    " WITH ",
    " 1",
    " 1e",
    "é",
    "\u{0}",
    "9999999999999999999999999999999999999999",
];

/// Feeds a text to every entry point; what comes out does not matter, that it comes out does.
fn everything(text: &str) {
    let shown = [
        parse_statement(text)
            .err()
            .map(|e| (e.to_string(), e.condition(), e.sql_state(), e.message_parameters())),
        parse_expression(text)
            .err()
            .map(|e| (e.to_string(), e.condition(), e.sql_state(), e.message_parameters())),
    ];
    assert!(
        shown
            .iter()
            .flatten()
            .all(|(message, condition, ..)| !message.is_empty() && !condition.is_empty()),
        "{text}"
    );
    drop(parse_expression_with_relations(text));
    drop(parse_data_type(text));
    drop(parse_schema(text));
    drop(parse_identifier(text));
}

/// Numbers that look random, the same in every run.
struct Lehmer(u64);

impl Lehmer {
    /// Returns a number below `end`.
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end.max(1)
    }
}

/// Every beginning of every text: what an editor sends while someone types.
#[test]
fn truncated_texts_never_panic() {
    for text in TEXTS {
        for (end, _) in text.char_indices() {
            everything(&text[..end]);
        }
    }
}

/// 4,000 mixtures of statements and pieces, the same in every run.
#[test]
fn mutated_texts_never_panic() {
    let mut random = Lehmer(7);
    for _ in 0..4000 {
        let mut chars: Vec<char> = TEXTS[random.below(TEXTS.len())].chars().collect();
        for _ in 0..=random.below(4) {
            let at = random.below(chars.len() + 1);
            match random.below(4) {
                0 => drop(chars.drain(at..(at + random.below(6)).min(chars.len()))),
                1 => {
                    let other: Vec<char> = TEXTS[random.below(TEXTS.len())].chars().collect();
                    let from = random.below(other.len());
                    let to = (from + random.below(20)).min(other.len());
                    chars.splice(at..at, other[from..to].iter().copied());
                }
                _ => drop(chars.splice(at..at, PIECES[random.below(PIECES.len())].chars())),
            }
        }
        everything(&chars.into_iter().collect::<String>());
    }
}

/// Each thing that nests, up to 1,000 deep, alone and in statements.
#[test]
fn deep_nesting_is_refused_or_read_but_never_overflows() {
    let around = [
        ("(", "1", ")"),
        ("f(", "1", ")"),
        ("- ", "1", ""),
        ("NOT ", "a", ""),
        ("~", "a", ""),
        ("a[", "1", "]"),
        ("CASE WHEN ", "a", " THEN 1 END"),
        ("CASE ", "a", " WHEN 1 THEN 2 END"),
        ("CAST(", "a", " AS INT)"),
        ("x -> ", "a", ""),
        ("(x, y) -> ", "a", ""),
        ("(SELECT ", "1", ")"),
        ("EXISTS (SELECT ", "1", ")"),
        ("1 + (SELECT a FROM ((SELECT ", "1", ")))"),
        ("a IN (", "1", ")"),
        ("f(a => ", "1", ")"),
        ("trim(", "a", ")"),
        ("array<", "int", ">"),
        ("struct<a:", "int", ">"),
        ("a LIKE ANY (", "'x'", ")"),
    ];
    for (open, middle, close) in around {
        for depth in [10, 24, 49, 200, 1000] {
            let text = format!("{}{middle}{}", open.repeat(depth), close.repeat(depth));
            everything(&text);
            everything(&format!("SELECT {text}"));
            everything(&format!("SELECT * FROM {text}"));
            everything(&open.repeat(depth));
            everything(&format!("SELECT * FROM {}", open.repeat(depth)));
        }
    }
}

/// Each operator that chains, up to 1,000 long: such chains nest on the left.
#[test]
fn long_chains_are_refused_or_read_but_never_overflow() {
    let links = [
        " + 1",
        " AND a",
        " || 'x'",
        " IS NULL",
        "::int",
        "[0]",
        ".b",
        " LIKE 'x'",
        " NOT LIKE ANY ('x', 'y')",
        " IN (1)",
        " IN (SELECT 1)",
        " BETWEEN 1 AND 2",
        " div 2",
        " UNION SELECT 1",
        " COLLATE x",
        ", 1",
        " 'x'",
        " IS DISTINCT FROM b",
    ];
    for link in links {
        for length in [10, 150, 390, 1000] {
            let text = format!("a{}", link.repeat(length));
            everything(&text);
            everything(&format!("SELECT {text}"));
        }
    }
    for link in [
        " JOIN t ON true",
        ", t",
        " LATERAL VIEW explode(a) t AS a",
        " PIVOT (sum(a) FOR b IN (1))",
    ] {
        for length in [10, 150, 390, 1000] {
            everything(&format!("SELECT * FROM t{}", link.repeat(length)));
        }
    }
}

/// CTEs that name each other twice would double at every step, cubes beside each other multiply.
#[test]
fn repetition_cannot_grow_without_bound() {
    let doubling: String = (1..60)
        .map(|i| format!(", c{i} AS (SELECT * FROM c{0} JOIN c{0})", i - 1))
        .collect();
    assert_eq!(
        parse_statement(&format!("WITH c0 AS (SELECT 1){doubling} SELECT * FROM c59"))
            .unwrap_err()
            .condition(),
        "FAILED_TO_PARSE_TOO_COMPLEX"
    );
    let chain: String = (1..300)
        .map(|i| format!(", c{i} AS (SELECT * FROM c{})", i - 1))
        .collect();
    assert!(parse_statement(&format!("WITH c0 AS (SELECT 1){chain} SELECT * FROM c299")).is_err());
    assert!(
        parse_statement(&format!(
            "SELECT 1 FROM t GROUP BY {}",
            ["CUBE (a, b, c, d)"; 9].join(", ")
        ))
        .is_err()
    );
}

/// The limits are far above what people write.
#[test]
fn ordinary_depth_is_read() {
    let nested = format!("{}1{}", "abs(".repeat(35), ")".repeat(35));
    assert!(parse_expression(&nested).is_ok());
    let chain = vec!["a = 1"; 150].join(" OR ");
    assert!(parse_statement(&format!("SELECT * FROM t WHERE {chain}")).is_ok());
    let union = vec!["SELECT 1"; 200].join(" UNION ALL ");
    assert!(parse_statement(&union).is_ok());
    let list = vec!["1"; 20_000].join(", ");
    assert!(parse_statement(&format!("SELECT * FROM t WHERE a IN ({list})")).is_ok());
}
