//! Blocks: Arrow IPC streams, the one form of rows outside operators.
//!
//! Shuffle blocks, cached partitions, state and results all cross threads, workers and disks as such
//! bytes. A stream begins with its schema, so a block can be read by itself.

use std::borrow::Borrow;
use std::collections::HashMap;

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::ipc::reader::{RecordBatchDecoder, read_dictionary};
use arrow::ipc::writer::StreamWriter;
use bytes::Bytes;

use self::verify::{Kind, Message, Messages};
use crate::error::{Result, SparkError};

#[cfg(test)]
mod mutations;
mod verify;

/// Writes batches of one schema as a stream; without batches, it still holds the schema. A batch that is passed by value is
/// dropped once it is written.
///
/// ```
/// use std::sync::Arc;
/// use arrow::array::{ArrayRef, Int64Array, RecordBatch};
/// use arrow::buffer::Buffer;
/// use rivulet::values::ipc;
///
/// let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
/// let batch = RecordBatch::try_from_iter([("id", ids)])?;
/// let block = ipc::write(&batch.schema(), &[batch.clone()])?;
/// assert_eq!(ipc::read(&Buffer::from(block))?, [batch]);
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
///
/// # Errors
/// If Arrow cannot write a batch, such as one of another schema.
pub fn write(schema: &Schema, batches: impl IntoIterator<Item: Borrow<RecordBatch>>) -> Result<Vec<u8>> {
    let mut writer = StreamWriter::try_new(Vec::new(), schema)?;
    for batch in batches {
        writer.write(batch.borrow())?;
    }
    writer.finish()?;
    Ok(writer.into_inner()?)
}

/// Reads a stream without copying its columns: the batches share the block's memory and keep it alive.
///
/// Every length in it is checked before Arrow reads it: damaged bytes end in an error, or in rows.
///
/// # Errors
/// If the bytes are not a whole Arrow IPC stream, `CORRUPT_BLOCK`.
pub fn read(block: &Buffer) -> Result<Vec<RecordBatch>> {
    read_batches(block).map_err(|why| {
        SparkError::new(
            crate::error::Exception::Runtime,
            "CORRUPT_BLOCK",
            "XX001",
            format!("A block is not an Arrow IPC stream: {why}."),
        )
        .by(crate::error::Fault::Engine)
    })
}

/// A block that others share.
struct Owned(Buffer);

impl AsRef<[u8]> for Owned {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// Reads a stream; an error says what is wrong with it.
fn read_batches(block: &Buffer) -> Result<Vec<RecordBatch>, verify::Flaw> {
    let mut messages = Messages::new(block);
    let mut dictionaries = HashMap::new();
    let mut batches = Vec::new();
    // Each batch owns its part of the block: counters of memory count whole allocations.
    let shared = Bytes::from_owner(Owned(block.clone()));
    while let Some(Message { kind, version, body }) = messages.next()? {
        let schema = messages.schema.clone().ok_or("it has no schema")?;
        let body = Buffer::from(shared.slice(body));
        match kind {
            Kind::Schema => {}
            Kind::Batch(batch) => {
                let decoder = RecordBatchDecoder::try_new(&body, batch, schema, &dictionaries, &version);
                batches.push(decoder.and_then(|d| d.read_record_batch()).map_err(|e| e.to_string())?);
            }
            Kind::Dictionary(values) => {
                read_dictionary(&body, values, &schema, &mut dictionaries, &version).map_err(|e| e.to_string())?;
            }
        }
    }
    if messages.schema.is_none() && !block.is_empty() {
        return Err("it has no schema".into());
    }
    Ok(batches)
}

/// Checks a stream as [`read`] does, but reads no values; returns its columns, and how many rows it has.
///
/// # Errors
/// What is wrong with it, as the end of a sentence.
pub fn outline(block: &[u8]) -> Result<(SchemaRef, usize), String> {
    let mut messages = Messages::new(block);
    let mut rows = 0_usize;
    while let Some(message) = messages.next()? {
        if let Kind::Batch(batch) = message.kind {
            rows = rows.saturating_add(usize::try_from(batch.length()).unwrap_or_default());
        }
    }
    let schema = messages.schema.ok_or("it has no schema")?;
    Ok((schema, rows))
}

/// Checks a stream as [`read`] does, but reads no values; returns its columns.
///
/// # Errors
/// What is wrong with it, as the end of a sentence.
pub fn schema_of(block: &[u8]) -> Result<SchemaRef, String> {
    Ok(outline(block)?.0)
}

/// Reads several blocks into batches of one schema: columns by position, under the schema's names.
///
/// # Errors
/// If a block is corrupt, as in [`read`], or its columns do not have the schema's types.
pub fn read_all(blocks: &[Buffer], schema: &SchemaRef) -> Result<Vec<RecordBatch>> {
    let mut out = Vec::new();
    for block in blocks {
        for batch in read(block)? {
            out.push(rename(&batch, schema)?);
        }
    }
    Ok(out)
}

/// Returns the same columns under another schema's names; a batch without columns keeps its row count.
///
/// # Errors
/// If the types differ from the schema's, or a column that the schema calls not null has nulls.
pub fn rename(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(
        schema.clone(),
        batch.columns().to_vec(),
        &options,
    )?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::Int64Array;
    use arrow::datatypes::{DataType, Field};
    use std::sync::Arc;

    #[test]
    fn a_cut_block_is_an_error_and_not_a_panic() {
        let schema = Schema::new(vec![Field::new("a", DataType::Int64, true)]);
        let batch = RecordBatch::try_new(
            Arc::new(schema.clone()),
            vec![Arc::new(Int64Array::from(vec![1, 2, 3]))],
        )
        .unwrap();
        let bytes = write(&schema, &[batch]).unwrap();
        for cut in 1..bytes.len() - 8 {
            if let Ok(batches) = read(&Buffer::from(bytes[..cut].to_vec())) {
                assert!(batches.iter().map(RecordBatch::num_rows).sum::<usize>() <= 3);
            }
        }
        assert_eq!(read(&Buffer::from(bytes)).unwrap()[0].num_rows(), 3);
    }

    #[test]
    fn batches_of_a_stream_stand_for_their_own_part_of_its_memory() {
        let column: arrow::array::ArrayRef = Arc::new(Int64Array::from_iter_values(0..10_000));
        let batch = RecordBatch::try_from_iter([("n", column)]).unwrap();
        let block = Buffer::from(write(&batch.schema(), vec![batch; 20]).unwrap());
        let read = read(&block).unwrap();
        let counted: usize = read.iter().map(RecordBatch::get_array_memory_size).sum();
        assert!(
            counted >= 1_600_000 && counted < 2 * block.len(),
            "{counted} of {}",
            block.len()
        );
    }
}
