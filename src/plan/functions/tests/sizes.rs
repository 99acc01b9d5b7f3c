//! Statements that ask for more than there is room for, and numbers at their ends: what Spark answers where it has an answer, a
//! limit that is named where the limit is ours, and never a panic.

use std::collections::BTreeMap;

use super::run;
use crate::error::SparkError;

/// Runs a statement.
fn asked(query: &str) -> crate::error::Result<Vec<String>> {
    run::sql(query, &BTreeMap::new(), &run::Tables::default()).map(|frame| frame.lines())
}

/// Returns the error of a statement.
fn refused(query: &str) -> SparkError {
    asked(query).expect_err(query)
}

/// Returns the condition of the error of a statement.
fn condition(query: &str) -> String {
    refused(query).condition.unwrap_or_default()
}

/// Returns a query of an expression over a column `a` of one value, so that nothing is constant.
fn over(value: &str, expression: &str) -> String {
    format!("SELECT {expression} AS x FROM VALUES ({value}) AS t(a)")
}

#[test]
fn a_value_that_is_too_large_is_refused_before_it_is_made() {
    for (value, expression) in [
        ("2147483647", "length(repeat('x', a))"),
        ("2147483647", "length(space(a))"),
        ("2147483647", "length(lpad('x', a, 'yz'))"),
        ("2147483647", "length(rpad('x', a, 'yz'))"),
        ("2147483647", "length(lpad(X'00', a, X'01'))"),
        ("2147483632", "size(array_repeat(1, a))"),
        ("2147483632", "size(array_insert(array(1), a, 2))"),
        ("-2147483630", "size(array_insert(array(1), a, 2))"),
        ("2000000000L", "size(sequence(1L, a))"),
        ("repeat('a', 1000000)", "length(replace(a, 'a', repeat('b', 100000)))"),
        ("repeat('a', 1000000)", "size(array_repeat(a, 1000000))"),
        ("repeat('a', 1000000)", "length(array_join(array_repeat(1, 1000), a))"),
        (
            "1",
            "size(flatten(transform(sequence(1, 9000), x -> sequence(1, 9000))))",
        ),
        ("40", "length(aggregate(sequence(1, a), 'x', (s, x) -> concat(s, s)))"),
        (
            "40",
            "size(aggregate(sequence(1, a), array(1), (s, x) -> concat(s, s)))",
        ),
    ] {
        let found = condition(&over(value, expression));
        assert!(
            found.starts_with("RIVULET_") && found.ends_with("_TOO_LARGE"),
            "{expression}: {found}"
        );
    }
    let micros = "SELECT size(sequence(TIMESTAMP'2020-01-01', TIMESTAMP'2020-02-01', a)) FROM VALUES (INTERVAL '0.000100' SECOND) AS t(a)";
    assert_eq!(condition(micros), "COLLECTION_SIZE_LIMIT_EXCEEDED.PARAMETER");
    assert_eq!(
        condition("SELECT explode(sequence(1, 2000000000))"),
        "RIVULET_VALUE_TOO_LARGE"
    );
}

#[test]
fn a_column_of_a_batch_that_is_too_large_is_refused() {
    let found =
        refused("SELECT max(size(array_repeat(repeat('x', 1000000), CAST(200 + id AS INT)))) FROM range(0, 9, 1, 1)");
    assert_eq!(found.condition.as_deref(), Some("RIVULET_BATCH_TOO_LARGE"), "{found}");
    assert!(
        found.message.contains("`array_repeat`") && found.message.contains("1073741824"),
        "{found}"
    );
}

#[test]
fn arrays_over_sparks_limit_are_sparks_errors() {
    let parameter = "COLLECTION_SIZE_LIMIT_EXCEEDED.PARAMETER";
    let function = "COLLECTION_SIZE_LIMIT_EXCEEDED.FUNCTION";
    assert_eq!(condition(&over("2147483647", "array_repeat(1, a)")), parameter);
    assert_eq!(condition(&over("3000000000L", "sequence(1L, a)")), parameter);
    assert_eq!(condition(&over("2147483647", "array_insert(array(1), a, 2)")), function);
    let error = refused(&over("-2147483647", "array_insert(array(1), a, 2)"));
    assert_eq!(
        error.message,
        "Can't create array with 2147483647 elements which exceeding the array size limit 2147483632, unsuccessful try to create arrays \
         in the function `array_insert`."
    );
}

#[test]
fn a_distance_that_takes_too_long_is_refused() {
    let query = over("repeat('a', 100000)", "levenshtein(a, repeat('b', 100000))");
    assert_eq!(condition(&query), "RIVULET_TOO_MANY_STEPS");
}

#[test]
fn what_fits_is_made() {
    for (value, expression, answer) in [
        (
            "5",
            "concat_ws('|', lpad('x', a, 'yz'), rpad('x', a, 'yz'), space(0), repeat('ab', 2))",
            "yzyzx|xyzyz||abab",
        ),
        ("3", "array_join(array_repeat('a', a), '-')", "a-a-a"),
        ("'abcba'", "translate(a, 'abca', 'xy')", "xyyx"),
        ("'aXbX'", "replace(a, 'X', '---')", "a---b---"),
        ("-4", "array_join(array_insert(array(1), a, 2), ',', 'n')", "2,n,n,1"),
        (
            "2",
            "size(sequence(DATE'2024-01-31', DATE'2024-03-31', INTERVAL 1 MONTH))",
            "3",
        ),
        ("1000000", "size(sequence(1, a))", "1000000"),
    ] {
        assert_eq!(
            asked(&over(value, expression)).expect(expression),
            [answer],
            "{expression}"
        );
    }
}

#[test]
fn too_many_partitions_and_windows_are_refused_when_planned() {
    let query = "SELECT count(*) FROM range(0, 10, 1, 2147483647)";
    assert_eq!(condition(query), "RIVULET_TOO_MANY_PARTITIONS");
    for window in [
        "window(b, '1 day', '1 microsecond')",
        "window(b, '106751991 days', '1 day')",
    ] {
        let query = format!("SELECT count(*) FROM VALUES (TIMESTAMP'2024-01-01') AS t(b) GROUP BY {window}");
        assert_eq!(condition(&query), "RIVULET_TOO_MANY_WINDOWS", "{window}");
    }
}

#[test]
fn calendar_intervals_are_multiplied_and_divided() {
    let day = "make_interval(0, 0, 0, 1, 0, 0, 0)";
    let long = "make_interval(1, 3, 0, 1, 5, 6, 7.5)";
    for (value, expression, answer) in [
        (day, "a / 3", "2024-01-01 08:00:00"),
        (day, "a * 2", "2024-01-03 00:00:00"),
        (day, "2 * a", "2024-01-03 00:00:00"),
        (day, "try_divide(a, 2)", "2024-01-01 12:00:00"),
        (day, "try_multiply(a, 2)", "2024-01-03 00:00:00"),
        (day, "try_divide(a, 0)", "null"),
        (long, "try_multiply(a, 1e300)", "null"),
        // 5 months, 9 hours, 42 minutes, 2.5 seconds; then 37 months, 2 days and 24:45:18.75.
        (long, "a / 3", "2024-06-01 09:42:02.5"),
        (long, "a * 2.5", "2027-02-04 00:45:18.75"),
    ] {
        let text = format!("coalesce(CAST(TIMESTAMP'2024-01-01' + {expression} AS STRING), 'null')");
        assert_eq!(asked(&over(value, &text)).expect(expression), [answer], "{expression}");
    }
    assert_eq!(
        condition(&over(day, "TIMESTAMP'2024-01-01' + a / 0")),
        "INTERVAL_DIVIDED_BY_ZERO"
    );
    assert_eq!(
        condition(&over(long, "TIMESTAMP'2024-01-01' + a * 1e300")),
        "ARITHMETIC_OVERFLOW"
    );
}

#[test]
fn map_concat_takes_only_maps() {
    for call in [
        "map_concat(a)",
        "map_concat(map(1, 2), a)",
        "map_concat(NULL)",
        "map_concat(map(1, 2), NULL)",
    ] {
        assert_eq!(
            condition(&over("1", call)),
            "DATATYPE_MISMATCH.MAP_CONCAT_DIFF_TYPES",
            "{call}"
        );
    }
}

#[test]
fn exponents_of_decimals_are_read_as_far_as_java_reads_them() {
    let cast = "CAST(CAST(a AS DECIMAL(38,10)) AS STRING)";
    for text in ["'1e-2147483648'", "'1.5e-2147483647'", "'1e-3000000000'"] {
        assert_eq!(condition(&over(text, cast)), "CAST_INVALID_INPUT", "{text}");
    }
    for text in ["'1e-2147483647'", "'0e2147483647'"] {
        assert_eq!(asked(&over(text, cast)).expect(text), ["0.0000000000"], "{text}");
    }
    let long = asked(&over("concat('0.', repeat('3', 100000))", cast));
    assert_eq!(long.expect("a long fraction"), ["0.3333333333"]);
}

#[test]
fn formats_are_as_long_as_they_like() {
    for (picture, length) in [
        ("9".repeat(100_000), "100000"),
        (format!("9.{}", "9".repeat(200)), "202"),
    ] {
        let query = over("1", &format!("length(to_char(a, '{picture}'))"));
        assert_eq!(asked(&query).expect("to_char"), [length]);
    }
    assert_eq!(
        condition(&over("'1'", &format!("to_number(a, '{}')", "9".repeat(39)))),
        "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION"
    );
    assert!(asked(&over("1", "format_string('%2147483647d', a)")).is_err());
    assert!(asked(&over("1.5D", "format_number(a, concat('#.', repeat('0', 100000)))")).is_ok());
}

#[test]
fn frames_whose_ends_are_reversed_are_refused_and_empty_ones_hold_nothing() {
    for frame in [
        "ROWS BETWEEN 1 FOLLOWING AND 1 PRECEDING",
        "ROWS BETWEEN 2 FOLLOWING AND 1 FOLLOWING",
        "ROWS BETWEEN 1 PRECEDING AND 2 PRECEDING",
        "RANGE BETWEEN 1 FOLLOWING AND 1 PRECEDING",
    ] {
        for function in ["sum(a)", "first_value(a)", "nth_value(a, 1)"] {
            let query = format!("SELECT {function} OVER (ORDER BY a {frame}) FROM VALUES (1), (2) AS t(a)");
            let found = condition(&query);
            assert_eq!(
                found, "DATATYPE_MISMATCH.SPECIFIED_WINDOW_FRAME_WRONG_COMPARISON",
                "{query}"
            );
        }
    }
    for frame in [
        "ROWS BETWEEN CURRENT ROW AND 1 PRECEDING",
        "ROWS BETWEEN 1 FOLLOWING AND CURRENT ROW",
        "RANGE BETWEEN 1 FOLLOWING AND CURRENT ROW",
    ] {
        let query = format!(
            "SELECT sum(a) OVER w AS s, first_value(a) OVER w AS f, count(a) OVER w AS c FROM VALUES (1), (2) AS t(a) \
             WINDOW w AS (ORDER BY a {frame})"
        );
        assert_eq!(asked(&query).expect(&query), ["null null 0", "null null 0"], "{query}");
    }
    let query = "SELECT sum(a) OVER (ORDER BY a ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING) AS s FROM VALUES (1), (2), (3) AS t(a)";
    assert_eq!(asked(query).expect(query), ["null", "1", "3"]);
}

#[test]
fn sessions_without_a_gap_are_none_also_without_grouping() {
    for gap in ["'Wed'", "'0 seconds'", "'-5 seconds'"] {
        let query = format!("SELECT session_window(t, {gap}) FROM VALUES (TIMESTAMP'2024-01-01') AS v(t)");
        assert_eq!(asked(&query).expect(&query), Vec::<String>::new(), "{query}");
    }
    let query = "SELECT session_window(t, '5 seconds') FROM VALUES (TIMESTAMP'2024-01-01') AS v(t)";
    assert_eq!(
        asked(query).expect(query),
        [r#"{"start":"2024-01-01T00:00:00.000000","end":"2024-01-01T00:00:05.000000"}"#]
    );
}

#[test]
fn the_last_days_and_digits_do_not_wrap_unless_sparks_do() {
    for (days, to) in [
        ("2147483647", "TIMESTAMP"),
        ("-2147483648", "TIMESTAMP"),
        ("2147483647", "TIMESTAMP_NTZ"),
    ] {
        let error = refused(&over(days, &format!("CAST(date_from_unix_date(a) AS {to})")));
        assert_eq!(
            (error.condition, error.message.as_str()),
            (None, "long overflow"),
            "{days} {to}"
        );
    }
    for (days, answer) in [
        ("2147483647", "-2147483646"),
        ("2147483640", "2147483643"),
        ("-2147483648", "-2147483646"),
    ] {
        let query = over(days, "unix_date(next_day(date_from_unix_date(a), 'MO'))");
        assert_eq!(asked(&query).expect(&query), [answer]);
    }
    let query = over("CAST(NULL AS INT)", "ceil(a, -2147483647) IS NULL");
    assert_eq!(asked(&query).expect(&query), ["true"]);
}

#[test]
fn bodies_of_lambdas_may_choose() {
    let query = "SELECT array_join(transform(array(1, NULL), x -> coalesce(x, 0)), ',') AS x";
    assert_eq!(asked(query).expect(query), ["1,0"]);
}
