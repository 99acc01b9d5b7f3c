//! Avro's binary encoding (Apache Avro's specification, "Binary Encoding"), as far as Flume's events and calls need it.
//!
//! What is read comes from outside: a length may lie, a count may be huge or negative. Nothing is reserved on the word of such a number,
//! and every count has a limit, so that bytes that are not what they say end in a [`Malformed`] and never in a panic or a full memory.

use thiserror::Error;

/// Most bytes of a number: seven bits are in each.
const MOST_DIGITS: u32 = 10;

/// What is wrong with bytes that are not what they should be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Malformed {
    /// They end in the middle of a value.
    #[error("the data ends in the middle of a value")]
    Ended,
    /// A number has more bytes than one can have.
    #[error("a number is longer than 64 bits")]
    LongNumber,
    /// A length or a count is below zero.
    #[error("a length or a count is negative")]
    Negative,
    /// There is more of something than is allowed.
    #[error("there are more than {most} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many are allowed.
        most: usize,
    },
    /// A text is not UTF-8.
    #[error("a text is not UTF-8")]
    NotText,
    /// A value is none of those that there are.
    #[error("{0} is not one of those that there are")]
    Unknown(&'static str),
    /// Bytes follow where nothing should.
    #[error("bytes follow after the end")]
    Trailing,
}

/// Reads values one after the other.
///
/// ```
/// use rivulet::sources::flume::avro::Reader;
///
/// let mut reader = Reader::new(&[0x06, 0x66, 0x6f, 0x6f]);
/// assert_eq!(reader.string(16), Ok("foo"));
/// assert!(reader.long().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Begins at the first of these bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Returns the bytes that are not read.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Checks that all is read.
    ///
    /// # Errors
    /// [`Malformed::Trailing`].
    pub fn end(&self) -> Result<(), Malformed> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(Malformed::Trailing)
        }
    }

    /// Reads a number of bytes.
    ///
    /// # Errors
    /// [`Malformed::Ended`].
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Malformed::Ended)?;
        self.rest = rest;
        Ok(taken)
    }

    /// Reads an `int` or a `long`: seven bits a byte, the lowest first, zig-zag.
    ///
    /// # Errors
    /// [`Malformed::Ended`], [`Malformed::LongNumber`].
    pub fn long(&mut self) -> Result<i64, Malformed> {
        let mut zigzag = 0_u64;
        for digit in 0..MOST_DIGITS {
            let byte = self.take(1)?[0];
            let bits = u64::from(byte & 0x7f);
            // Of the tenth byte one bit is left.
            if digit == MOST_DIGITS - 1 && bits > 1 {
                return Err(Malformed::LongNumber);
            }
            zigzag |= bits << (7 * digit);
            if byte & 0x80 == 0 {
                return Ok((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64));
            }
        }
        Err(Malformed::LongNumber)
    }

    /// Reads a `boolean`.
    ///
    /// # Errors
    /// [`Malformed::Ended`]; [`Malformed::Unknown`] for a byte that is neither 0 nor 1.
    pub fn boolean(&mut self) -> Result<bool, Malformed> {
        match self.take(1)?[0] {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed::Unknown("a boolean")),
        }
    }

    /// Reads the place of a union's branch or of an enum's symbol, of which there are `count`.
    ///
    /// # Errors
    /// [`Malformed::Unknown`] if the place does not exist, and as [`Reader::long`].
    pub fn place(&mut self, what: &'static str, count: usize) -> Result<usize, Malformed> {
        let place = usize::try_from(self.long()?).ok().filter(|place| *place < count);
        place.ok_or(Malformed::Unknown(what))
    }

    /// Reads `bytes` of a length up to `most`.
    ///
    /// # Errors
    /// [`Malformed::Negative`], [`Malformed::TooMany`], [`Malformed::Ended`].
    pub fn bytes(&mut self, most: usize) -> Result<&'a [u8], Malformed> {
        let length = usize::try_from(self.long()?).map_err(|_| Malformed::Negative)?;
        if length > most {
            return Err(Malformed::TooMany { what: "bytes", most });
        }
        self.take(length)
    }

    /// Reads a `string` of a length up to `most` bytes.
    ///
    /// # Errors
    /// As [`Reader::bytes`], and [`Malformed::NotText`].
    pub fn string(&mut self, most: usize) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.bytes(most)?).map_err(|_| Malformed::NotText)
    }

    /// Reads the blocks of an array or a map: calls `item` for each of up to `most` items, which takes at least one byte each. A block
    /// whose count is negative says its size, too; that is held against what its items take.
    ///
    /// # Errors
    /// Those of `item`; [`Malformed::TooMany`], [`Malformed::Negative`] for a size that is not that of the block.
    pub fn blocks(
        &mut self,
        what: &'static str,
        most: usize,
        mut item: impl FnMut(&mut Self) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        let mut left = most;
        loop {
            let count = self.long()?;
            let size = if count < 0 {
                Some(usize::try_from(self.long()?).map_err(|_| Malformed::Negative)?)
            } else {
                None
            };
            let count = count.unsigned_abs();
            if count == 0 {
                return Ok(());
            }
            let count = usize::try_from(count).ok().filter(|count| *count <= left);
            let count = count.ok_or(Malformed::TooMany { what, most })?;
            left -= count;
            let before = self.rest.len();
            if count > before {
                return Err(Malformed::Ended);
            }
            for _ in 0..count {
                item(self)?;
            }
            if size.is_some_and(|size| size != before - self.rest.len()) {
                return Err(Malformed::Unknown("the size of a block"));
            }
        }
    }
}

/// Writes a `long`.
///
/// ```
/// use rivulet::sources::flume::avro::write_long;
///
/// let mut out = vec![];
/// write_long(&mut out, -64);
/// assert_eq!(out, [0x7f]);
/// ```
pub fn write_long(out: &mut Vec<u8>, value: i64) {
    let mut zigzag = ((value << 1) ^ (value >> 63)) as u64;
    while zigzag >= 0x80 {
        out.push(zigzag as u8 | 0x80);
        zigzag >>= 7;
    }
    out.push(zigzag as u8);
}

/// Writes `bytes`, or a `string`.
pub fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    write_long(out, bytes.len() as i64);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of Avro's specification, and both ends of the range.
    #[test]
    fn numbers_are_those_of_the_specification() {
        for (value, bytes) in [
            (0, &[0x00][..]),
            (-1, &[0x01]),
            (1, &[0x02]),
            (-2, &[0x03]),
            (2, &[0x04]),
            (-64, &[0x7f]),
            (64, &[0x80, 0x01]),
            (i64::MAX, &[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
            (i64::MIN, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
        ] {
            let mut out = vec![];
            write_long(&mut out, value);
            assert_eq!(out, bytes, "{value}");
            assert_eq!(Reader::new(bytes).long(), Ok(value));
        }
        assert_eq!(Reader::new(&[0xff; 11]).long(), Err(Malformed::LongNumber));
        assert_eq!(Reader::new(&[0x80]).long(), Err(Malformed::Ended));
    }

    /// The specification's examples: the record {27, "foo"}, and the array [3, 27].
    #[test]
    fn records_and_arrays_are_those_of_the_specification() {
        let mut record = Reader::new(&[0x36, 0x06, 0x66, 0x6f, 0x6f]);
        assert_eq!((record.long(), record.string(3)), (Ok(27), Ok("foo")));
        let read = |bytes: &[u8]| {
            let mut found = vec![];
            let mut reader = Reader::new(bytes);
            reader
                .blocks("numbers", 4, |r| r.long().map(|n| found.push(n)))
                .and_then(|()| reader.end())
                .map(|()| found)
        };
        assert_eq!(read(&[0x04, 0x06, 0x36, 0x00]), Ok(vec![3, 27]));
        assert_eq!(read(&[0x03, 0x04, 0x06, 0x36, 0x00]), Ok(vec![3, 27]), "with its size");
        assert_eq!(read(&[0x02, 0x06, 0x02, 0x36, 0x00]), Ok(vec![3, 27]), "in two blocks");
    }

    #[test]
    fn lengths_and_counts_that_lie_are_refused_before_anything_is_reserved() {
        let count = |count: i64, more: &[u8]| {
            let mut bytes = vec![];
            write_long(&mut bytes, count);
            bytes.extend_from_slice(more);
            let mut calls = 0;
            let read = Reader::new(&bytes).blocks("things", 1_000, |r| {
                calls += 1;
                r.long().map(|_| ())
            });
            (read, calls)
        };
        let many = Malformed::TooMany {
            what: "things",
            most: 1_000,
        };
        for huge in [i64::MAX, i64::MIN, 1_001, -1_001] {
            assert_eq!(count(huge, &[0x02; 4]), (Err(many.clone()), 0), "{huge}");
        }
        assert_eq!(
            count(900, &[0; 8]),
            (Err(Malformed::Ended), 0),
            "more than there are bytes"
        );
        assert_eq!(
            count(-2, &[0x08, 0, 0, 0]).0,
            Err(Malformed::Unknown("the size of a block"))
        );
        assert_eq!(count(-2, &[0x01, 0, 0]).0, Err(Malformed::Negative));
        let mut length = vec![];
        write_long(&mut length, 1 << 40);
        assert!(matches!(Reader::new(&length).bytes(9), Err(Malformed::TooMany { .. })));
        write_long(&mut length, -5);
        assert_eq!(Reader::new(&[0x09]).bytes(9), Err(Malformed::Negative));
        assert_eq!(Reader::new(&[0x06, 1]).bytes(9), Err(Malformed::Ended));
        assert_eq!(Reader::new(&[0x02, 0xff]).string(9), Err(Malformed::NotText));
        assert!(Reader::new(&[0x02]).boolean().is_err() && Reader::new(&[0x06]).place("a branch", 2).is_err());
    }
}
