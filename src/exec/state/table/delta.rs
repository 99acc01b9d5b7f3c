//! The bytes in which a table's changes, and snapshots of it, leave and come back.

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;

use super::layout::Layout;
use crate::error::Result;
use crate::exec::state::{corrupt, one};
use crate::values::ipc;

/// The change of one batch: the rows that it changed, pane by pane, then the watermark up to which windows were closed.
pub(super) struct StateDelta;

impl StateDelta {
    /// The first bytes of a delta.
    const MAGIC: [u8; 4] = *b"RSD2";

    /// How many bytes come before the rows.
    const HEAD: usize = 24;

    /// Returns a delta: mark, whether there is a watermark, the watermark (µs), the length of a pane (µs, 0 if each is a
    /// window of its own), then the rows as an Arrow stream that is aligned to eight bytes.
    pub(super) fn encode(layout: &Layout, rows: Vec<RecordBatch>, closed_until: Option<i64>) -> Result<Vec<u8>> {
        let mut out = Vec::from(Self::MAGIC);
        // Flag and numbers fill twenty bytes, so that the stream after them stays aligned to eight.
        out.extend_from_slice(&u32::from(closed_until.is_some()).to_le_bytes());
        out.extend_from_slice(&closed_until.unwrap_or_default().to_le_bytes());
        out.extend_from_slice(&Self::pane(layout).to_le_bytes());
        out.extend(ipc::write(&layout.schema, &[one(&layout.schema, &rows)?])?);
        Ok(out)
    }

    /// Returns the length of a pane as a delta has it.
    fn pane(layout: &Layout) -> i64 {
        layout.windows.map_or(0, |windows| windows.pane_us)
    }

    /// Reads a delta: the watermark, and the stream of rows.
    pub(super) fn decode(layout: &Layout, bytes: &Buffer) -> Result<(Option<i64>, Buffer)> {
        if bytes.len() < Self::HEAD || bytes[..4] != Self::MAGIC {
            return Err(corrupt("it does not start with its mark"));
        }
        let word = |at: usize| {
            let mut word = [0u8; 8];
            word.copy_from_slice(&bytes[at..at + 8]);
            i64::from_le_bytes(word)
        };
        if word(16) != Self::pane(layout) {
            return Err(corrupt("its windows have another length or slide"));
        }
        let closed = (bytes[4] == 1).then(|| word(8));
        Ok((closed, bytes.slice(Self::HEAD)))
    }
}
