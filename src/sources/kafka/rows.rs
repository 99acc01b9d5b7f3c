//! Records of Kafka as rows: `key`, `value`, `topic`, `partition`, `offset`, `timestamp`, `timestampType` and, if they are wanted,
//! `headers` (`KafkaRecordToRowConverter`).

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryBuilder, Int32Array, Int64Builder, ListBuilder, RecordBatch, StringArray,
    StringBuilder, StructArray, StructBuilder, TimestampMicrosecondBuilder,
};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Field, Fields, Int32Type, Schema, SchemaRef};

use crate::error::{Exception, Result, SparkError};
use crate::values::{ipc, types};

/// A record without its place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// Its offset.
    pub offset: i64,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value; none marks a deletion in compacted topics.
    pub value: Option<Vec<u8>>,
    /// Its time, ms since the epoch; `None` if the server does not say it.
    pub timestamp_ms: Option<i64>,
    /// Its headers, in their order.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

/// The place of the column `offset`.
pub const OFFSET: usize = 4;

/// `timestampType` of records whose time is that of their making.
const CREATE_TIME: i32 = 0;

/// Returns the columns of a stream or table of records.
pub fn columns(headers: bool) -> Vec<Field> {
    let mut columns = vec![
        Field::new("key", DataType::Binary, true),
        Field::new("value", DataType::Binary, true),
        Field::new("topic", DataType::Utf8, true),
        Field::new("partition", DataType::Int32, true),
        Field::new("offset", DataType::Int64, true),
        Field::new("timestamp", types::timestamp(), true),
        Field::new("timestampType", DataType::Int32, true),
    ];
    if headers {
        let entry = DataType::Struct(header_fields());
        columns.push(Field::new_list("headers", Field::new_list_field(entry, true), true));
    }
    columns
}

/// Returns the fields of a header.
fn header_fields() -> Fields {
    Fields::from(vec![
        Field::new("key", DataType::Utf8, true),
        Field::new("value", DataType::Binary, true),
    ])
}

/// Returns the schema of a block of records.
pub fn schema(headers: bool) -> SchemaRef {
    Arc::new(Schema::new(columns(headers)))
}

/// Returns the columns of records that are written, in their order.
pub fn written() -> SchemaRef {
    let entry = DataType::Struct(header_fields());
    Arc::new(Schema::new(vec![
        Field::new("topic", DataType::Utf8, true),
        Field::new("partition", DataType::Int32, true),
        Field::new("key", DataType::Binary, true),
        Field::new("value", DataType::Binary, true),
        Field::new_list("headers", Field::new_list_field(entry, true), true),
    ]))
}

/// Returns whether a type is that of headers, whatever its fields are called.
pub fn is_headers(of: &DataType) -> bool {
    let DataType::List(entry) = of else { return false };
    let DataType::Struct(fields) = entry.data_type() else {
        return false;
    };
    matches!(
        fields.iter().map(|f| f.data_type()).collect::<Vec<_>>().as_slice(),
        [DataType::Utf8, DataType::Binary]
    )
}

/// Returns records of one partition as a batch of rows. A time beyond what microseconds hold is the last one that they do.
///
/// # Errors
/// Arrow's, if the columns do not make a batch.
pub fn batch(topic: &str, partition: i32, records: &[Record], headers: bool) -> Result<RecordBatch> {
    let bytes = |of: fn(&Record) -> Option<&Vec<u8>>| {
        let total = records.iter().filter_map(of).map(Vec::len).sum();
        let mut builder = BinaryBuilder::with_capacity(records.len(), total);
        records.iter().for_each(|record| builder.append_option(of(record)));
        Arc::new(builder.finish()) as ArrayRef
    };
    let mut offsets = Int64Builder::with_capacity(records.len());
    let mut times = TimestampMicrosecondBuilder::with_capacity(records.len()).with_data_type(types::timestamp());
    for record in records {
        offsets.append_value(record.offset);
        times.append_option(record.timestamp_ms.map(|ms| ms.saturating_mul(1_000)));
    }
    let mut columns: Vec<ArrayRef> = vec![
        bytes(|record| record.key.as_ref()),
        bytes(|record| record.value.as_ref()),
        Arc::new(StringArray::from_iter_values(records.iter().map(|_| topic))),
        Arc::new(Int32Array::from_value(partition, records.len())),
        Arc::new(offsets.finish()),
        Arc::new(times.finish()),
        Arc::new(Int32Array::from_value(CREATE_TIME, records.len())),
    ];
    if headers {
        columns.push(headers_of(records));
    }
    Ok(RecordBatch::try_new(schema(headers), columns)?)
}

/// Returns records of one partition as an Arrow stream of rows.
///
/// # Errors
/// As [`batch`].
pub fn block(topic: &str, partition: i32, records: &[Record], headers: bool) -> Result<Vec<u8>> {
    let batch = batch(topic, partition, records, headers)?;
    ipc::write(&batch.schema(), [&batch])
}

/// Reads records that are written: topic, partition if it is given, and the record, whose offset and time say nothing.
///
/// # Errors
/// `CORRUPT_BLOCK` if the bytes are not an Arrow stream of the columns [`written`], or a topic is null.
pub fn records(block: &Buffer) -> Result<Vec<(String, Option<i32>, Record)>> {
    let wrong = || {
        SparkError::new(
            Exception::Runtime,
            "CORRUPT_BLOCK",
            "XX001",
            "A block is not records to write.",
        )
    };
    let types = |schema: &Schema| {
        schema
            .fields()
            .iter()
            .map(|f| f.data_type().clone())
            .collect::<Vec<_>>()
    };
    let mut records = Vec::new();
    for batch in ipc::read(block)? {
        if types(&batch.schema()) != types(&written()) {
            return Err(wrong());
        }
        let bytes = |column: usize, row: usize| {
            let column = batch.column(column).as_binary::<i32>();
            column.is_valid(row).then(|| column.value(row).to_vec())
        };
        let topics = batch.column(0).as_string::<i32>();
        let partitions = batch.column(1).as_primitive::<Int32Type>();
        let headers = batch.column(4).as_list::<i32>();
        for row in 0..batch.num_rows() {
            if topics.is_null(row) {
                return Err(wrong());
            }
            let entries = headers.is_valid(row).then(|| headers.value(row));
            let entries = entries.as_ref().map(|entries| entries.as_struct());
            let entry = |entries: &StructArray, at: usize| {
                let (keys, values) = (
                    entries.column(0).as_string::<i32>(),
                    entries.column(1).as_binary::<i32>(),
                );
                (
                    keys.value(at).to_owned(),
                    values.is_valid(at).then(|| values.value(at).to_vec()),
                )
            };
            let record = Record {
                key: bytes(2, row),
                value: bytes(3, row),
                headers: entries.map_or(vec![], |of| (0..of.len()).map(|at| entry(of, at)).collect()),
                ..Record::default()
            };
            let partition = partitions.is_valid(row).then(|| partitions.value(row));
            records.push((topics.value(row).to_owned(), partition, record));
        }
    }
    Ok(records)
}

/// Returns the headers of records; null for one without any, as Spark has it.
fn headers_of(records: &[Record]) -> ArrayRef {
    let entries = StructBuilder::new(
        header_fields(),
        vec![Box::new(StringBuilder::new()), Box::new(BinaryBuilder::new())],
    );
    let mut lists = ListBuilder::new(entries);
    for record in records {
        for (key, value) in &record.headers {
            let entry = lists.values();
            if let Some(keys) = entry.field_builder::<StringBuilder>(0) {
                keys.append_value(key);
            }
            if let Some(values) = entry.field_builder::<BinaryBuilder>(1) {
                values.append_option(value.as_ref());
            }
            entry.append(true);
        }
        lists.append(!record.headers.is_empty());
    }
    Arc::new(lists.finish())
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{Int64Type, TimestampMicrosecondType};

    use super::*;

    #[test]
    fn records_become_rows_with_their_place_and_without_headers_a_null() {
        let one = Record {
            offset: 7,
            key: Some(b"k".to_vec()),
            value: None,
            timestamp_ms: Some(1_500),
            headers: vec![("h".into(), Some(b"x".to_vec())), ("h".into(), None)],
        };
        let other = Record {
            offset: 9,
            value: Some(vec![]),
            timestamp_ms: Some(i64::MAX),
            ..Record::default()
        };
        let rows = batch("t", 3, &[one, other], true).unwrap();
        assert_eq!(rows.schema(), schema(true));
        assert_eq!(
            rows.column(0).as_binary::<i32>().iter().collect::<Vec<_>>(),
            [Some(&b"k"[..]), None]
        );
        assert_eq!(
            rows.column(1).as_binary::<i32>().iter().collect::<Vec<_>>(),
            [None, Some(&b""[..])]
        );
        assert_eq!(rows.column(4).as_primitive::<Int64Type>().values(), &[7, 9]);
        let times = rows.column(5).as_primitive::<TimestampMicrosecondType>();
        assert_eq!(times.values(), &[1_500_000, i64::MAX]);
        let headers = rows.column(7).as_list::<i32>();
        assert_eq!((headers.value_length(0), headers.is_valid(1)), (2, false));
        let entry = headers.value(0);
        let values = entry.as_struct().column(1).as_binary::<i32>();
        assert_eq!(values.iter().collect::<Vec<_>>(), [Some(&b"x"[..]), None]);
    }
}
