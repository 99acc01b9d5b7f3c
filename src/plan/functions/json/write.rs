//! Values as JSON text (`JacksonGenerator`).
//!
//! Fields that are null are left out unless `ignoreNullFields` is false; elements and values of maps
//! that are null are written. NaN and infinities are strings, binaries are base64.
//!
//! ```text
//! DATE       "2024-03-01"                          by dateFormat
//! TIMESTAMP  "2024-03-01T10:00:00.000Z"            by timestampFormat, in the zone of timeZone
//! MAP        {"key":value}                         keys as strings
//! INTERVAL   "INTERVAL '1 02:03:04' DAY TO SECOND" as casts write it
//! ```

use std::collections::BTreeMap;

use arrow::array::*;
use arrow::datatypes::*;

use crate::error::Result;
use crate::formats::json::text::{Astral, write_text};
use crate::plan::functions::time::DAY_US;
use crate::values::base64::to_base64;
use crate::values::cast::to_text;
use crate::values::java_format::Pattern;
use crate::values::raw;
use crate::values::text;
/// The zone in which timestamps are written.
use crate::values::zone::Zone;

/// Options of `to_json` (`JSONOptions`).
///
/// ```
/// use std::collections::BTreeMap;
/// use std::sync::Arc;
/// use arrow::array::{ArrayRef, Float64Array};
/// use rivulet::plan::functions::json::write::Writer;
/// use rivulet::values::zone::Zone;
///
/// let numbers: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.0), Some(f64::NAN), None]));
/// let writer = Writer::new(&BTreeMap::new(), Zone::UTC)?;
/// let mut out = String::new();
/// for row in 0..3 {
///     writer.value(&numbers, row, &mut out)?;
///     out.push(' ');
/// }
/// assert_eq!(out, r#"1.0 "NaN" null "#);
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Writer {
    zone: Zone,
    /// Whether fields that are null are left out.
    ignore_nulls: bool,
    /// Whether members stand in the order of their names (`sortKeys`).
    sorted: bool,
    /// How dates are written; `None` writes as casts do.
    date_format: Option<Pattern>,
    /// How timestamps are written.
    timestamp_format: Pattern,
    /// How timestamps without zone are written.
    local_format: Pattern,
}

impl Writer {
    /// Makes a writer with the options of a call, their keys in lower case.
    ///
    /// # Errors
    /// If the zone is unknown or a pattern malformed.
    pub fn new(options: &BTreeMap<String, String>, session: Zone) -> Result<Self> {
        let pattern = |key: &str| options.get(key).map(|p| Pattern::new(p, false)).transpose();
        let or = |found: Option<Pattern>, default: &str| found.map_or_else(|| Pattern::new(default, false), Ok);
        Ok(Self {
            zone: match options.get("timezone") {
                Some(name) => Zone::named(name)?,
                None => session,
            },
            ignore_nulls: !options
                .get("ignorenullfields")
                .is_some_and(|v| v.eq_ignore_ascii_case("false")),
            sorted: options.get("sortkeys").is_some_and(|v| v.eq_ignore_ascii_case("true")),
            date_format: pattern("dateformat")?,
            timestamp_format: or(pattern("timestampformat")?, "yyyy-MM-dd'T'HH:mm:ss.SSSXXX")?,
            local_format: or(pattern("timestampntzformat")?, "yyyy-MM-dd'T'HH:mm:ss.SSS")?,
        })
    }

    /// Appends the value of a row.
    ///
    /// # Errors
    /// If a time is beyond what its pattern can write, `DATETIME_OVERFLOW`.
    pub fn value(&self, array: &ArrayRef, row: usize, out: &mut String) -> Result<()> {
        if array.is_null(row) || array.data_type().is_null() {
            out.push_str("null");
            return Ok(());
        }
        let text = |text: &str, out: &mut String| write_text(text, Astral::Plain, out);
        match array.data_type() {
            DataType::Utf8 => text(&raw::shown(array.as_string::<i32>().value(row)), out),
            DataType::Boolean
            | DataType::Int8
            | DataType::Int16
            | DataType::Int32
            | DataType::Int64
            | DataType::Decimal128(..) => {
                out.push_str(to_text(&array.slice(row, 1), self.zone)?.value(0));
            }
            DataType::Float32 => self.number(text::float(array.as_primitive::<Float32Type>().value(row)), out),
            DataType::Float64 => self.number(text::double(array.as_primitive::<Float64Type>().value(row)), out),
            DataType::Binary => text(&to_base64(array.as_binary::<i32>().value(row)), out),
            DataType::Date32 => {
                let days = array.as_primitive::<Date32Type>().value(row);
                text(&self.date(days)?, out);
            }
            DataType::Timestamp(_, zone) => {
                let us = array.as_primitive::<TimestampMicrosecondType>().value(row);
                text(&self.timestamp(us, zone.is_some())?, out);
            }
            DataType::List(_) => {
                let items = array.as_list::<i32>().value(row);
                out.push('[');
                for i in 0..items.len() {
                    if i > 0 {
                        out.push(',');
                    }
                    self.value(&items, i, out)?;
                }
                out.push(']');
            }
            DataType::Struct(fields) => {
                out.push('{');
                let mut first = true;
                let mut members: Vec<_> = fields.iter().zip(array.as_struct().columns()).collect();
                if self.sorted {
                    members.sort_by(|(a, _), (b, _)| a.name().encode_utf16().cmp(b.name().encode_utf16()));
                }
                for (field, column) in members {
                    if self.ignore_nulls && (column.is_null(row) || column.data_type().is_null()) {
                        continue;
                    }
                    self.member(field.name(), column, row, &mut first, out)?;
                }
                out.push('}');
            }
            DataType::Map(..) => {
                let entries = array.as_map().value(row);
                out.push('{');
                let mut first = true;
                let keys = (0..entries.len()).map(|i| Ok((self.key(entries.column(0), i)?, i)));
                let mut keys = keys.collect::<Result<Vec<_>>>()?;
                if self.sorted {
                    keys.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
                }
                for (key, i) in keys {
                    self.member(&key, entries.column(1), i, &mut first, out)?;
                }
                out.push('}');
            }
            _ => text(to_text(&array.slice(row, 1), self.zone)?.value(0), out),
        }
        Ok(())
    }

    /// Returns a date by the format.
    fn date(&self, days: i32) -> Result<String> {
        match &self.date_format {
            Some(pattern) => pattern.format(i64::from(days) * DAY_US, Zone::UTC),
            None => Ok(text::date(days)),
        }
    }

    /// Returns a timestamp by its format.
    fn timestamp(&self, us: i64, zoned: bool) -> Result<String> {
        if zoned {
            self.timestamp_format.format(us, self.zone)
        } else {
            self.local_format.format(us, Zone::UTC)
        }
    }

    /// Appends a real number; NaN and infinities in quotes.
    fn number(&self, written: String, out: &mut String) {
        if written.contains(['N', 'I']) {
            write_text(&written, Astral::Plain, out)
        } else {
            out.push_str(&written)
        }
    }

    /// Appends a member, with a comma before all but the first.
    fn member(&self, name: &str, column: &ArrayRef, row: usize, first: &mut bool, out: &mut String) -> Result<()> {
        if !std::mem::take(first) {
            out.push(',');
        }
        write_text(name, Astral::Plain, out);
        out.push(':');
        self.value(column, row, out)
    }

    /// Returns a map's key as Spark's `toString` of it: structs in brackets without spaces.
    fn key(&self, keys: &ArrayRef, row: usize) -> Result<String> {
        let text = to_text(&keys.slice(row, 1), self.zone)?.value(0).to_owned();
        Ok(match keys.data_type() {
            DataType::Struct(_) => format!("[{}]", text.trim_matches(['{', '}']).replace(", ", ",")),
            _ => text,
        })
    }
}
