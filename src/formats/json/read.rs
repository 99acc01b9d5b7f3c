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
//! DATE             strings by dateFormat; without one, days in a string too
//! TIMESTAMP        strings by timestampFormat; numbers as seconds
//! BINARY           strings of base64
//! ARRAY, MAP       arrays; objects
//! STRUCT           objects, by the names of fields
//! ```

use std::collections::BTreeMap;

use arrow::datatypes::*;

use super::text::{Astral, Json, Leniency, number_text, write};
use crate::error::Result;
use crate::formats::column::{Column, Number};
use crate::formats::times::Times;
use crate::values::base64::from_base64;
use crate::values::text;
use crate::values::types::map_types;
use crate::values::zone::Zone;

/// Fits trees to a schema, by options (`JSONOptions`).
#[derive(Debug, Clone)]
pub struct Reader {
    /// What is taken beyond the standard.
    pub leniency: Leniency,
    /// Whether a value that is not a string keeps its text in a column of strings, as it does in files
    /// (`spark.sql.json.enableExactStringParsing`); else it is written anew.
    pub exact: bool,
    /// How dates and times are read.
    times: Times,
}

impl Reader {
    /// Makes a reader with the options of a call, their keys in lower case. `exact`: whether a value that is not a string keeps its
    /// text in a column of strings.
    ///
    /// # Errors
    /// If the zone is unknown or a pattern is malformed.
    pub fn new(options: &BTreeMap<String, String>, session: Zone, exact: bool) -> Result<Self> {
        let set = |key: &str, value: &str| options.get(key).is_some_and(|v| v.eq_ignore_ascii_case(value));
        let flag = |key: &str| set(key, "true");
        Ok(Self {
            leniency: Leniency {
                unquoted_names: flag("allowunquotedfieldnames"),
                control_characters: flag("allowunquotedcontrolchars"),
                leading_zeros: flag("allownumericleadingzeros"),
                comments: flag("allowcomments"),
                single_quotes: !set("allowsinglequotes", "false"),
                non_numeric: !set("allownonnumericnumbers", "false"),
                any_escape: flag("allowbackslashescapinganycharacter"),
            },
            exact,
            times: Times::new(options, session)?,
        })
    }

    /// Adds a value to a column; a null, and `bad` is set, if it does not fit. A part that does not fit is a null within
    /// what holds it. `source` is the text that the tree was made of.
    pub fn push(&self, json: &Json, source: &str, column: &mut Column, to: &DataType, bad: &mut bool) {
        let row = column.len();
        if *json == Json::Null {
            column.push_null();
        } else if self.convert(json, source, column, to, bad).is_none() {
            *bad = true;
            column.truncate(row);
            column.push_null();
        }
    }

    /// Adds an element of an array or a map; `None` if it does not fit as a whole, and then the array or map does not.
    fn push_element(
        &self,
        json: &Json,
        source: &str,
        column: &mut Column,
        to: &DataType,
        bad: &mut bool,
    ) -> Option<()> {
        if *json == Json::Null {
            column.push_null();
            return Some(());
        }
        self.convert(json, source, column, to, bad)
    }

    /// Adds a value to a column; `None` if it does not fit as a whole.
    fn convert(&self, json: &Json, source: &str, column: &mut Column, to: &DataType, bad: &mut bool) -> Option<()> {
        match (to, json) {
            (DataType::Utf8, json) => self.push_text(json, source, column),
            (DataType::Boolean, Json::Bool(b)) => column.push_bool(*b),
            (DataType::List(item), Json::Array(items, _)) => {
                let elements = column.elements()?;
                for json in items {
                    self.push_element(json, source, elements, item.data_type(), bad)?;
                }
                column.end_nested();
                Some(())
            }
            (DataType::Struct(fields), Json::Object(object, _)) => {
                let columns = column.fields()?.1;
                self.record(object, source, columns, fields, bad);
                column.end_nested();
                Some(())
            }
            (DataType::Map(entries, _), Json::Object(object, _)) => {
                let (_, value) = map_types(entries);
                let (keys, values) = column.entries()?;
                for (name, json) in object {
                    keys.push_bytes(name.as_bytes(), false)?;
                    self.push_element(json, source, values, &value, bad)?;
                }
                column.end_nested();
                Some(())
            }
            (_, Json::Text(text)) => self.push_parsed(text, column, to),
            (_, Json::Number(raw)) => self.push_number(raw, column, to),
            _ => None,
        }
    }

    /// Adds an object's members to a struct's columns: fields by their exact names; the last of two equal names counts, a
    /// missing one is null, and so is one that does not fit.
    pub fn record(
        &self,
        object: &[(String, Json)],
        source: &str,
        columns: &mut [Column],
        fields: &Fields,
        bad: &mut bool,
    ) {
        for (field, column) in fields.iter().zip(columns) {
            // The last member that fits counts; those before it may still be malformed.
            let row = column.len();
            let mut found = row;
            for (_, json) in object.iter().rev().filter(|(name, _)| name == field.name()) {
                if *json == Json::Null {
                    column.push_null();
                } else if self.convert(json, source, column, field.data_type(), bad).is_none() {
                    *bad = true;
                    column.truncate(found);
                }
                found = column.len().min(row + 1);
                column.truncate(found);
            }
            if found == row {
                column.push_null();
            }
        }
    }

    /// Adds any value to a column of strings: strings as they are, others as JSON.
    fn push_text(&self, json: &Json, source: &str, column: &mut Column) -> Option<()> {
        match json {
            Json::Text(text) => column.push_bytes(text.as_bytes(), false),
            Json::Number(raw) if self.exact => column.push_bytes(raw.as_bytes(), false),
            Json::Number(raw) => column.push_bytes(number_text(raw).as_bytes(), false),
            Json::Array(_, range) | Json::Object(_, range) if self.exact => {
                column.push_bytes(source.get(range.clone())?.as_bytes(), false)
            }
            other => {
                let mut text = String::new();
                write(other, Astral::Escaped, &mut text);
                column.push_bytes(text.as_bytes(), false)
            }
        }
    }

    /// Adds what a string stands for to a column that is not of strings; `None` if it stands for nothing of the type.
    pub fn push_parsed(&self, text: &str, column: &mut Column, to: &DataType) -> Option<()> {
        match to {
            DataType::Binary => column.push_bytes(&padded_base64(text)?, true),
            DataType::Date32 => column.push_number(Number::Whole(self.date(text)?.into())),
            DataType::Timestamp(_, zone) => {
                column.push_number(Number::Whole(self.times.timestamp(text, zone.is_some())?))
            }
            DataType::Float32 | DataType::Float64 => column.push_number(Number::Double(self.special(text)?)),
            DataType::Decimal128(_, scale) => column.push_number(Number::Unscaled(grouped_decimal(text, *scale)?)),
            _ => None,
        }
    }

    /// Adds a number to a column that is not of strings; `None` if it does not fit.
    pub fn push_number(&self, raw: &str, column: &mut Column, to: &DataType) -> Option<()> {
        let value = match to {
            // Jackson takes unsigned bytes, and Spark makes them signed.
            DataType::Int8 => Number::Whole(
                raw.parse()
                    .ok()
                    .map(|n| if (128..256).contains(&n) { n - 256 } else { n })?,
            ),
            // A whole number has no zero below zero.
            DataType::Float32 | DataType::Float64 if raw == "-0" => Number::Double(0.0),
            DataType::Float32 | DataType::Float64 => Number::Double(text::parse_double(raw)?),
            DataType::Decimal128(_, scale) => Number::Unscaled(text::parse_decimal(raw, *scale)?),
            DataType::Date32 | DataType::Timestamp(_, None) => return None,
            // Seconds; those beyond the range wrap, as Java's longs do.
            DataType::Timestamp(_, Some(_)) => Number::Whole(raw.parse::<i64>().ok()?.wrapping_mul(1_000_000)),
            _ => Number::Whole(raw.parse().ok()?),
        };
        column.push_number(value)
    }

    /// Returns doubles that JSON has only strings for.
    fn special(&self, text: &str) -> Option<f64> {
        match text {
            _ if !self.leniency.non_numeric => None,
            "NaN" => Some(f64::NAN),
            "+INF" | "+Infinity" | "Infinity" => Some(f64::INFINITY),
            "-INF" | "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        }
    }

    /// Returns a date as days since the epoch; a number in a string is one, as Spark before 1.5 wrote them.
    fn date(&self, text: &str) -> Option<i32> {
        let days = || text.parse().ok().filter(|_| self.times.date_format.is_none());
        self.times.date(text).or_else(days)
    }
}

/// Reads a decimal as Java's `BigDecimal` does, after taking commas out (`ExprUtils.getDecimalParser`): blanks are malformed.
pub fn grouped_decimal(text: &str, scale: i8) -> Option<i128> {
    if text.contains(char::is_whitespace) {
        return None;
    }
    text::parse_decimal(&text.replace(',', ""), scale)
}

/// Reads base 64 as Jackson does: with its padding, and blanks between groups of four passed over.
fn padded_base64(text: &str) -> Option<Vec<u8>> {
    let mut digits = String::with_capacity(text.len());
    for c in text.chars() {
        if c > ' ' {
            digits.push(c);
        } else if !digits.len().is_multiple_of(4) {
            return None;
        }
    }
    let padding = digits.len() - digits.trim_end_matches('=').len();
    let is_padded = digits.len().is_multiple_of(4) && padding <= 2;
    is_padded.then(|| from_base64(&digits, false)).flatten()
}
