//! Records of Kinesis as rows: `data`, `streamName`, `partitionKey`, `sequenceNumber` and `approximateArrivalTimestamp`, as the
//! connector of AWS has them.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BinaryArray, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::error::{Exception, Result, SparkError};
use crate::values::{ipc, types};

/// A record that is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// Its bytes.
    pub data: Vec<u8>,
    /// Its key.
    pub key: String,
    /// Its sequence number.
    pub sequence: String,
    /// When it came, µs since the epoch; `None` if the server does not say.
    pub arrived_us: Option<i64>,
}

/// Bytes that a record takes besides its data and its strings, about.
const RECORD_BYTES: usize = 128;

impl Record {
    /// Returns the bytes that it takes, about.
    pub fn bytes(&self) -> usize {
        self.data.len() + self.key.len() + self.sequence.len() + RECORD_BYTES
    }
}

/// Returns the columns of a stream of records.
pub fn columns() -> Vec<Field> {
    vec![
        Field::new("data", DataType::Binary, true),
        Field::new("streamName", DataType::Utf8, true),
        Field::new("partitionKey", DataType::Utf8, true),
        Field::new("sequenceNumber", DataType::Utf8, true),
        Field::new("approximateArrivalTimestamp", types::timestamp(), true),
    ]
}

/// Returns records of a stream as an Arrow stream of rows.
///
/// # Errors
/// Arrow's, if the columns do not make a batch.
pub fn block(stream: &str, records: &[Record]) -> Result<Vec<u8>> {
    let schema = Arc::new(Schema::new(columns()));
    let times: TimestampMicrosecondArray = records.iter().map(|r| r.arrived_us).collect();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(BinaryArray::from_iter_values(records.iter().map(|r| &r.data))),
        Arc::new(StringArray::from_iter_values(records.iter().map(|_| stream))),
        Arc::new(StringArray::from_iter_values(records.iter().map(|r| &r.key))),
        Arc::new(StringArray::from_iter_values(records.iter().map(|r| &r.sequence))),
        Arc::new(times.with_data_type(types::timestamp())),
    ];
    let batch = RecordBatch::try_new(schema.clone(), columns)?;
    ipc::write(&schema, [&batch])
}

/// Returns the columns of records that are written, in their order.
pub fn written() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("partitionKey", DataType::Utf8, true),
        Field::new("data", DataType::Binary, true),
    ]))
}

/// Reads records that are written: key and bytes.
///
/// # Errors
/// `CORRUPT_BLOCK` if the bytes are not an Arrow stream of the columns [`written`], or one is null.
pub fn records(block: &Buffer) -> Result<Vec<(String, Vec<u8>)>> {
    let wrong = || {
        SparkError::new(
            Exception::Runtime,
            "CORRUPT_BLOCK",
            "XX001",
            "A block is not records to write.",
        )
    };
    let mut records = Vec::new();
    for batch in ipc::read(block)? {
        let (Some(keys), Some(data)) = (
            batch.columns().first().and_then(|c| c.as_string_opt::<i32>()),
            batch.columns().get(1).and_then(|c| c.as_binary_opt::<i32>()),
        ) else {
            return Err(wrong());
        };
        for (key, data) in keys.iter().zip(data) {
            let (key, data) = key.zip(data).ok_or_else(wrong)?;
            records.push((key.to_owned(), data.to_vec()));
        }
    }
    Ok(records)
}
