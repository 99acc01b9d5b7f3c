//! JSON values to typed ones, by the rules of `JacksonParser`: a value that does not fit its field is a
//! null field of a malformed record.
//!
//! Numbers are not rounded into integers, strings are not read as numbers (but for decimals and the
//! words for infinities), and any value can be a string.
//!
//! ```text
//! type             takes                                      else
//! STRING           any value; objects and arrays as JSON
//! BOOLEAN          true, false
//! integers         whole numbers in range                     a fraction is malformed
//! FLOAT, DOUBLE    numbers; "NaN", "Infinity", "-INF", …
//! DECIMAL          numbers and strings of digits              too many digits are malformed
//! DATE             strings by dateFormat; numbers as days
//! TIMESTAMP        strings by timestampFormat; numbers as seconds
//! BINARY           strings of base64
//! ARRAY, MAP       arrays; objects
//! STRUCT           objects, by the names of fields
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::*;
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::*;
use datafusion_common::ScalarValue;

use super::text::{Astral, Json, Leniency, number_text, write};
use crate::error::{Result, SparkError};
use crate::plan::functions::text::codec::from_base64;
use crate::plan::functions::time::DAY_US;
use crate::values::java_format::Pattern;
use crate::values::text;
use crate::values::types::map_types;
use crate::values::zone::Zone;

/// What to do with a malformed record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParseMode {
    /// It is null, as far as it does not fit.
    Permissive,
    /// It is an error.
    FailFast,
}

/// Options of `from_json` (`JSONOptions`).
#[derive(Debug, Clone)]
pub struct Reader {
    /// What to do with a malformed record.
    pub mode: ParseMode,
    /// What is taken beyond the standard.
    pub leniency: Leniency,
    /// The column that receives a malformed record, if the schema has it.
    pub corrupt_column: String,
    /// The zone of times that do not name one.
    zone: Zone,
    /// Whether numbers keep their digits as strings.
    primitives_as_text: bool,
    /// How dates are written; `None` reads as casts do.
    date_format: Option<Pattern>,
    /// How timestamps are written; `None` reads as casts do.
    timestamp_format: Option<Pattern>,
    /// How timestamps without zone are written; `None` reads as casts do.
    local_format: Option<Pattern>,
}

impl Reader {
    /// Makes a reader with the options of a call, their keys in lower case.
    ///
    /// # Errors
    /// If the mode or the zone is unknown or a pattern is malformed.
    pub fn new(options: &BTreeMap<String, String>, session: Zone) -> Result<Self> {
        let flag = |key: &str| options.get(key).is_some_and(|v| v.eq_ignore_ascii_case("true"));
        let pattern = |key: &str| options.get(key).map(|p| Pattern::new(p, true)).transpose();
        let mode = match options.get("mode").map(|m| m.to_ascii_uppercase()).as_deref() {
            None | Some("PERMISSIVE") => ParseMode::Permissive,
            Some("FAILFAST") => ParseMode::FailFast,
            Some(other) => {
                return Err(SparkError::analysis(
                    "PARSE_MODE_UNSUPPORTED",
                    "42601",
                    format!(
                        "The function `from_json` doesn't support the {other} mode. Acceptable modes are PERMISSIVE and FAILFAST."
                    ),
                ));
            }
        };
        Ok(Self {
            mode,
            leniency: Leniency {
                unquoted_names: flag("allowunquotedfieldnames"),
                control_characters: flag("allowunquotedcontrolchars"),
                leading_zeros: flag("allownumericleadingzeros"),
                comments: flag("allowcomments"),
            },
            corrupt_column: options
                .get("columnnameofcorruptrecord")
                .cloned()
                .unwrap_or_else(|| "_corrupt_record".into()),
            zone: match options.get("timezone") {
                Some(name) => crate::plan::functions::time::zones::zone_named(name)?,
                None => session,
            },
            primitives_as_text: flag("primitivesasstring"),
            date_format: pattern("dateformat")?,
            timestamp_format: pattern("timestampformat")?,
            local_format: pattern("timestampntzformat")?,
        })
    }

    /// Returns a value as a scalar of `to`; sets `bad` if some part of it does not fit.
    pub fn value(&self, json: &Json, to: &DataType, bad: &mut bool) -> ScalarValue {
        let null = || ScalarValue::try_from(to).unwrap_or(ScalarValue::Null);
        if *json == Json::Null {
            return null();
        }
        self.convert(json, to, bad).unwrap_or_else(|| {
            *bad = true;
            null()
        })
    }

    /// Returns a value as a scalar of `to`; `None` if it does not fit as a whole.
    fn convert(&self, json: &Json, to: &DataType, bad: &mut bool) -> Option<ScalarValue> {
        match (to, json) {
            (DataType::Utf8, json) => Some(ScalarValue::Utf8(Some(self.string(json)))),
            (DataType::Boolean, Json::Bool(b)) => Some(ScalarValue::Boolean(Some(*b))),
            (DataType::Binary, Json::Text(text)) => Some(ScalarValue::Binary(Some(from_base64(text, false)?))),
            (DataType::Date32, Json::Text(text)) => Some(ScalarValue::Date32(Some(self.date(text)?))),
            (DataType::Date32, Json::Number(raw)) => Some(ScalarValue::Date32(Some(raw.parse().ok()?))),
            (DataType::Timestamp(_, tz), Json::Text(text)) => {
                let us = self.timestamp(text, tz.is_some())?;
                Some(ScalarValue::TimestampMicrosecond(Some(us), tz.clone()))
            }
            (DataType::Timestamp(_, tz @ Some(_)), Json::Number(raw)) => {
                let us = raw.parse::<i64>().ok()?.checked_mul(1_000_000)?;
                Some(ScalarValue::TimestampMicrosecond(Some(us), tz.clone()))
            }
            (DataType::List(item), Json::Array(items)) => self.list(items.iter(), item, bad),
            (DataType::Struct(fields), Json::Object(object)) => self.record(object, fields, bad),
            (DataType::Map(entries, sorted), Json::Object(object)) => self.map(object, entries, *sorted, bad),
            _ => number(json, to),
        }
    }

    /// Returns any value as a string: strings as they are, others as JSON.
    fn string(&self, json: &Json) -> String {
        match json {
            Json::Text(text) => text.clone(),
            Json::Number(raw) if self.primitives_as_text => raw.clone(),
            Json::Number(raw) => number_text(raw),
            other => {
                let mut text = String::new();
                write(other, Astral::Escaped, &mut text);
                text
            }
        }
    }

    /// Returns a date as days since the epoch.
    fn date(&self, text: &str) -> Option<i32> {
        match &self.date_format {
            Some(pattern) => Some(pattern.parse(text).ok()?.0.div_euclid(DAY_US) as i32),
            None => text::parse_date(text),
        }
    }

    /// Returns a time in µs: an instant if `zoned`, else a wall clock.
    fn timestamp(&self, text: &str, zoned: bool) -> Option<i64> {
        let format = if zoned {
            &self.timestamp_format
        } else {
            &self.local_format
        };
        let (local_us, zone) = match format {
            Some(pattern) => pattern.parse(text).ok()?,
            None => {
                let parsed = text::parse_timestamp(text)?;
                (parsed.local_us, parsed.zone)
            }
        };
        Some(if zoned {
            zone.unwrap_or(self.zone).to_instant(local_us)
        } else {
            local_us
        })
    }

    /// Returns an object as a map; the last of two equal names counts.
    fn map(&self, object: &[(String, Json)], entries: &FieldRef, sorted: bool, bad: &mut bool) -> Option<ScalarValue> {
        let (_, value) = map_types(entries);
        let DataType::Struct(fields) = entries.data_type() else {
            return None;
        };
        let mut names: Vec<&str> = Vec::new();
        let mut cells: Vec<ScalarValue> = Vec::new();
        for (name, json) in object {
            let cell = self.value(json, &value, bad);
            match names.iter().position(|n| n == name) {
                Some(at) => cells[at] = cell,
                None => {
                    names.push(name);
                    cells.push(cell);
                }
            }
        }
        let keys: ArrayRef = Arc::new(StringArray::from_iter_values(names));
        let inner = StructArray::try_new(fields.clone(), vec![keys, array_of(cells, &value)?], None).ok()?;
        let offsets = OffsetBuffer::from_lengths([inner.len()]);
        let map = MapArray::try_new(entries.clone(), offsets, inner, None, sorted).ok()?;
        Some(ScalarValue::Map(Arc::new(map)))
    }

    /// Returns values as a list of the type of `item`.
    pub fn list<'a>(
        &self,
        items: impl Iterator<Item = &'a Json>,
        item: &FieldRef,
        bad: &mut bool,
    ) -> Option<ScalarValue> {
        let cells: Vec<ScalarValue> = items.map(|json| self.value(json, item.data_type(), bad)).collect();
        let values = array_of(cells, item.data_type())?;
        let offsets = OffsetBuffer::from_lengths([values.len()]);
        Some(ScalarValue::List(Arc::new(
            ListArray::try_new(item.clone(), offsets, values, None).ok()?,
        )))
    }

    /// Returns an object as a struct: fields by their exact names; the last of two equal names counts, a
    /// missing one is null.
    pub fn record(&self, object: &[(String, Json)], fields: &Fields, bad: &mut bool) -> Option<ScalarValue> {
        let columns: Option<Vec<ArrayRef>> = fields
            .iter()
            .map(|f| {
                let json = object
                    .iter()
                    .rev()
                    .find(|(name, _)| name == f.name())
                    .map_or(&Json::Null, |(_, json)| json);
                array_of(vec![self.value(json, f.data_type(), bad)], f.data_type())
            })
            .collect();
        Some(ScalarValue::Struct(Arc::new(
            StructArray::try_new_with_length(fields.clone(), columns?, None, 1).ok()?,
        )))
    }
}

/// Returns a number of a type, or a string that stands for one; `None` if it does not fit.
fn number(json: &Json, to: &DataType) -> Option<ScalarValue> {
    let integer = |raw: &str| raw.parse::<i64>().ok();
    Some(match (to, json) {
        (DataType::Int8, Json::Number(raw)) => ScalarValue::Int8(Some(i8::try_from(integer(raw)?).ok()?)),
        (DataType::Int16, Json::Number(raw)) => ScalarValue::Int16(Some(i16::try_from(integer(raw)?).ok()?)),
        (DataType::Int32, Json::Number(raw)) => ScalarValue::Int32(Some(i32::try_from(integer(raw)?).ok()?)),
        (DataType::Int64, Json::Number(raw)) => ScalarValue::Int64(Some(integer(raw)?)),
        (DataType::Float32, Json::Number(raw)) => ScalarValue::Float32(Some(text::parse_double(raw)? as f32)),
        (DataType::Float64, Json::Number(raw)) => ScalarValue::Float64(Some(text::parse_double(raw)?)),
        (DataType::Float32, Json::Text(text)) => ScalarValue::Float32(Some(special(text)? as f32)),
        (DataType::Float64, Json::Text(text)) => ScalarValue::Float64(Some(special(text)?)),
        (DataType::Decimal128(p, s), Json::Number(raw) | Json::Text(raw)) => {
            let value = text::parse_decimal(raw, *s).filter(|v| v.abs() < 10i128.pow(u32::from(*p)))?;
            ScalarValue::Decimal128(Some(value), *p, *s)
        }
        _ => return None,
    })
}

/// Returns doubles that JSON has only strings for.
fn special(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "+INF" | "+Infinity" | "Infinity" | "INF" => Some(f64::INFINITY),
        "-INF" | "-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// Returns scalars of one type as an array of it; `None` if they differ in type.
pub fn array_of(cells: Vec<ScalarValue>, to: &DataType) -> Option<ArrayRef> {
    if cells.is_empty() {
        return Some(new_empty_array(to));
    }
    if cells.iter().all(ScalarValue::is_null) {
        return Some(new_null_array(to, cells.len()));
    }
    ScalarValue::iter_to_array(cells).ok()
}
