//! The types that JSON values have (`JsonInferSchema`).
//!
//! Numbers without fraction are BIGINT, or decimals if they are too long; others are DOUBLE. Fields are
//! sorted by name.
//!
//! ```text
//! [1, 2.5]               ARRAY<DOUBLE>
//! [{"b": 1}, {"a": 2}]   ARRAY<STRUCT<a: BIGINT, b: BIGINT>>
//! [1, "x"]               ARRAY<STRING>
//! null                   STRING
//! ```

use std::collections::BTreeMap;

use arrow::datatypes::*;

use crate::plan::functions::json::text::Json;
use crate::values::types::list_of;

/// Returns the type that a value has; void for null, which [`settled`] replaces.
pub fn shape(json: &Json) -> DataType {
    match json {
        Json::Null => DataType::Null,
        Json::Bool(_) => DataType::Boolean,
        Json::Text(_) => DataType::Utf8,
        Json::Number(raw) if raw.contains(['.', 'e', 'E', 'N', 'I']) => DataType::Float64,
        Json::Number(raw) if raw.parse::<i64>().is_ok() => DataType::Int64,
        Json::Number(raw) => match raw.trim_start_matches('-').len() {
            digits @ ..=38 => DataType::Decimal128(digits as u8, 0),
            _ => DataType::Float64,
        },
        Json::Array(items) => {
            let element = items
                .iter()
                .map(shape)
                .reduce(|a, b| merged(&a, &b))
                .unwrap_or(DataType::Null);
            list_of(element)
        }
        Json::Object(fields) => {
            let mut known: Vec<(String, DataType)> = Vec::new();
            for (name, value) in fields {
                match known.iter_mut().find(|(n, _)| n == name) {
                    Some((_, t)) => *t = merged(t, &shape(value)),
                    None => known.push((name.clone(), shape(value))),
                }
            }
            known.sort_by(|a, b| a.0.cmp(&b.0));
            DataType::Struct(known.into_iter().map(|(n, t)| Field::new(n, t, true)).collect())
        }
    }
}

/// Returns the type that holds the values of both; STRING if nothing else does.
fn merged(a: &DataType, b: &DataType) -> DataType {
    match (a, b) {
        (DataType::Struct(x), DataType::Struct(y)) => {
            let mut all: BTreeMap<&str, DataType> =
                x.iter().map(|f| (f.name().as_str(), f.data_type().clone())).collect();
            for field in y {
                let known = all.get(field.name().as_str()).map(|t| merged(t, field.data_type()));
                all.insert(field.name(), known.unwrap_or_else(|| field.data_type().clone()));
            }
            DataType::Struct(all.into_iter().map(|(n, t)| Field::new(n, t, true)).collect())
        }
        (DataType::List(x), DataType::List(y)) => list_of(merged(x.data_type(), y.data_type())),
        _ => crate::plan::coercion::widen(a, b).unwrap_or(DataType::Utf8),
    }
}

/// Replaces void by STRING, at any depth.
pub fn settled(found: &DataType) -> DataType {
    match found {
        DataType::Null => DataType::Utf8,
        DataType::List(item) => list_of(settled(item.data_type())),
        DataType::Struct(fields) => DataType::Struct(
            fields
                .iter()
                .map(|f| Field::new(f.name(), settled(f.data_type()), true))
                .collect(),
        ),
        other => other.clone(),
    }
}
