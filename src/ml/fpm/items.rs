//! Items of any type: as bytes that are equal if the items are, and back.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, new_empty_array};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Field, Schema};
use arrow::row::{RowConverter, SortField};

use crate::error::{Result, SparkError};
use crate::values::ipc;

/// Turns items of one type into bytes, and bytes into items.
#[derive(Debug)]
pub(super) struct Items {
    converter: RowConverter,
    data_type: DataType,
}

/// An item as bytes, in the order of items.
pub(super) type Bytes = Box<[u8]>;

impl Items {
    /// Returns the conversion of items of a type.
    ///
    /// # Errors
    /// If items of the type cannot be compared, such as maps.
    pub(super) fn new(data_type: &DataType) -> Result<Self> {
        Ok(Self {
            converter: RowConverter::new(vec![SortField::new(data_type.clone())])?,
            data_type: data_type.clone(),
        })
    }

    /// Returns the conversion of the elements of a list type.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub(super) fn of_lists(list: &DataType) -> Result<Self> {
        match list {
            DataType::List(element) => Self::new(element.data_type()),
            other => Err(SparkError::internal(format!("a list of items has the type {other}"))),
        }
    }

    /// Returns items as bytes.
    ///
    /// # Errors
    /// If they are of another type.
    pub(super) fn bytes(&self, items: &ArrayRef) -> Result<Vec<Bytes>> {
        let rows = self.converter.convert_columns(std::slice::from_ref(items))?;
        Ok(rows.iter().map(|row| row.as_ref().into()).collect())
    }

    /// Returns the items of bytes, in their order.
    ///
    /// # Errors
    /// If the bytes are not such items.
    pub(super) fn array<'a>(&self, bytes: impl IntoIterator<Item = &'a Bytes>) -> Result<ArrayRef> {
        let parser = self.converter.parser();
        let rows: Vec<_> = bytes.into_iter().map(|item| parser.parse(item)).collect();
        if rows.is_empty() {
            return Ok(new_empty_array(&self.data_type));
        }
        let mut columns = self.converter.convert_rows(rows)?;
        columns
            .pop()
            .ok_or_else(|| SparkError::internal("items have no column"))
    }
}

/// Returns items as a message's bytes, with their type.
///
/// # Errors
/// Those of the IPC writer.
pub(super) fn write(items: ArrayRef) -> Result<Vec<u8>> {
    let schema = Arc::new(Schema::new(vec![Field::new("item", items.data_type().clone(), true)]));
    let batch = RecordBatch::try_new(schema.clone(), vec![items])?;
    ipc::write(&schema, [batch])
}

/// Reads what [`write`] wrote.
///
/// # Errors
/// `INTERNAL_ERROR` if it is something else.
pub(super) fn read(bytes: &[u8]) -> Result<ArrayRef> {
    let batches = ipc::read(&Buffer::from(bytes))?;
    let batch = batches
        .first()
        .ok_or_else(|| SparkError::internal("items are missing"))?;
    Ok(batch.column(0).clone())
}

/// Returns the items of each list of a column; `None` for a null.
///
/// # Errors
/// As [`Items::bytes`].
pub(super) fn rows<'a>(
    items: &Items,
    lists: &'a ArrayRef,
) -> Result<impl Iterator<Item = Option<Vec<Bytes>>> + use<'a>> {
    let lists = lists.as_list::<i32>();
    let bytes = items.bytes(lists.values())?;
    let row = move |row: usize| {
        let offsets = lists.offsets();
        use arrow::array::Array;
        let (from, to) = (offsets[row] as usize, offsets[row + 1] as usize);
        lists.is_valid(row).then(|| bytes[from..to].to_vec())
    };
    Ok((0..lists.offsets().len() - 1).map(row))
}
