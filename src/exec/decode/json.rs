//! Values of JSON records.
//!
//! Two readers: Arrow's, fast and strict, for blocks whose every record fits ([`read_json`]), and a lenient one for
//! single records ([`json_scalar`]).

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::*;
use datafusion_common::ScalarValue;
use serde_json::Value;

use super::conform::relabelled;
use super::*;
use crate::values::zone::Zone;
use crate::values::{text, types};

/// Reads a block of JSON objects by Arrow's reader.
///
/// # Errors
/// If any record does not fit; which one is not said.
pub(super) fn read_json(bytes: &[u8], schema: &SchemaRef) -> std::result::Result<Vec<RecordBatch>, ()> {
    let mut decoder = arrow::json::ReaderBuilder::new(fixed_offset(schema))
        .with_batch_size(BATCH_ROWS)
        .with_coerce_primitive(true)
        .build_decoder()
        .map_err(drop)?;
    let mut rest = bytes;
    let mut out = Vec::new();
    loop {
        let read = decoder.decode(rest).map_err(drop)?;
        rest = &rest[read..];
        match decoder.flush().map_err(drop)? {
            Some(batch) => out.push(relabelled(&batch, schema).map_err(drop)?),
            None if rest.is_empty() => return Ok(out),
            None if read == 0 => return Err(()),
            None => {}
        }
    }
}

/// Reads a JSON value as a scalar of a type; `None` if it does not fit.
///
/// A null is a null of the type, a missing field of a struct too. Strings take any value as its JSON. A number as a
/// timestamp is in seconds. Times without a zone are of `zone`. Numbers that exceed the type do not fit.
pub fn json_scalar(value: &Value, to: &DataType, zone: Zone) -> Option<ScalarValue> {
    if value.is_null() {
        return ScalarValue::try_from(to).ok();
    }
    Some(match (to, value) {
        (DataType::Utf8, Value::String(s)) => ScalarValue::Utf8(Some(s.clone())),
        (DataType::Utf8, other) => ScalarValue::Utf8(Some(other.to_string())),
        (DataType::Boolean, Value::Bool(b)) => ScalarValue::Boolean(Some(*b)),
        (DataType::Int8, Value::Number(n)) => ScalarValue::Int8(Some(i8::try_from(n.as_i64()?).ok()?)),
        (DataType::Int16, Value::Number(n)) => ScalarValue::Int16(Some(i16::try_from(n.as_i64()?).ok()?)),
        (DataType::Int32, Value::Number(n)) => ScalarValue::Int32(Some(i32::try_from(n.as_i64()?).ok()?)),
        (DataType::Int64, Value::Number(n)) => ScalarValue::Int64(Some(n.as_i64()?)),
        (DataType::Float32, Value::Number(n)) => ScalarValue::Float32(Some(n.as_f64()? as f32)),
        (DataType::Float64, Value::Number(n)) => ScalarValue::Float64(Some(n.as_f64()?)),
        (DataType::Float64, Value::String(s))
            if matches!(s.as_str(), "NaN" | "Infinity" | "-Infinity" | "+Infinity") =>
        {
            ScalarValue::Float64(text::parse_double(s))
        }
        (DataType::Decimal128(p, s), Value::Number(n)) => {
            ScalarValue::Decimal128(Some(text::parse_decimal(&n.to_string(), *s)?), *p, *s)
        }
        (DataType::Date32, Value::String(s)) => ScalarValue::Date32(Some(text::parse_date(s)?)),
        (DataType::Timestamp(_, tz), Value::String(s)) => {
            let parsed = text::parse_timestamp(s)?;
            let us = if tz.is_some() {
                parsed.instant(zone)
            } else {
                parsed.local_us
            };
            ScalarValue::TimestampMicrosecond(Some(us), tz.clone())
        }
        (DataType::Timestamp(_, tz), Value::Number(n)) => {
            ScalarValue::TimestampMicrosecond(Some(n.as_i64()?.checked_mul(1_000_000)?), tz.clone())
        }
        (DataType::List(item), Value::Array(items)) => {
            let scalars: Option<Vec<ScalarValue>> =
                items.iter().map(|v| json_scalar(v, item.data_type(), zone)).collect();
            let scalars = scalars?;
            let values = if scalars.is_empty() {
                new_empty_array(item.data_type())
            } else {
                ScalarValue::iter_to_array(scalars).ok()?
            };
            let offsets = arrow::buffer::OffsetBuffer::from_lengths([values.len()]);
            ScalarValue::List(Arc::new(ListArray::try_new(item.clone(), offsets, values, None).ok()?))
        }
        (DataType::Struct(fields), Value::Object(object)) => {
            let columns: Option<Vec<ArrayRef>> = fields
                .iter()
                .map(|f| {
                    json_scalar(object.get(f.name()).unwrap_or(&Value::Null), f.data_type(), zone)?
                        .to_array()
                        .ok()
                })
                .collect();
            ScalarValue::Struct(Arc::new(StructArray::try_new(fields.clone(), columns?, None).ok()?))
        }
        (DataType::Map(entries, sorted), Value::Object(object)) => {
            let (_, value_type) = types::map_types(entries);
            let DataType::Struct(fields) = entries.data_type() else {
                return None;
            };
            let keys: StringArray = object.keys().map(Some).collect();
            let scalars: Option<Vec<ScalarValue>> =
                object.values().map(|v| json_scalar(v, &value_type, zone)).collect();
            let scalars = scalars?;
            let values = if scalars.is_empty() {
                new_empty_array(&value_type)
            } else {
                ScalarValue::iter_to_array(scalars).ok()?
            };
            let inner = StructArray::try_new(fields.clone(), vec![Arc::new(keys), values], None).ok()?;
            let offsets = arrow::buffer::OffsetBuffer::from_lengths([inner.len()]);
            ScalarValue::Map(Arc::new(
                MapArray::try_new(entries.clone(), offsets, inner, None, *sorted).ok()?,
            ))
        }
        _ => return None,
    })
}

/// Returns the schema with UTC as an offset: Arrow's reader looks a named zone up for every value.
pub(super) fn fixed_offset(schema: &SchemaRef) -> SchemaRef {
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .map(|f| match f.data_type() {
            DataType::Timestamp(unit, Some(_)) => f
                .as_ref()
                .clone()
                .with_data_type(DataType::Timestamp(*unit, Some("+00:00".into()))),
            _ => f.as_ref().clone(),
        })
        .collect();
    Arc::new(Schema::new(fields))
}
