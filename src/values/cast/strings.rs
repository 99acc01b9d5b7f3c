//! Values as strings, as Spark writes them.

use arrow::array::*;
use arrow::buffer::{Buffer, OffsetBuffer};
use arrow::datatypes::*;

use super::DfResult;
use crate::error::SparkError;
use crate::values::types::simple_string;
use crate::values::zone::Zone;
use crate::values::{interval_text, raw, text, vector};

/// Returns any array as Spark's strings; null stays null.
///
/// Nested values are written as `[a, null]`, `{1, x}` for structs and `{k -> v}` for maps, whose nulls
/// are the word `null`. Bytes are taken for UTF-8.
///
/// # Errors
/// If the type does not have a string form here, `UNSUPPORTED_FEATURE.RIVULET`; calendar intervals do
/// not.
pub fn to_text(array: &ArrayRef, zone: Zone) -> DfResult<StringArray> {
    written(array, zone, Style::Cast)
}

/// Returns any array as `show()` writes it (`ToPrettyString`): as [`to_text`], but nulls inside of values are the word `NULL`, bytes
/// their hexadecimal digits in brackets; null stays null.
///
/// # Errors
/// As [`to_text`].
pub fn to_shown(array: &ArrayRef, zone: Zone) -> DfResult<StringArray> {
    written(array, zone, Style::Shown)
}

/// For whom values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// Casts to STRING.
    Cast,
    /// People.
    Shown,
}

impl Style {
    /// Returns the word for a null.
    fn null(self) -> &'static str {
        match self {
            Self::Cast => "null",
            Self::Shown => "NULL",
        }
    }
}

/// Returns any array as strings; null stays null.
///
/// # Errors
/// As [`to_text`].
fn written(array: &ArrayRef, zone: Zone, style: Style) -> DfResult<StringArray> {
    match array.data_type() {
        DataType::Int8 => return Ok(whole_numbers::<Int8Type>(array)),
        DataType::Int16 => return Ok(whole_numbers::<Int16Type>(array)),
        DataType::Int32 => return Ok(whole_numbers::<Int32Type>(array)),
        DataType::Int64 => return Ok(whole_numbers::<Int64Type>(array)),
        _ => {}
    }
    let mut out = StringBuilder::with_capacity(array.len(), array.len() * 8);
    let mut text = String::new();
    for row in 0..array.len() {
        if array.is_null(row) {
            out.append_null();
        } else {
            text.clear();
            write_text(array, row, zone, style, &mut text)?;
            out.append_value(&text);
        }
    }
    Ok(out.finish())
}

/// Returns whole numbers as strings.
fn whole_numbers<T: ArrowPrimitiveType<Native: itoa::Integer>>(array: &ArrayRef) -> StringArray {
    let numbers = array.as_primitive::<T>();
    let mut digits = itoa::Buffer::new();
    let mut text = String::with_capacity(numbers.len() * 8);
    let mut offsets = Vec::with_capacity(numbers.len() + 1);
    offsets.push(0);
    for (row, &number) in numbers.values().iter().enumerate() {
        if numbers.is_valid(row) {
            text.push_str(digits.format(number));
        }
        offsets.push(text.len() as i32);
    }
    StringArray::new(
        OffsetBuffer::new(offsets.into()),
        Buffer::from_vec(text.into_bytes()),
        numbers.nulls().cloned(),
    )
}

/// Appends the string of one value, the word for null if it is null.
fn write_text(array: &ArrayRef, row: usize, zone: Zone, style: Style, out: &mut String) -> DfResult<()> {
    use DataType::*;
    use std::fmt::Write;
    if array.is_null(row) || array.data_type().is_null() {
        out.push_str(style.null());
        return Ok(());
    }
    let ok = match array.data_type() {
        Utf8 => {
            out.push_str(array.as_string::<i32>().value(row));
            Ok(())
        }
        Utf8View => {
            out.push_str(array.as_string_view().value(row));
            Ok(())
        }
        Boolean => write!(out, "{}", array.as_boolean().value(row)),
        Int8 => write!(out, "{}", array.as_primitive::<Int8Type>().value(row)),
        Int16 => write!(out, "{}", array.as_primitive::<Int16Type>().value(row)),
        Int32 => write!(out, "{}", array.as_primitive::<Int32Type>().value(row)),
        Int64 => write!(out, "{}", array.as_primitive::<Int64Type>().value(row)),
        Float32 => write!(out, "{}", text::float(array.as_primitive::<Float32Type>().value(row))),
        Float64 => write!(out, "{}", text::double(array.as_primitive::<Float64Type>().value(row))),
        Decimal128(_, scale) => write!(
            out,
            "{}",
            text::decimal(array.as_primitive::<Decimal128Type>().value(row), *scale)
        ),
        Date32 => write!(out, "{}", text::date(array.as_primitive::<Date32Type>().value(row))),
        Timestamp(_, tz) => {
            let us = array.as_primitive::<TimestampMicrosecondType>().value(row);
            write!(
                out,
                "{}",
                text::timestamp(if tz.is_some() { zone.to_local(us) } else { us })
            )
        }
        Duration(_) => write!(
            out,
            "{}",
            interval_text::day_time_interval(array.as_primitive::<DurationMicrosecondType>().value(row))
        ),
        Interval(IntervalUnit::MonthDayNano) => {
            let value = array.as_primitive::<IntervalMonthDayNanoType>().value(row);
            write!(out, "{}", interval_text::calendar_interval(value))
        }
        Interval(IntervalUnit::YearMonth) => {
            let months = array.as_primitive::<IntervalYearMonthType>().value(row);
            write!(out, "{}", interval_text::year_month_interval(months))
        }
        Binary if style == Style::Shown => {
            let bytes = array.as_binary::<i32>().value(row).iter();
            let digits: Vec<String> = bytes.map(|byte| format!("{byte:02X}")).collect();
            write!(out, "[{}]", digits.join(" "))
        }
        Binary => {
            out.push_str(&raw::from_bytes(array.as_binary::<i32>().value(row)));
            Ok(())
        }
        List(_) => {
            let items = array.as_list::<i32>().value(row);
            out.push('[');
            for i in 0..items.len() {
                if i > 0 {
                    out.push_str(", ");
                }
                write_text(&items, i, zone, style, out)?;
            }
            out.push(']');
            Ok(())
        }
        vectors if vector::is_vector(vectors) => {
            let one = array.slice(row, 1);
            let column = vector::VectorColumn::new(&one)?;
            match column.get(0) {
                Some(vector) => write!(out, "{vector}"),
                None => write!(out, "{}", style.null()),
            }
        }
        Struct(_) => {
            out.push('{');
            for (i, column) in array.as_struct().columns().iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                write_text(column, row, zone, style, out)?;
            }
            out.push('}');
            Ok(())
        }
        Map(..) => {
            let entries = array.as_map().value(row);
            out.push('{');
            for i in 0..entries.len() {
                if i > 0 {
                    out.push_str(", ");
                }
                write_text(entries.column(0), i, zone, style, out)?;
                out.push_str(" -> ");
                write_text(entries.column(1), i, zone, style, out)?;
            }
            out.push('}');
            Ok(())
        }
        other => return Err(SparkError::unsupported(format!("text of the type {}", simple_string(other))).into()),
    };
    ok.map_err(|_| SparkError::internal("a string cannot be written to").into())
}
