//! Values as the goldens write them (`goldens/sql/FORMAT.md`).

use arrow::array::*;
use arrow::datatypes::*;
use serde_json::{Map, Value, json};

use crate::values::text;

/// Greatest integer that JSON readers keep exactly.
const EXACT: i64 = 1 << 53;

/// Returns the value of a row as the goldens write it; integers beyond what JSON keeps exactly are
/// strings.
pub fn cell(array: &ArrayRef, row: usize) -> Value {
    if array.is_null(row) || array.data_type().is_null() {
        return Value::Null;
    }
    match array.data_type() {
        DataType::Boolean => array.as_boolean().value(row).into(),
        DataType::Int8 => array.as_primitive::<Int8Type>().value(row).into(),
        DataType::Int16 => array.as_primitive::<Int16Type>().value(row).into(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).into(),
        DataType::Int64 => match array.as_primitive::<Int64Type>().value(row) {
            v if -EXACT < v && v < EXACT => v.into(),
            v => v.to_string().into(),
        },
        DataType::Float32 => double(f64::from(array.as_primitive::<Float32Type>().value(row))),
        DataType::Float64 => double(array.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal128(_, s) => text::decimal(array.as_primitive::<Decimal128Type>().value(row), *s).into(),
        DataType::Date32 => text::date(array.as_primitive::<Date32Type>().value(row)).into(),
        DataType::Timestamp(..) => {
            let us = array.as_primitive::<TimestampMicrosecondType>().value(row);
            let seconds = text::timestamp(us.div_euclid(1_000_000) * 1_000_000).replace(' ', "T");
            format!("{seconds}.{:06}", us.rem_euclid(1_000_000)).into()
        }
        DataType::Duration(_) => json!({ "microseconds": array.as_primitive::<DurationMicrosecondType>().value(row) }),
        DataType::Interval(IntervalUnit::YearMonth) => {
            json!({ "months": array.as_primitive::<IntervalYearMonthType>().value(row) })
        }
        DataType::Binary => {
            let hex: String = array
                .as_binary::<i32>()
                .value(row)
                .iter()
                .map(|b| format!("{b:02x}"))
                .collect();
            json!({ "hex": hex })
        }
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            Value::Array((0..items.len()).map(|i| cell(&items, i)).collect())
        }
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns();
            Value::Object(
                fields
                    .iter()
                    .zip(columns)
                    .map(|(f, c)| (f.name().clone(), cell(c, row)))
                    .collect::<Map<_, _>>(),
            )
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            let pairs: Vec<Value> = (0..entries.len())
                .map(|i| Value::Array(entries.columns().iter().map(|c| cell(c, i)).collect()))
                .collect();
            json!({ "map": pairs })
        }
        DataType::Utf8 => array.as_string::<i32>().value(row).into(),
        other => format!("a value of the type {other}").into(),
    }
}

/// Returns a double, or the word for one that JSON does not have.
fn double(v: f64) -> Value {
    if v.is_nan() {
        return "NaN".into();
    }
    if v.is_infinite() {
        return if v > 0.0 { "Infinity".into() } else { "-Infinity".into() };
    }
    v.into()
}
