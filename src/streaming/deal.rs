//! A batch's blocks over the partitions of a scan.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;

use crate::ids::{PartitionId, ScanId, ScanPart};
use crate::sources::listing::is_facts;
use crate::values::ipc;

/// Where blocks may be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Nowhere.
    Never,
    /// At the ends of lines.
    Lines,
    /// Between the rows of an Arrow stream.
    Rows,
}

/// Smallest block of lines that is cut: a second task costs some 0.3 ms, and lines are read at 0.3 MB a millisecond, all in all.
const WORTH_CUTTING_LINES_BYTES: usize = 256 << 10;

/// Smallest Arrow stream that is cut.
const WORTH_CUTTING_ROWS_BYTES: usize = 512 << 10;

/// Fewest rows that a piece of an Arrow stream has.
const MIN_ROWS: usize = 4096;

/// Deals a source's blocks out over the partitions of its scan; a large block is cut if there are fewer than partitions, so
/// that all executors share the work.
///
/// Neighbours stay neighbours: read one after the other, the partitions have the order of the source. Pieces of text are
/// slices of their block; those of an Arrow stream are streams of their own, copied once. A short block is not cut, nor
/// one that cannot be read: whoever reads it says so. What tells of a file goes before each run of its pieces.
pub fn deal(blocks: Vec<Buffer>, cut: Cut, scan: ScanId, partitions: usize) -> BTreeMap<ScanPart, Vec<Buffer>> {
    // Each piece with the block that tells of its file.
    let mut pieces: Vec<(Option<Buffer>, Buffer)> = Vec::new();
    let few = blocks.iter().filter(|block| !is_facts(block)).count() < partitions;
    let mut file = None;
    for block in blocks {
        if is_facts(&block) {
            file = Some(block);
            continue;
        }
        let cut = match cut {
            Cut::Lines if few && block.len() >= WORTH_CUTTING_LINES_BYTES => Some(cut_lines(&block, partitions)),
            Cut::Rows if few && block.len() >= WORTH_CUTTING_ROWS_BYTES => cut_rows(&block, partitions),
            _ => None,
        };
        let cut = cut.unwrap_or_else(|| vec![block]);
        pieces.extend(cut.into_iter().map(|piece| (file.clone(), piece)));
    }
    let mut dealt: BTreeMap<ScanPart, Vec<Buffer>> = BTreeMap::new();
    let mut told: BTreeMap<ScanPart, Buffer> = BTreeMap::new();
    // Runs of neighbours, so that the partitions one after the other have the order of the source.
    let (count, partitions) = (pieces.len(), partitions.max(1));
    for (i, (file, piece)) in pieces.into_iter().enumerate() {
        let partition = PartitionId(i * partitions / count);
        let part = ScanPart { scan, partition };
        let own = dealt.entry(part).or_default();
        if let Some(file) = file
            && told.insert(part, file.clone()).is_none_or(|last| last != file)
        {
            own.push(file);
        }
        own.push(piece);
    }
    dealt
}

/// Puts blocks of lines together as one; a last line without an end gets one.
///
/// ```
/// use rivulet::streaming::deal::joined;
///
/// let blocks = ["{}\n", "", "1", "2\r\n"].map(|lines| lines.as_bytes().to_vec().into());
/// assert_eq!(joined(&blocks).as_slice(), b"{}\n1\n2\r\n");
/// ```
pub fn joined(blocks: &[Buffer]) -> Buffer {
    if let [one] = blocks {
        return one.clone();
    }
    let mut lines = Vec::with_capacity(blocks.iter().map(|block| block.len() + 1).sum());
    for block in blocks.iter().filter(|block| !block.is_empty()) {
        lines.extend_from_slice(block);
        if block.last() != Some(&b'\n') {
            lines.push(b'\n');
        }
    }
    lines.into()
}

/// Cuts a block into at most `parts` pieces of about the same number of bytes, each ending after a line's end.
///
/// A line longer than a piece makes fewer pieces; none is empty.
fn cut_lines(block: &Buffer, parts: usize) -> Vec<Buffer> {
    let mut pieces = Vec::new();
    let mut from = 0;
    for part in 1..=parts {
        let target = block.len() * part / parts;
        let to = if part == parts {
            block.len()
        } else {
            block[target..]
                .iter()
                .position(|b| *b == b'\n')
                .map_or(block.len(), |i| target + i + 1)
        };
        if to > from {
            pieces.push(block.slice_with_length(from, to - from));
            from = to;
        }
    }
    pieces
}

/// Cuts an Arrow stream into streams of about the same number of rows; `None` if it has few rows, or cannot be read.
fn cut_rows(block: &Buffer, parts: usize) -> Option<Vec<Buffer>> {
    let batches = ipc::read(block).ok()?;
    let total: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let parts = parts.min(total / MIN_ROWS);
    if parts < 2 {
        return None;
    }
    let schema = batches.first()?.schema();
    let piece = |part: usize| {
        let (from, to) = (total * part / parts, total * (part + 1) / parts);
        let mut start = 0;
        let mut own = Vec::new();
        for batch in &batches {
            let end = start + batch.num_rows();
            let (first, last) = (from.max(start), to.min(end));
            if first < last {
                own.push(batch.slice(first - start, last - first));
            }
            start = end;
        }
        Some(Buffer::from(ipc::write(&schema, &own).ok()?))
    };
    (0..parts).map(piece).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, DictionaryArray, Int64Array, StringArray, types::Int32Type};
    use arrow::compute::concat_batches;

    use super::*;

    #[test]
    fn an_arrow_stream_is_cut_by_rows_and_nothing_is_lost() {
        let batch = |from: i64, rows: i64| {
            let ids: ArrayRef = Arc::new(Int64Array::from_iter(
                (from..from + rows).map(|n| (n % 7 > 0).then_some(n)),
            ));
            let texts: ArrayRef = Arc::new(StringArray::from_iter(
                (from..from + rows).map(|n| (n % 5 > 0).then(|| format!("é{n}"))),
            ));
            let codes: ArrayRef = Arc::new(DictionaryArray::<Int32Type>::from_iter(
                (from..from + rows).map(|n| Some(["a", "b"][n as usize % 2])),
            ));
            RecordBatch::try_from_iter([("id", ids), ("text", texts), ("code", codes)]).unwrap()
        };
        let batches = [batch(0, 19_000), batch(19_000, 0), batch(19_000, 21_111)];
        let schema = batches[0].schema();
        let block = Buffer::from(ipc::write(&schema, &batches).unwrap());
        let whole = concat_batches(&schema, &batches).unwrap();
        for (partitions, pieces) in [(1, 1), (2, 2), (3, 3), (4, 4), (20, 9)] {
            let dealt = deal(vec![block.clone()], Cut::Rows, ScanId(0), partitions);
            assert_eq!(dealt.len(), pieces);
            let read: Vec<RecordBatch> = dealt.values().flatten().flat_map(|b| ipc::read(b).unwrap()).collect();
            assert_eq!(concat_batches(&schema, &read).unwrap(), whole);
        }
        let broken = Buffer::from(vec![7_u8; 100_000]);
        let dealt = deal(vec![broken.clone()], Cut::Rows, ScanId(0), 3);
        assert_eq!(dealt.into_values().flatten().collect::<Vec<_>>(), [broken]);
    }

    #[test]
    fn a_block_is_cut_at_line_ends_and_nothing_is_lost() {
        let text: String = (0..40_000).map(|i| format!("{{\"n\":{i}}}\n")).collect();
        let block = Buffer::from(text.clone().into_bytes());
        for parts in 1..5 {
            let dealt = deal(vec![block.clone()], Cut::Lines, ScanId(0), parts);
            assert_eq!(dealt.len(), parts);
            let joined: Vec<u8> = dealt.values().flatten().flat_map(|b| b.to_vec()).collect();
            assert_eq!(joined, text.as_bytes());
            assert!(dealt.values().flatten().all(|b| b.last() == Some(&b'\n')));
        }
    }
}
