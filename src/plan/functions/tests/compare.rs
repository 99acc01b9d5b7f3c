//! What differs between an answer and the expected one, in one line.

use serde_json::Value;

use super::run::Frame;
use crate::error::SparkError;

/// Doubles are equal within this relative difference.
const RELATIVE: f64 = 1e-9;

/// Returns whether two JSON values are equal: doubles within the tolerance, maps in any order, the rest
/// exactly.
pub fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => match (x.as_i64(), y.as_i64()) {
            (Some(x), Some(y)) => x == y,
            _ => {
                let (x, y) = (x.as_f64().unwrap_or(f64::NAN), y.as_f64().unwrap_or(f64::NAN));
                x == y || (x - y).abs() <= RELATIVE * x.abs().max(y.abs())
            }
        },
        (Value::Array(x), Value::Array(y)) => x.len() == y.len() && x.iter().zip(y).all(|(x, y)| equal(x, y)),
        (Value::Object(x), Value::Object(y)) => {
            if let (Some(Value::Array(x)), Some(Value::Array(y))) = (x.get("map"), y.get("map")) {
                return x.len() == y.len() && unmatched(x, y).is_none();
            }
            x.len() == y.len() && x.iter().all(|(k, v)| y.get(k).is_some_and(|w| equal(v, w)))
        }
        _ => a == b,
    }
}

/// Returns the first expected row without a partner, and the first actual one; `None` if all rows pair
/// up, in any order.
fn unmatched<'a>(expected: &'a [Value], actual: &'a [Value]) -> Option<(Option<&'a Value>, Option<&'a Value>)> {
    let mut left: Vec<&Value> = actual.iter().collect();
    let mut missing = None;
    for row in expected {
        match left.iter().position(|other| equal(row, other)) {
            Some(at) => drop(left.swap_remove(at)),
            None => missing = missing.or(Some(row)),
        }
    }
    (missing.is_some() || !left.is_empty()).then(|| (missing, left.first().copied()))
}

/// Returns a value in at most 300 characters.
fn show(value: Option<&Value>) -> String {
    let text = value.map_or("nothing".into(), Value::to_string);
    text.chars().take(300).collect()
}

/// Returns the expected decimals at the scale of their columns: Spark may collect `0.000000330` from a
/// DECIMAL(20,8).
fn rescaled(row: &Value, schema: &str) -> Value {
    let Value::Array(cells) = row else { return row.clone() };
    let columns = split_columns(schema);
    if columns.len() != cells.len() {
        return row.clone();
    }
    let cells = cells.iter().zip(columns).map(|(cell, column)| {
        let scale = column
            .rsplit_once(" DECIMAL(")
            .and_then(|(_, t)| t.trim_end_matches(')').split(',').nth(1)?.parse::<i8>().ok());
        match (cell, scale) {
            (Value::String(text), Some(scale)) => crate::values::text::parse_decimal(text, scale)
                .map_or_else(|| cell.clone(), |v| crate::values::text::decimal(v, scale).into()),
            _ => cell.clone(),
        }
    });
    Value::Array(cells.collect())
}

/// Splits a schema at the commas between its columns.
fn split_columns(schema: &str) -> Vec<String> {
    let (mut out, mut depth, mut quoted) = (vec![String::new()], 0i32, false);
    for c in schema.chars() {
        match c {
            '`' => quoted = !quoted,
            '<' | '(' if !quoted => depth += 1,
            '>' | ')' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                out.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = out.last_mut() {
            last.push(c);
        }
    }
    out
}

/// Returns why `actual` is not what was expected, in one line; `None` if it is. Schema first, then
/// rows.
pub fn frame(schema: &str, rows: &[Value], ordered: bool, actual: &Result<Frame, SparkError>) -> Option<String> {
    let actual = match actual {
        Ok(frame) => frame,
        Err(error) => return Some(error.to_string()),
    };
    if actual.schema != schema {
        return Some(format!("schema: expected {schema}, got {}", actual.schema));
    }
    let rows: Vec<Value> = rows.iter().map(|r| rescaled(r, schema)).collect();
    if ordered {
        if rows.len() != actual.rows.len() {
            return Some(format!("{} rows instead of {}", actual.rows.len(), rows.len()));
        }
        let at = rows.iter().zip(&actual.rows).position(|(e, a)| !equal(e, a))?;
        return Some(format!(
            "row {at}: expected {}, got {}",
            show(rows.get(at)),
            show(actual.rows.get(at))
        ));
    }
    unmatched(&rows, &actual.rows).map(|(e, a)| format!("expected {}, got {}", show(e), show(a)))
}

/// Returns why an error is not the expected one; `None` if it is. Spark's legacy conditions are not
/// compared.
pub fn error(condition: Option<&str>, sql_state: Option<&str>, actual: &Result<Frame, SparkError>) -> Option<String> {
    let error = match actual {
        Ok(frame) => {
            return Some(format!(
                "expected the error {}, got {} rows {:?}",
                condition.unwrap_or("(any)"),
                frame.rows.len(),
                frame.rows.first()
            ));
        }
        Err(error) => error,
    };
    let condition = condition.filter(|c| !c.starts_with("_LEGACY_ERROR_TEMP_"))?;
    if error.condition.as_deref() != Some(condition) {
        return Some(format!("expected the error {condition}, got {error}"));
    }
    let state = sql_state?;
    (error.sql_state.as_deref() != Some(state)).then(|| format!("expected SQLSTATE {state}, got {error}"))
}
