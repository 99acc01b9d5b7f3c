//! A batch's blocks over the partitions of a scan.

use std::collections::BTreeMap;

use arrow::buffer::Buffer;

use crate::ids::{PartitionId, ScanId, ScanPart};

/// Deals a source's blocks out over the partitions of its scan; a single large text block is cut at line ends, so that
/// all executors share the parsing.
///
/// Neighbours stay neighbours: read one after the other, the partitions have the order of the source. `lines` says
/// whether blocks may be cut at line ends; blocks under 64 KiB never are. Nothing is copied, pieces are slices of the
/// blocks.
pub fn deal(blocks: Vec<Buffer>, lines: bool, scan: ScanId, partitions: usize) -> BTreeMap<ScanPart, Vec<Buffer>> {
    /// Smallest block that is cut.
    const WORTH_CUTTING_BYTES: usize = 64 << 10;
    let mut pieces = Vec::new();
    let few = blocks.len() < partitions;
    for block in blocks {
        if lines && few && block.len() >= WORTH_CUTTING_BYTES {
            pieces.extend(cut(&block, partitions));
        } else {
            pieces.push(block);
        }
    }
    let mut dealt: BTreeMap<ScanPart, Vec<Buffer>> = BTreeMap::new();
    // Runs of neighbours, so that the partitions one after the other have the order of the source.
    let (count, partitions) = (pieces.len(), partitions.max(1));
    for (i, piece) in pieces.into_iter().enumerate() {
        let partition = PartitionId(i * partitions / count);
        dealt.entry(ScanPart { scan, partition }).or_default().push(piece);
    }
    dealt
}

/// Cuts a block into at most `parts` pieces of about the same number of bytes, each ending after a line's end.
///
/// A line longer than a piece makes fewer pieces; none is empty.
fn cut(block: &Buffer, parts: usize) -> Vec<Buffer> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_cut_at_line_ends_and_nothing_is_lost() {
        let text: String = (0..20_000).map(|i| format!("{{\"n\":{i}}}\n")).collect();
        let block = Buffer::from(text.clone().into_bytes());
        for parts in 1..5 {
            let dealt = deal(vec![block.clone()], true, ScanId(0), parts);
            assert_eq!(dealt.len(), parts);
            let joined: Vec<u8> = dealt.values().flatten().flat_map(|b| b.to_vec()).collect();
            assert_eq!(joined, text.as_bytes());
            assert!(dealt.values().flatten().all(|b| b.last() == Some(&b'\n')));
        }
    }
}
