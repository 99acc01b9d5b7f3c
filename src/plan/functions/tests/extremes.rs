//! `min` and `max` of structs and arrays, with the answers of Spark 4.3.

use std::collections::BTreeMap;

use super::run;

const ROWS: &str = "(VALUES (1, 2, 'b', 1.5D), (1, 2, 'a', double('NaN')), (1, NULL, 'z', 0D), (2, NULL, NULL, NULL), \
                    (2, -1, NULL, double('-Infinity')), (3, 5, 'x', -0D), (3, 5, 'x', 0D), (4, NULL, NULL, NULL)) AS t(g, a, b, c)";

/// Returns the rows of a query over the rows, cells as text with blanks between.
fn rows(columns: &str, rest: &str) -> Vec<String> {
    let names: Vec<String> = (0..columns.split(';').count()).map(|i| format!("c{i}")).collect();
    let named: Vec<String> = columns
        .split(';')
        .zip(&names)
        .map(|(c, n)| format!("{c} AS {n}"))
        .collect();
    let texts: Vec<String> = names
        .iter()
        .map(|n| format!("coalesce(CAST({n} AS STRING), 'NULL')"))
        .collect();
    let query = format!(
        "SELECT {} FROM (SELECT {} FROM {ROWS} {rest})",
        texts.join(", "),
        named.join(", ")
    );
    let frame = run::sql(&query, &BTreeMap::new(), &run::Tables::default()).expect(&query);
    frame.lines()
}

#[test]
fn structs_compare_field_by_field_nulls_first_nan_last_and_zeros_alike() {
    let by_group = "GROUP BY g ORDER BY g";
    assert_eq!(
        rows("g; max(struct(a, b)); min(struct(a, b))", by_group),
        [
            "1 {2, b} {null, z}",
            "2 {-1, null} {null, null}",
            "3 {5, x} {5, x}",
            "4 {null, null} {null, null}"
        ]
    );
    assert_eq!(
        rows("g; max(struct(a, c)); min(struct(c, a))", by_group),
        [
            "1 {2, NaN} {0.0, null}",
            "2 {-1, -Infinity} {null, null}",
            "3 {5, -0.0} {-0.0, 5}",
            "4 {null, null} {null, null}"
        ]
    );
    assert_eq!(
        rows(
            "g; max(IF(a IS NULL, NULL, struct(a, b))); max(struct(a, struct(c, b)))",
            by_group
        ),
        [
            "1 {2, b} {2, {NaN, a}}",
            "2 {-1, null} {-1, {-Infinity, null}}",
            "3 {5, x} {5, {-0.0, x}}",
            "4 NULL {null, {null, null}}"
        ]
    );
}

#[test]
fn arrays_filters_and_windows_that_slide_have_extremes_too() {
    assert_eq!(
        rows("max(array(a, length(b))); min(array(a)); max(array())", ""),
        ["[5, 1] [null] []"]
    );
    assert_eq!(
        rows(
            "max(struct(a, b)) FILTER (WHERE a < 0); min(struct(a, b)) FILTER (WHERE a > 100)",
            ""
        ),
        ["{-1, null} NULL"]
    );
    assert_eq!(rows("max(struct(a, array(b, 'q')))", ""), ["{5, [x, q]}"]);
    assert_eq!(
        rows(
            "g; max(struct(a, b)) OVER (ORDER BY g, b ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)",
            "ORDER BY g, b"
        ),
        [
            "1 {2, a}",
            "1 {2, b}",
            "1 {2, b}",
            "2 {null, z}",
            "2 {-1, null}",
            "3 {5, x}",
            "3 {5, x}",
            "4 {5, x}"
        ]
    );
}
