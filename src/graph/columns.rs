//! What travels between supersteps: a few columns of numbers, as bytes.

use arrow::buffer::{Buffer, MutableBuffer};
use arrow::datatypes::{ArrowNativeType, ToByteSlice};

use crate::error::{Result, SparkError};

/// Columns of numbers; which are used, and what for, each algorithm says.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Columns {
    /// 64-bit whole numbers: ids, labels.
    pub longs: Vec<i64>,
    /// Doubles: ranks, factors.
    pub doubles: Vec<f64>,
    /// Counts, distances, lengths of lists.
    pub counts: Vec<u32>,
    /// Bits per vertex.
    pub flags: Vec<u8>,
}

/// The state of one partition after a superstep, or what it says of it to another partition.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct State {
    /// What the superstep did, if an algorithm has several kinds.
    pub phase: u32,
    /// How often it has begun anew, if it does.
    pub round: u32,
    /// When this is 0 everywhere, the algorithm is at its end: how many vertices changed, or whether more is to be done.
    pub active: u64,
    /// How many vertices changed, if more is to be done when none did.
    pub changed: u64,
    /// How many vertices are left to work on, if an algorithm removes some.
    pub remaining: u64,
    /// The values.
    pub columns: Columns,
}

/// Bytes before the columns.
const HEAD: usize = 4 + 4 + 8 + 8 + 8 + 4 * 4;

impl State {
    /// Returns the state as bytes: phase, round, active, changed, remaining, the four lengths, then the columns, all little-endian.
    pub fn encode(&self) -> Vec<u8> {
        let Columns {
            longs,
            doubles,
            counts,
            flags,
        } = &self.columns;
        let size = HEAD + 8 * (longs.len() + doubles.len()) + 4 * counts.len() + flags.len();
        let mut out = Vec::with_capacity(size);
        out.extend(self.phase.to_le_bytes());
        out.extend(self.round.to_le_bytes());
        out.extend(self.active.to_le_bytes());
        out.extend(self.changed.to_le_bytes());
        out.extend(self.remaining.to_le_bytes());
        for length in [longs.len(), doubles.len(), counts.len(), flags.len()] {
            out.extend((length as u32).to_le_bytes());
        }
        out.extend_from_slice(longs.as_slice().to_byte_slice());
        out.extend_from_slice(doubles.as_slice().to_byte_slice());
        out.extend_from_slice(counts.as_slice().to_byte_slice());
        out.extend_from_slice(flags);
        out
    }

    /// Reads a state.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` if the bytes are cut short.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader(bytes);
        let (phase, round) = (reader.u32()?, reader.u32()?);
        let (active, changed, remaining) = (reader.u64()?, reader.u64()?, reader.u64()?);
        let lengths = [reader.u32()?, reader.u32()?, reader.u32()?, reader.u32()?].map(|n| n as usize);
        Ok(Self {
            phase,
            round,
            active,
            changed,
            remaining,
            columns: Columns {
                longs: reader.longs(lengths[0])?,
                doubles: reader.doubles(lengths[1])?,
                counts: reader.counts(lengths[2])?,
                flags: reader.take(lengths[3])?.to_vec(),
            },
        })
    }
}

/// Reads numbers, little-endian, from the front of some bytes.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// Returns the next `length` bytes.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` if there are fewer; so for all readers.
    pub fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let cut = || SparkError::internal("a block of a graph is cut short");
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(cut)?;
        self.0 = rest;
        Ok(taken)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N)?);
        Ok(out)
    }

    fn list<T: ArrowNativeType>(&mut self, length: usize) -> Result<Vec<T>> {
        let bytes = self.take(length.saturating_mul(size_of::<T>()))?;
        // Copied as bytes, whatever their alignment is: many times as fast as number by number.
        let mut list = MutableBuffer::from(vec![T::default(); length]);
        list.as_slice_mut().copy_from_slice(bytes);
        let list = Buffer::from(list);
        Ok(list.into_vec().unwrap_or_else(|list| list.typed_data::<T>().to_vec()))
    }

    /// Returns the next number.
    pub fn u32(&mut self) -> Result<u32> {
        self.fixed().map(u32::from_le_bytes)
    }

    /// Returns the next number.
    pub fn u64(&mut self) -> Result<u64> {
        self.fixed().map(u64::from_le_bytes)
    }

    /// Returns the next numbers.
    pub fn longs(&mut self, length: usize) -> Result<Vec<i64>> {
        self.list(length)
    }

    /// Returns the next numbers.
    pub fn doubles(&mut self, length: usize) -> Result<Vec<f64>> {
        self.list(length)
    }

    /// Returns the next numbers.
    pub fn ints(&mut self, length: usize) -> Result<Vec<i32>> {
        self.list(length)
    }

    /// Returns the next numbers.
    pub fn counts(&mut self, length: usize) -> Result<Vec<u32>> {
        self.list(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_comes_back_from_its_bytes_and_every_shorter_text_is_refused() {
        let state = State {
            phase: 2,
            round: 3,
            active: 1 << 40,
            changed: 5,
            remaining: 7,
            columns: Columns {
                longs: vec![-1, i64::MAX],
                doubles: vec![0.5],
                counts: vec![9, 8, 7],
                flags: vec![1],
            },
        };
        let bytes = state.encode();
        assert_eq!(State::decode(&bytes).unwrap(), state);
        for length in 0..bytes.len() {
            assert!(State::decode(&bytes[..length]).is_err(), "{length}");
        }
    }
}
