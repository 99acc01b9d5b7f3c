//! Blocks that say where they come from: the first line is a mark, as JSON, and the data follows.
//!
//! The mark of a block, such as the id of a server-sent event or the offset of an item of the page, is kept with the records. So a
//! restart learns from the write-ahead log alone after which record its source goes on, and a mark is durable just when its records
//! are.

use arrow::buffer::Buffer;
use serde_json::Value;

use super::queue::Queue;

/// Returns data as a block with this mark.
///
/// ```
/// use rivulet::sources::marked;
///
/// let block = marked::block(&7.into(), b"{\"a\":1}\n");
/// assert_eq!(block.as_slice(), b"7\n{\"a\":1}\n");
/// assert_eq!(marked::mark(&block), Some(7.into()));
/// assert_eq!(marked::data(block).as_slice(), b"{\"a\":1}\n");
/// ```
pub fn block(mark: &Value, data: &[u8]) -> Buffer {
    let mut bytes = mark.to_string().into_bytes();
    bytes.reserve_exact(1 + data.len());
    bytes.push(b'\n');
    bytes.extend_from_slice(data);
    Buffer::from(bytes)
}

/// Returns the length of a block's first line.
fn line(block: &Buffer) -> Option<usize> {
    block.iter().position(|byte| *byte == b'\n')
}

/// Returns the mark of a block; `None` if it has none.
pub fn mark(block: &Buffer) -> Option<Value> {
    serde_json::from_slice(&block[..line(block)?]).ok()
}

/// Returns the data of a block. A block without a first line, such as the empty one in place of a record that was too large, is
/// returned as it is.
pub fn data(block: Buffer) -> Buffer {
    match line(&block) {
        Some(end) => block.slice(end + 1),
        None => block,
    }
}

/// Returns the mark of the last of the first `blocks` blocks, if it waits in the queue.
pub(super) fn mark_at(queue: &Queue, blocks: i64) -> Option<Value> {
    queue.block(blocks - 1).and_then(mark)
}

/// Returns the mark of the last block that has come, if it still waits in the queue.
pub(super) fn last_mark(queue: &Queue) -> Option<Value> {
    queue.last().and_then(mark)
}
