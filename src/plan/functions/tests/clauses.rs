//! Clauses that travel as marked calls, and functions that have their names. The answers are Spark's.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::run::{self, Tables};

/// Returns schema and rows of a query without tables, or the text of its error.
fn rows(query: &str) -> Result<(String, Vec<Value>), String> {
    let frame = run::sql(query, &BTreeMap::new(), &Tables::default());
    let frame = frame.map_err(|e| e.condition.unwrap_or_default())?;
    Ok((frame.schema, frame.rows))
}

/// Marked calls inside a plan that runs.
#[test]
fn order_by_all_sorts_by_every_column_and_pivots_take_the_names_of_their_values() {
    let table = "VALUES (2,'b'),(1,'c'),(1,'a') AS t(n,s)";
    let ascending = rows(&format!("SELECT * FROM {table} ORDER BY ALL")).unwrap();
    assert_eq!(ascending.1, [json!([1, "a"]), json!([1, "c"]), json!([2, "b"])]);
    let descending = rows(&format!("SELECT * FROM {table} ORDER BY ALL DESC")).unwrap();
    assert_eq!(descending.1, [json!([2, "b"]), json!([1, "c"]), json!([1, "a"])]);
    let table = "(SELECT * FROM VALUES (1,'x',10),(1,'y',5) AS t(g,k,v))";
    let one = rows(&format!(
        "SELECT * FROM {table} PIVOT (sum(v) FOR k IN ('x' AS ex, 'y'))"
    ))
    .unwrap();
    assert_eq!(one, ("g INT, ex BIGINT, y BIGINT".to_owned(), vec![json!([1, 10, 5])]));
    let two = "PIVOT (sum(v) AS s, count(v) AS n FOR k IN ('x' AS ex, 'y'))";
    let two = rows(&format!("SELECT * FROM {table} {two}")).unwrap();
    let schema = "g INT, ex_s BIGINT, ex_n BIGINT, y_s BIGINT, y_n BIGINT".to_owned();
    assert_eq!(two, (schema, vec![json!([1, 10, 1, 5, 1])]));
}

/// A call by name lacks the mark, so that it is an unknown function.
#[test]
fn a_function_that_has_the_name_of_a_clause_is_not_taken_for_it() {
    for query in [
        "SELECT tuple(1, 2)",
        "SELECT `natural`(1)",
        "SELECT agg_filter(1, true)",
        "SELECT within_group(1)",
        "SELECT ignore_nulls(1)",
        "SELECT parameter('a')",
        "SELECT star_except(1)",
        "SELECT pivot_names('a')",
        "SELECT 1 GROUP BY group_by_all()",
        "SELECT 1 ORDER BY order_by_all()",
        "SELECT __tuple(1, 2)",
        "SELECT 1 GROUP BY __group_by_all()",
    ] {
        assert_eq!(rows(query), Err("UNRESOLVED_ROUTINE".to_owned()), "{query}");
    }
}
