//! Records of a source that cannot have them twice, kept from their arrival until the batch that took them is
//! committed.
//!
//! A log is a folder of segments. A segment holds the blocks that came while the one before was being written, and is
//! named by the number of its first block, twenty digits long:
//!
//! ```text
//! RVWL   format version (4)   number of the first block (8)   count (4)   then per block: length (4), bytes
//!                                                                                    numbers are little-endian
//! ```
//!
//! A segment that a crash has torn was never acknowledged: it counts as absent, and its numbers are given again. One
//! write is in progress at a time; the blocks that come meanwhile make the next segment, so a slow disk makes larger
//! segments.

use std::collections::VecDeque;

use arrow::buffer::Buffer;

use super::facts::{Facts, Known};
use crate::error::{Result, SparkError};
use crate::storage::{Request, corrupt};

/// The first bytes of a segment.
const MAGIC: &[u8; 4] = b"RVWL";
/// Version of the format.
const VERSION: u32 = 1;
/// Length of a segment's head.
const HEAD_BYTES: usize = 20;

/// Which segments exist, and what is being written.
///
/// ```
/// use arrow::buffer::Buffer;
/// use rivulet::storage::wal::{Kept, Wal};
///
/// let mut wal = Wal::new("src/wal".into(), &Kept::default());
/// assert!(wal.add(Buffer::from(b"a")).is_some());
/// assert!(wal.add(Buffer::from(b"b")).is_none());
/// let (durable, next) = wal.written();
/// assert_eq!((durable.len(), wal.durable()), (1, 1));
/// assert!(next.is_some());
/// ```
#[derive(Debug, Default)]
pub struct Wal {
    /// The log's folder.
    folder: String,
    /// (first block, number of blocks) of durable segments, oldest first; those that an earlier run had committed count
    /// none.
    segments: VecDeque<(i64, i64)>,
    /// Blocks that wait for the write in progress to end.
    gathering: Vec<Buffer>,
    /// Blocks of the write in progress.
    writing: Vec<Buffer>,
    /// Blocks that are durable, counted from the first ever.
    durable: i64,
}

/// What a restart finds.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Kept {
    /// (first block, number of blocks) of segments, oldest first; 0 for those that were not read, since all was
    /// committed.
    pub segments: VecDeque<(i64, i64)>,
    /// Blocks from the wanted one on.
    pub blocks: VecDeque<Buffer>,
    /// Blocks that are durable, counted from the first ever.
    pub durable: i64,
}

/// Returns a segment.
fn encode(first: i64, blocks: &[Buffer]) -> Vec<u8> {
    let mut file = Vec::with_capacity(HEAD_BYTES + blocks.iter().map(|b| 4 + b.len()).sum::<usize>());
    file.extend_from_slice(MAGIC);
    file.extend(VERSION.to_le_bytes());
    file.extend((first as u64).to_le_bytes());
    file.extend((blocks.len() as u32).to_le_bytes());
    for block in blocks {
        file.extend((block.len() as u32).to_le_bytes());
        file.extend_from_slice(block);
    }
    file
}

/// Reads a segment: its first number, and its blocks as slices of the file.
///
/// # Errors
/// `CHECKPOINT_CORRUPT` if it is not a segment, or not whole.
fn decode(path: &str, file: &Buffer) -> Result<(i64, Vec<Buffer>)> {
    let word = |at: usize| -> Option<u32> { Some(u32::from_le_bytes(file.get(at..at + 4)?.try_into().ok()?)) };
    let read = || -> Option<(i64, Vec<Buffer>)> {
        if file.get(..4)? != MAGIC || word(4)? != VERSION {
            return None;
        }
        let first = u64::from(word(8)?) | u64::from(word(12)?) << 32;
        let mut blocks = Vec::new();
        let mut at = HEAD_BYTES;
        for _ in 0..word(16)? {
            let length = word(at)? as usize;
            file.get(at + 4..at + 4 + length)?;
            blocks.push(file.slice_with_length(at + 4, length));
            at += 4 + length;
        }
        (at == file.len()).then_some((first as i64, blocks))
    };
    read().ok_or_else(|| corrupt(path, &format!("{path} is not a segment of a write-ahead log")))
}

/// Reads a log; blocks before `from` are skipped, whole segments of them are not read.
///
/// # Errors
/// Pauses until the segments are read. `CHECKPOINT_CORRUPT` for a gap between segments, or one before `from`: records
/// are gone that are still wanted.
pub fn read(facts: &Facts, folder: &str, from: i64) -> Known<Kept> {
    let mut firsts: Vec<i64> = super::facts::batch_ids(facts.list(folder)?).collect();
    firsts.sort_unstable();
    // Segments before the one that may hold `from` are committed: a crash may have left some and not others.
    let begin = firsts.iter().rposition(|first| *first <= from).unwrap_or(0);
    let old: Vec<i64> = firsts.drain(..begin).collect();
    let paths: Vec<String> = firsts.iter().map(|first| path(folder, *first)).collect();
    facts.want_all(&paths)?;
    let mut kept = Kept {
        segments: old.into_iter().map(|first| (first, 0)).collect(),
        durable: from,
        ..Kept::default()
    };
    let mut next = None;
    for (at, path) in paths.iter().enumerate() {
        let last = at + 1 == paths.len();
        let file = if last {
            facts.read_if_whole(path)?
        } else {
            facts.read(path)?
        };
        let Some(file) = file else { break };
        let (first, blocks) = decode(path, file)?;
        let count = blocks.len() as i64;
        if first > next.unwrap_or(from).max(from) {
            return Err(corrupt(path, &format!("records before {path} are missing")).into());
        }
        kept.segments.push_back((first, count));
        let skip = usize::try_from(from - first).unwrap_or(0);
        kept.blocks.extend(blocks.into_iter().skip(skip));
        next = Some(first + count);
    }
    kept.durable = next.unwrap_or(from).max(from);
    Ok(kept)
}

/// Returns the file of a segment.
fn path(folder: &str, first: i64) -> String {
    format!("{folder}/{first:020}")
}

impl Wal {
    /// Returns the log in a folder as [`read`] found it.
    pub fn new(folder: String, kept: &Kept) -> Self {
        Self {
            folder,
            segments: kept.segments.clone(),
            durable: kept.durable,
            ..Self::default()
        }
    }

    /// Returns how many blocks are durable, counted from the first ever.
    pub fn durable(&self) -> i64 {
        self.durable
    }

    /// Returns the bytes that are not durable yet.
    pub fn waiting_bytes(&self) -> usize {
        self.gathering.iter().chain(&self.writing).map(Buffer::len).sum()
    }

    /// Returns whether blocks are not durable yet.
    pub fn is_behind(&self) -> bool {
        !self.gathering.is_empty() || !self.writing.is_empty()
    }

    /// Takes a block; returns the write to carry out, unless one is in progress.
    pub fn add(&mut self, block: Buffer) -> Option<Request> {
        self.gathering.push(block);
        self.next_write()
    }

    /// Returns the write of what has gathered, unless one is in progress or nothing has.
    fn next_write(&mut self) -> Option<Request> {
        if !self.writing.is_empty() || self.gathering.is_empty() {
            return None;
        }
        self.writing = std::mem::take(&mut self.gathering);
        Some(Request::Write {
            path: path(&self.folder, self.durable),
            bytes: Buffer::from(encode(self.durable, &self.writing)),
        })
    }

    /// Notes that the write in progress is durable; returns its blocks, and the next write.
    pub fn written(&mut self) -> (Vec<Buffer>, Option<Request>) {
        let blocks = std::mem::take(&mut self.writing);
        if !blocks.is_empty() {
            self.segments.push_back((self.durable, blocks.len() as i64));
            self.durable += blocks.len() as i64;
        }
        (blocks, self.next_write())
    }

    /// Notes that the write in progress has failed: its blocks wait again, in front of later ones.
    pub fn not_written(&mut self) {
        let later = std::mem::replace(&mut self.gathering, std::mem::take(&mut self.writing));
        self.gathering.extend(later);
    }

    /// Returns the blocks that no write has; their owner keeps them from now on.
    pub fn take_waiting(&mut self) -> Vec<Buffer> {
        std::mem::take(&mut self.gathering)
    }

    /// Returns deletions of the segments whose blocks all come before `committed`. The newest stays: it holds the
    /// count.
    pub fn purge(&mut self, committed: i64) -> Vec<Request> {
        let mut gone = Vec::new();
        while let Some((first, count)) = self.segments.front().copied() {
            if first + count > committed || self.segments.len() == 1 {
                break;
            }
            self.segments.pop_front();
            gone.push(Request::Delete {
                path: path(&self.folder, first),
            });
        }
        gone
    }
}

/// Returns the error of a broken invariant of the log's owner (`INTERNAL_ERROR`).
pub fn lost_blocks() -> SparkError {
    SparkError::internal("a batch wants records that its source does not hold")
}

#[cfg(test)]
mod tests {
    use super::super::facts::decide_over;
    use super::*;
    use crate::storage::Storage;
    use crate::storage::memory::Memory;

    fn block(text: &str) -> Buffer {
        Buffer::from(text.as_bytes())
    }

    fn kept(disk: &mut Memory, from: i64) -> Result<Kept> {
        decide_over(disk, |facts| read(facts, "/wal", from))
    }

    /// Adds blocks one by one, each written before the next comes.
    fn filled(blocks: &[&str]) -> (Wal, Memory) {
        let mut disk = Memory::default();
        let mut wal = Wal::new("/wal".into(), &Kept::default());
        for text in blocks {
            let write = wal.add(block(text)).expect("nothing is under way");
            disk.perform(&write).unwrap();
            assert_eq!(wal.written(), (vec![block(text)], None));
        }
        (wal, disk)
    }

    #[test]
    fn blocks_that_come_during_a_write_go_together_into_the_next() {
        let (mut disk, mut wal) = (Memory::default(), Wal::new("/wal".into(), &Kept::default()));
        let first = wal.add(block("a")).unwrap();
        assert_eq!((wal.add(block("b")), wal.add(block("c"))), (None, None));
        disk.perform(&first).unwrap();
        let (done, second) = wal.written();
        assert_eq!((done, wal.durable()), (vec![block("a")], 1));
        disk.perform(&second.unwrap()).unwrap();
        assert_eq!(wal.written(), (vec![block("b"), block("c")], None));
        let kept = kept(&mut disk, 1).unwrap();
        assert_eq!(Vec::from(kept.blocks), [block("b"), block("c")]);
        assert_eq!((kept.durable, Vec::from(kept.segments)), (3, vec![(0, 0), (1, 2)]));
    }

    #[test]
    fn what_is_committed_is_purged_and_the_count_goes_on() {
        let (mut wal, mut disk) = filled(&["a", "b", "c"]);
        for purge in wal.purge(3) {
            disk.perform(&purge).unwrap();
        }
        assert_eq!(disk.files.len(), 1);
        let kept = kept(&mut disk, 3).unwrap();
        assert_eq!((kept.durable, kept.blocks.len()), (3, 0));
    }

    #[test]
    fn of_committed_segments_a_crash_may_leave_any() {
        let (_, disk) = filled(&["a", "b", "c", "d", "e"]);
        for gone in [&[0, 1][..], &[1], &[1, 2], &[0, 1, 2]] {
            let mut left = disk.clone();
            for first in gone {
                left.files.remove(&path("/wal", *first));
            }
            let kept = kept(&mut left, 3).unwrap();
            assert_eq!(
                (kept.durable, Vec::from(kept.blocks)),
                (5, vec![block("d"), block("e")]),
                "{gone:?}"
            );
            let mut wal = Wal::new(
                "/wal".into(),
                &Kept {
                    segments: kept.segments,
                    durable: 5,
                    ..Kept::default()
                },
            );
            wal.purge(5).iter().for_each(|purge| drop(left.perform(purge)));
            assert_eq!(left.files.len(), 1, "{gone:?}");
        }
    }

    #[test]
    fn a_missing_segment_is_an_error_and_an_absent_last_one_is_not() {
        let (_, disk) = filled(&["a", "b", "c"]);
        let mut torn = disk.clone();
        torn.files.remove(&path("/wal", 2));
        assert_eq!(kept(&mut torn, 0).unwrap().durable, 2);
        for missing in [0, 1] {
            let mut holed = disk.clone();
            holed.files.remove(&path("/wal", missing));
            let error = kept(&mut holed, 0).unwrap_err();
            assert!(error.message.contains("are missing"), "{error}");
        }
    }
}
