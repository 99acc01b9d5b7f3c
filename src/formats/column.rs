//! Columns that grow cell by cell and can be cut back, since half of a malformed record may have been taken already.
//!
//! ```text
//! type            cells
//! STRING, BINARY  offsets and bytes
//! ARRAY           offsets, and a column of elements
//! MAP             offsets, a column of keys and one of values
//! STRUCT          a column for each field
//! others          numbers
//! ```

use std::sync::Arc;

use arrow::array::*;
use arrow::buffer::{BooleanBuffer, NullBuffer, OffsetBuffer};
use arrow::datatypes::*;

use crate::error::{Result, SparkError};
use crate::values::types::map_types;

/// A column of a type that grows.
#[derive(Debug)]
pub struct Column {
    /// Which cells are there.
    nulls: NullBufferBuilder,
    /// The cells; a null has one that nobody reads.
    values: Values,
}

/// Cells of one type.
#[derive(Debug)]
enum Values {
    /// A type that text has no form for: all cells are null.
    Nulls(DataType),
    /// BOOLEAN.
    Boolean(Vec<bool>),
    /// TINYINT.
    Int8(Vec<i8>),
    /// SMALLINT.
    Int16(Vec<i16>),
    /// INT.
    Int32(Vec<i32>),
    /// BIGINT.
    Int64(Vec<i64>),
    /// FLOAT.
    Float32(Vec<f32>),
    /// DOUBLE.
    Float64(Vec<f64>),
    /// DECIMAL: unscaled, with precision and scale.
    Decimal(Vec<i128>, u8, i8),
    /// DATE, in days since the epoch.
    Date(Vec<i32>),
    /// TIMESTAMP (with a zone) and TIMESTAMP_NTZ, in µs.
    Timestamp(Vec<i64>, Option<Arc<str>>),
    /// STRING.
    Text(Bytes),
    /// BINARY.
    Binary(Bytes),
    /// ARRAY: the element's field, where each array ends, and the elements.
    List(FieldRef, Vec<i32>, Box<Column>),
    /// MAP: the field of entries, whether keys are sorted, where each map ends, keys and values.
    Map(FieldRef, bool, Vec<i32>, Box<(Column, Column)>),
    /// STRUCT.
    Struct(Fields, Vec<Column>),
}

/// Strings of bytes, one after the other.
#[derive(Debug)]
struct Bytes {
    /// Where each ends, after a 0.
    ends: Vec<i32>,
    /// All bytes.
    bytes: Vec<u8>,
}

impl Bytes {
    /// Ends a cell.
    fn end(&mut self) {
        self.ends.push(self.bytes.len() as i32);
    }

    /// Keeps the first cells.
    fn truncate(&mut self, len: usize) {
        self.ends.truncate(len + 1);
        self.bytes.truncate(last(&self.ends));
    }
}

/// Returns where the last cell ends.
fn last(ends: &[i32]) -> usize {
    ends.last().map_or(0, |end| *end as usize)
}

/// A number, in the width that its column has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// A whole number.
    Whole(i64),
    /// A double.
    Double(f64),
    /// An unscaled decimal, of the column's scale.
    Unscaled(i128),
}

impl Column {
    /// Makes an empty column of a type.
    pub fn new(to: &DataType) -> Self {
        let bytes = || Bytes {
            ends: vec![0],
            bytes: vec![],
        };
        let values = match to {
            DataType::Boolean => Values::Boolean(vec![]),
            DataType::Int8 => Values::Int8(vec![]),
            DataType::Int16 => Values::Int16(vec![]),
            DataType::Int32 => Values::Int32(vec![]),
            DataType::Int64 => Values::Int64(vec![]),
            DataType::Float32 => Values::Float32(vec![]),
            DataType::Float64 => Values::Float64(vec![]),
            DataType::Decimal128(precision, scale) => Values::Decimal(vec![], *precision, *scale),
            DataType::Date32 => Values::Date(vec![]),
            DataType::Timestamp(TimeUnit::Microsecond, zone) => Values::Timestamp(vec![], zone.clone()),
            DataType::Utf8 => Values::Text(bytes()),
            DataType::Binary => Values::Binary(bytes()),
            DataType::List(item) => Values::List(item.clone(), vec![0], Box::new(Self::new(item.data_type()))),
            DataType::Map(entries, sorted) => {
                let (key, value) = map_types(entries);
                let columns = Box::new((Self::new(&key), Self::new(&value)));
                Values::Map(entries.clone(), *sorted, vec![0], columns)
            }
            DataType::Struct(fields) => {
                let columns = fields.iter().map(|f| Self::new(f.data_type())).collect();
                Values::Struct(fields.clone(), columns)
            }
            other => Values::Nulls(other.clone()),
        };
        Self {
            nulls: NullBufferBuilder::new(0),
            values,
        }
    }

    /// Returns an empty column of the same type, with room for as many cells and strings of as many bytes.
    pub fn next(&self, to: &DataType) -> Self {
        let mut next = Self::new(to);
        let cells = self.len();
        match (&mut next.values, &self.values) {
            (Values::Text(next), Values::Text(own)) | (Values::Binary(next), Values::Binary(own)) => {
                next.ends.reserve(cells);
                next.bytes.reserve(own.bytes.len() + own.bytes.len() / 8);
            }
            (Values::Float64(next), Values::Float64(_)) => next.reserve(cells),
            (Values::Int64(next), Values::Int64(_)) | (Values::Timestamp(next, _), Values::Timestamp(..)) => {
                next.reserve(cells);
            }
            (Values::Int32(next), Values::Int32(_)) => next.reserve(cells),
            _ => {}
        }
        next
    }

    /// Returns the number of cells.
    pub fn len(&self) -> usize {
        self.nulls.len()
    }

    /// Returns whether the column is empty.
    pub fn is_empty(&self) -> bool {
        self.nulls.is_empty()
    }

    /// Returns how many bytes the strings take, at any depth.
    pub fn text_bytes(&self) -> usize {
        match &self.values {
            Values::Text(cells) | Values::Binary(cells) => cells.bytes.len(),
            Values::List(_, _, child) => child.text_bytes(),
            Values::Map(_, _, _, entries) => entries.0.text_bytes() + entries.1.text_bytes(),
            Values::Struct(_, columns) => columns.iter().map(Self::text_bytes).sum(),
            _ => 0,
        }
    }

    /// Keeps the first cells; of an array, a map or a struct that has not been ended, nothing.
    pub fn truncate(&mut self, len: usize) {
        self.nulls.truncate(len);
        match &mut self.values {
            Values::Nulls(_) => {}
            Values::Boolean(cells) => cells.truncate(len),
            Values::Int8(cells) => cells.truncate(len),
            Values::Int16(cells) => cells.truncate(len),
            Values::Int32(cells) | Values::Date(cells) => cells.truncate(len),
            Values::Int64(cells) | Values::Timestamp(cells, _) => cells.truncate(len),
            Values::Float32(cells) => cells.truncate(len),
            Values::Float64(cells) => cells.truncate(len),
            Values::Decimal(cells, ..) => cells.truncate(len),
            Values::Text(cells) | Values::Binary(cells) => cells.truncate(len),
            Values::List(_, ends, child) => {
                ends.truncate(len + 1);
                child.truncate(last(ends));
            }
            Values::Map(_, _, ends, entries) => {
                ends.truncate(len + 1);
                entries.0.truncate(last(ends));
                entries.1.truncate(last(ends));
            }
            Values::Struct(_, columns) => columns.iter_mut().for_each(|c| c.truncate(len)),
        }
    }

    /// Adds a null.
    pub fn push_null(&mut self) {
        self.nulls.append_null();
        match &mut self.values {
            Values::Nulls(_) => {}
            Values::Boolean(cells) => cells.push(false),
            Values::Int8(cells) => cells.push(0),
            Values::Int16(cells) => cells.push(0),
            Values::Int32(cells) | Values::Date(cells) => cells.push(0),
            Values::Int64(cells) | Values::Timestamp(cells, _) => cells.push(0),
            Values::Float32(cells) => cells.push(0.0),
            Values::Float64(cells) => cells.push(0.0),
            Values::Decimal(cells, ..) => cells.push(0),
            Values::Text(cells) | Values::Binary(cells) => cells.end(),
            Values::List(_, ends, _) | Values::Map(_, _, ends, _) => ends.push(last(ends) as i32),
            Values::Struct(_, columns) => columns.iter_mut().for_each(Self::push_null),
        }
    }

    /// Adds a boolean; `None`, and nothing is added, if the column is not of booleans.
    pub fn push_bool(&mut self, value: bool) -> Option<()> {
        let Values::Boolean(cells) = &mut self.values else {
            return None;
        };
        cells.push(value);
        self.nulls.append_non_null();
        Some(())
    }

    /// Adds a number; `None`, and nothing is added, if it does not fit the column.
    #[inline]
    pub fn push_number(&mut self, value: Number) -> Option<()> {
        match (&mut self.values, value) {
            (Values::Int64(cells), Number::Whole(n)) => cells.push(n),
            (Values::Int32(cells), Number::Whole(n)) => cells.push(i32::try_from(n).ok()?),
            (Values::Int16(cells), Number::Whole(n)) => cells.push(i16::try_from(n).ok()?),
            (Values::Int8(cells), Number::Whole(n)) => cells.push(i8::try_from(n).ok()?),
            (Values::Date(cells), Number::Whole(n)) => cells.push(i32::try_from(n).ok()?),
            (Values::Timestamp(cells, _), Number::Whole(n)) => cells.push(n),
            (Values::Float64(cells), Number::Double(x)) => cells.push(x),
            (Values::Float32(cells), Number::Double(x)) => cells.push(x as f32),
            (Values::Decimal(cells, precision, _), Number::Unscaled(n))
                if n.unsigned_abs() < 10_u128.pow(u32::from(*precision)) =>
            {
                cells.push(n);
            }
            _ => return None,
        }
        self.nulls.append_non_null();
        Some(())
    }

    /// Adds a string to a column of strings or, with `binary`, of bytes; `None`, and nothing is added, if it is neither.
    #[inline]
    pub fn push_bytes(&mut self, value: &[u8], binary: bool) -> Option<()> {
        match &mut self.values {
            Values::Text(cells) if !binary => {
                cells.bytes.extend_from_slice(value);
                cells.end();
            }
            Values::Binary(cells) if binary => {
                cells.bytes.extend_from_slice(value);
                cells.end();
            }
            _ => return None,
        }
        self.nulls.append_non_null();
        Some(())
    }

    /// Returns the column of elements; `None` if it is not a column of arrays. [`Self::end_nested`] ends the array.
    pub fn elements(&mut self) -> Option<&mut Self> {
        match &mut self.values {
            Values::List(_, _, child) => Some(child),
            _ => None,
        }
    }

    /// Returns the columns of keys and values; `None` if it is not a column of maps. [`Self::end_nested`] ends the map.
    pub fn entries(&mut self) -> Option<(&mut Self, &mut Self)> {
        match &mut self.values {
            Values::Map(_, _, _, entries) => Some((&mut entries.0, &mut entries.1)),
            _ => None,
        }
    }

    /// Returns the columns of fields, with the fields; `None` if it is not a column of structs. Each gets one cell, then
    /// [`Self::end_nested`] ends the struct.
    pub fn fields(&mut self) -> Option<(&Fields, &mut [Self])> {
        match &mut self.values {
            Values::Struct(fields, columns) => Some((fields, columns)),
            _ => None,
        }
    }

    /// Ends an array, a map or a struct with what its columns got.
    pub fn end_nested(&mut self) {
        match &mut self.values {
            Values::List(_, ends, child) => ends.push(child.len() as i32),
            Values::Map(_, _, ends, entries) => ends.push(entries.0.len() as i32),
            _ => {}
        }
        self.nulls.append_non_null();
    }

    /// Returns the cells as an array.
    ///
    /// # Errors
    /// If strings are not UTF-8, or a field that may not be null is.
    pub fn finish(self) -> Result<ArrayRef> {
        let len = self.len();
        let nulls: Option<NullBuffer> = self.nulls.build();
        Ok(match self.values {
            Values::Nulls(to) => new_null_array(&to, len),
            Values::Boolean(cells) => Arc::new(BooleanArray::new(BooleanBuffer::from(cells), nulls)),
            Values::Int8(cells) => Arc::new(Int8Array::new(cells.into(), nulls)),
            Values::Int16(cells) => Arc::new(Int16Array::new(cells.into(), nulls)),
            Values::Int32(cells) => Arc::new(Int32Array::new(cells.into(), nulls)),
            Values::Int64(cells) => Arc::new(Int64Array::new(cells.into(), nulls)),
            Values::Float32(cells) => Arc::new(Float32Array::new(cells.into(), nulls)),
            Values::Float64(cells) => Arc::new(Float64Array::new(cells.into(), nulls)),
            Values::Decimal(cells, precision, scale) => {
                Arc::new(Decimal128Array::new(cells.into(), nulls).with_precision_and_scale(precision, scale)?)
            }
            Values::Date(cells) => Arc::new(Date32Array::new(cells.into(), nulls)),
            Values::Timestamp(cells, zone) => {
                Arc::new(TimestampMicrosecondArray::new(cells.into(), nulls).with_timezone_opt(zone))
            }
            Values::Text(cells) => Arc::new(StringArray::try_new(ends(cells.ends)?, cells.bytes.into(), nulls)?),
            Values::Binary(cells) => Arc::new(BinaryArray::try_new(ends(cells.ends)?, cells.bytes.into(), nulls)?),
            Values::List(item, cells, child) => {
                Arc::new(ListArray::try_new(item, ends(cells)?, child.finish()?, nulls)?)
            }
            Values::Map(entries, sorted, cells, columns) => {
                let DataType::Struct(fields) = entries.data_type() else {
                    return Err(SparkError::internal("a map has no entries"));
                };
                let columns = vec![columns.0.finish()?, columns.1.finish()?];
                let inner = StructArray::try_new(fields.clone(), columns, None)?;
                Arc::new(MapArray::try_new(entries, ends(cells)?, inner, nulls, sorted)?)
            }
            Values::Struct(fields, columns) => {
                let columns = columns.into_iter().map(Self::finish).collect::<Result<Vec<_>>>()?;
                Arc::new(StructArray::try_new_with_length(fields, columns, nulls, len)?)
            }
        })
    }
}

/// Returns where cells end as Arrow has it.
///
/// # Errors
/// If they take more than 2 GiB.
fn ends(ends: Vec<i32>) -> Result<OffsetBuffer<i32>> {
    if ends.is_sorted() {
        Ok(OffsetBuffer::new(ends.into()))
    } else {
        Err(SparkError::internal("the strings of one batch are longer than 2 GiB"))
    }
}
