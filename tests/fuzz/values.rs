//! Values at their edges, as SQL.

use rand::Rng;
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;

const VALUES: &[&str] = &[
    "NULL",
    "0",
    "1",
    "-1",
    "2",
    "3",
    "127",
    "-128Y",
    "32767S",
    "2147483647",
    "-2147483648",
    "9223372036854775807L",
    "-9223372036854775808L",
    "0.0BD",
    "1.5BD",
    "-99999999999999999999999999999999999999",
    "0.00000000000000000000000000000000000001BD",
    "1e308D",
    "-1e-308D",
    "0.5D",
    "double('NaN')",
    "double('Infinity')",
    "-double('Infinity')",
    "float('NaN')",
    "-0.0D",
    "1.5F",
    "true",
    "false",
    "''",
    "'a'",
    "'abc'",
    "' '",
    "'ß'",
    "'\u{1F600}e\u{301}'",
    "'0'",
    "'-1'",
    "'1.5'",
    "'2024-02-29'",
    "'2024-02-29 12:34:56.789'",
    "'{\"a\":[1,{\"b\":null}]}'",
    "'a,b,c'",
    "'%a_'",
    "'(a|b)*c'",
    "'yyyy-MM-dd'",
    "'$[0].a'",
    "'Europe/Berlin'",
    "'+18:00'",
    "'99G999D99'",
    "'aGk='",
    "X''",
    "X'00FF'",
    "X'F09F9880'",
    "DATE'1970-01-01'",
    "DATE'0001-01-01'",
    "DATE'9999-12-31'",
    "DATE'2024-02-29'",
    "date_from_unix_date(2147483647)",
    "date_from_unix_date(-2147483648)",
    "TIMESTAMP'2024-02-29 12:34:56.789'",
    "TIMESTAMP'0001-01-01 00:00:00'",
    "timestamp_micros(9223372036854775807)",
    "timestamp_micros(-9223372036854775808)",
    "TIMESTAMP_NTZ'2024-02-29 12:34:56'",
    "INTERVAL 1 DAY",
    "INTERVAL '-1 00:00:00.000001' DAY TO SECOND",
    "INTERVAL '106751991' DAY",
    "INTERVAL 14 MONTH",
    "INTERVAL '-178956970-7' YEAR TO MONTH",
    "make_interval(1, -2, 3, 4, 5, 6, 7.8)",
    "array()",
    "array(1, NULL, 3)",
    "array('a', NULL)",
    "array(array(1), NULL)",
    "array(1.5BD, 2)",
    "array(named_struct('a', 1))",
    "map()",
    "map('a', 1, 'b', NULL)",
    "map(1, array(2))",
    "named_struct('a', 1, 'b', 'x')",
    "sequence(1, 1000)",
    "repeat('ab', 1000)",
    "CAST(NULL AS INT)",
    "CAST(NULL AS STRING)",
    "CAST(NULL AS ARRAY<INT>)",
    "CAST(NULL AS MAP<STRING, INT>)",
    "CAST(NULL AS STRUCT<a: INT>)",
    "CAST(NULL AS TIMESTAMP)",
    "CAST(NULL AS DECIMAL(38, 38))",
    "CAST(NULL AS INTERVAL DAY)",
];

const COLUMNS: &[&str] = &["i", "l", "d", "s", "b", "dt", "ts", "arr", "m", "st", "dec"];

/// Columns of every kind under the names of [`COLUMNS`], three rows.
pub const TABLE: &str = "(SELECT * FROM VALUES \
    (1, 10L, 1.5D, 'a', true, DATE'2024-02-29', TIMESTAMP'2024-02-29 12:00:00', array(1, NULL), map('k', 1), named_struct('a', 1), 1.50BD), \
    (-2147483648, 9223372036854775807L, double('NaN'), '', false, DATE'0001-01-01', TIMESTAMP'9999-12-31 23:59:59.999999', array(), map(), \
     named_struct('a', NULL), -99.99BD), \
    (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL) AS t(i, l, d, s, b, dt, ts, arr, m, st, dec))";

/// One value.
pub fn value(rng: &mut SmallRng) -> &'static str {
    VALUES.choose(rng).expect("there are values")
}

/// One column of the table.
pub fn column(rng: &mut SmallRng) -> &'static str {
    COLUMNS.choose(rng).expect("there are columns")
}

/// A value, a column, or a call of them.
pub fn expression(rng: &mut SmallRng, depth: usize, with_columns: bool) -> String {
    let leaf = depth == 0 || rng.random_bool(0.35);
    if leaf {
        let wants_column = with_columns && rng.random_bool(0.5);
        return if wants_column { column(rng) } else { value(rng) }.to_owned();
    }
    let mut next = || expression(rng, depth - 1, with_columns);
    let (one, two) = (next(), next());
    match rng.random_range(0..12) {
        0 => format!(
            "({one} {} {two})",
            ["+", "-", "*", "/", "%", "DIV", "||", "&", "<<"]
                .choose(rng)
                .expect("some")
        ),
        1 => format!(
            "({one} {} {two})",
            ["=", "<", "<=>", "!=", ">=", "LIKE", "RLIKE", "AND", "OR"]
                .choose(rng)
                .expect("some")
        ),
        2 => format!("CAST({one} AS {})", types(rng)),
        3 => format!("try_cast({one} AS {})", types(rng)),
        4 => format!("CASE WHEN {one} IS NULL THEN {two} ELSE {one} END"),
        5 => format!("({one} IN ({two}, {}))", value(rng)),
        6 => format!("{one}[{two}]"),
        _ => call(rng, depth, with_columns),
    }
}

fn types(rng: &mut SmallRng) -> &'static str {
    const TYPES: &[&str] = &[
        "INT",
        "TINYINT",
        "BIGINT",
        "FLOAT",
        "DOUBLE",
        "STRING",
        "BINARY",
        "BOOLEAN",
        "DATE",
        "TIMESTAMP",
        "TIMESTAMP_NTZ",
        "DECIMAL(38, 0)",
        "DECIMAL(38, 38)",
        "DECIMAL(3, 1)",
        "INTERVAL DAY TO SECOND",
        "INTERVAL YEAR TO MONTH",
        "INTERVAL",
        "ARRAY<STRING>",
        "ARRAY<INT>",
        "MAP<STRING, STRING>",
        "STRUCT<a: STRING>",
    ];
    TYPES.choose(rng).expect("there are types")
}

/// A call of one of the engine's functions, with about as many arguments as it takes.
pub fn call(rng: &mut SmallRng, depth: usize, with_columns: bool) -> String {
    use rivulet::plan::functions::entry::Presence;
    let all: Vec<_> = rivulet::plan::functions::registry::all().collect();
    let function = all.choose(rng).expect("there are functions");
    let required = function
        .arguments
        .iter()
        .filter(|a| a.presence == Presence::Required)
        .count();
    let most = function.arguments.len() + usize::from(rng.random_bool(0.2));
    let count = rng.random_range(required.min(most)..=most.max(required));
    let args: Vec<String> = (0..count)
        .map(|at| match function.arguments.get(at).map(|a| a.kind) {
            Some(rivulet::plan::functions::entry::Kind::Lambda(_)) => {
                let body = expression(rng, depth.saturating_sub(1).min(1), with_columns);
                let parameters = ["x", "(x, y)", "(x, y, z)"].choose(rng).expect("some");
                format!(
                    "{parameters} -> {}",
                    if rng.random_bool(0.5) { "x".into() } else { body }
                )
            }
            _ => expression(rng, depth.saturating_sub(1), with_columns),
        })
        .collect();
    format!("{}({})", function.name, args.join(", "))
}
