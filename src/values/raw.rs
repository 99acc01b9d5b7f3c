//! Strings whose bytes are not UTF-8.
//!
//! Spark's strings are any bytes (`UTF8String`): a line of a text file, or a BINARY that is cast. Arrow's are UTF-8. A byte that is
//! not part of a character therefore stands in a string as one of 128 code points for private use, U+10EE80 to U+10EEFF; where bytes
//! become a string, those of such a code point stand as four of them, so that no two strings of bytes become one. Text that comes
//! as text (rows of a client, JSON, CSV, literals) is not looked through for them: there the 128 are taken for bytes. Strings go in by [`from_bytes()`], out by [`to_bytes()`] where bytes count and by [`shown()`] where people read.
//!
//! ```text
//! 61 FF C3 28    "a" U+10EEFF U+10EEC3 "("    to_bytes: 61 FF C3 28    shown: a��(    char_count: 3 (C3 takes the byte after it)
//! ```
//!
//! Functions that go by characters take each such byte as one. Strings of bytes are sorted by the code points that stand for them, after all characters; Spark sorts by the bytes.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, RecordBatch, StringArray};
use arrow::buffer::Buffer;
use arrow::datatypes::DataType;
use memchr::{memchr_iter, memmem};

use super::{ipc, nested};
use crate::error::Result;

/// The code point that stands for byte 0; only bytes from 0x80 are ever not a character.
const BYTES: u32 = 0x10_ee00;

/// How the code points that stand for bytes begin in UTF-8; the third byte is BA or BB.
const MARK: &[u8] = b"\xf4\x8e";

/// From how many bytes on it pays to prepare a search for two of them.
const SHORT_BYTES: usize = 256;

/// Returns the string of some bytes.
///
/// ```
/// use rivulet::values::raw::{from_bytes, to_bytes};
///
/// assert_eq!(from_bytes(b"plain"), "plain");
/// for bytes in [&b"a\xff\xc3("[..], b"\xed\xa0\x80", "\u{10eef0}".as_bytes()] {
///     assert_eq!(*to_bytes(&from_bytes(bytes)), *bytes);
/// }
/// assert_ne!(from_bytes("\u{10eef0}".as_bytes()), from_bytes(b"\xf0"));
/// ```
pub fn from_bytes(bytes: &[u8]) -> Cow<'_, str> {
    match simdutf8::basic::from_utf8(bytes) {
        Ok(text) if !has_raw(bytes) => Cow::Borrowed(text),
        _ => {
            let mut out = String::with_capacity(bytes.len() + 16);
            let raw = |bytes: &[u8], out: &mut String| {
                out.extend(bytes.iter().filter_map(|b| char::from_u32(BYTES + u32::from(*b))));
            };
            for chunk in bytes.utf8_chunks() {
                for c in chunk.valid().chars() {
                    match byte_of(c) {
                        None => out.push(c),
                        Some(_) => raw(c.encode_utf8(&mut [0; 4]).as_bytes(), &mut out),
                    }
                }
                raw(chunk.invalid(), &mut out);
            }
            Cow::Owned(out)
        }
    }
}

/// Returns the bytes of a string.
pub fn to_bytes(text: &str) -> Cow<'_, [u8]> {
    if !has_raw(text.as_bytes()) {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut out = Vec::with_capacity(text.len());
    for c in text.chars() {
        match byte_of(c) {
            Some(byte) => out.push(byte),
            None => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Cow::Owned(out)
}

/// Returns a string that was put together of others: bytes that are a character now that they are side by side become it.
pub fn joined(text: String) -> String {
    let character = match to_bytes(&text) {
        Cow::Borrowed(_) => None,
        Cow::Owned(bytes) => Some(from_bytes(&bytes).into_owned()),
    };
    character.unwrap_or(text)
}

/// Returns strings that were put together of others, each as [`joined()`].
pub fn joined_strings(strings: StringArray) -> StringArray {
    if !has_raw(strings.value_data()) {
        return strings;
    }
    strings
        .iter()
        .map(|value| value.map(|text| joined(text.to_owned())))
        .collect()
}

/// Returns a string for people: what is not a character is U+FFFD, as in Java's strings.
pub fn shown(text: &str) -> Cow<'_, str> {
    match to_bytes(text) {
        Cow::Borrowed(_) => Cow::Borrowed(text),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

/// Returns how many characters Spark counts (`UTF8String.numChars`): a first byte takes as many bytes as it announces, whatever they
/// are.
///
/// ```
/// use rivulet::values::raw::{char_count, from_bytes};
///
/// assert_eq!(char_count("häß"), 3);
/// assert_eq!(char_count(&from_bytes(b"a\xff\xc3(b")), 4);
/// ```
pub fn char_count(text: &str) -> usize {
    let Cow::Owned(bytes) = to_bytes(text) else {
        return text.chars().count();
    };
    let (mut at, mut count) = (0, 0);
    while let Some(first) = bytes.get(at) {
        at += match first {
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            _ => 1,
        };
        count += 1;
    }
    count
}

/// Returns strings as their bytes.
pub fn binary(strings: &StringArray) -> BinaryArray {
    if !has_raw(strings.value_data()) {
        return BinaryArray::from(strings.clone());
    }
    strings.iter().map(|value| value.map(to_bytes)).collect()
}

/// Returns blocks of rows whose strings are for people; a block without others is the same.
///
/// # Errors
/// If one is not a block of rows.
pub fn shown_blocks(blocks: Vec<Buffer>) -> Result<Vec<Buffer>> {
    blocks.into_iter().map(shown_block).collect()
}

/// Returns a block as clients see it: strings whose bytes are not UTF-8 are shown.
///
/// # Errors
/// If it is not a block of rows.
pub fn shown_block(block: Buffer) -> Result<Buffer> {
    if !has_raw(&block) {
        return Ok(block);
    }
    let batches = ipc::read(&block)?;
    let Some(schema) = batches.first().map(RecordBatch::schema) else {
        return Ok(block);
    };
    let shown = |batch: &RecordBatch| {
        let columns = batch.columns().iter().map(shown_values).collect::<Result<Vec<_>>>()?;
        Ok(RecordBatch::try_new(batch.schema(), columns)?)
    };
    let shown = batches.iter().map(shown).collect::<Result<Vec<_>>>()?;
    Ok(ipc::write(&schema, &shown)?.into())
}

fn shown_values(values: &ArrayRef) -> Result<ArrayRef> {
    match values.data_type() {
        DataType::Utf8 => {
            let strings = values.as_string::<i32>().iter();
            Ok(Arc::new(strings.map(|value| value.map(shown)).collect::<StringArray>()))
        }
        _ => nested::with_parts(values, shown_values),
    }
}

/// Returns the byte that a character stands for.
fn byte_of(c: char) -> Option<u8> {
    u8::try_from((c as u32).checked_sub(BYTES)?)
        .ok()
        .filter(|byte| *byte >= 0x80)
}

/// Returns whether there may be a code point that stands for a byte.
fn has_raw(bytes: &[u8]) -> bool {
    if bytes.len() < SHORT_BYTES {
        return memchr_iter(MARK[0], bytes).any(|at| is_raw(&bytes[at..]));
    }
    memmem::find_iter(bytes, MARK).any(|at| is_raw(&bytes[at..]))
}

/// Returns whether text begins with a code point that may stand for a byte.
fn is_raw(bytes: &[u8]) -> bool {
    matches!(bytes, [0xf4, 0x8e, 0xba | 0xbb, ..])
}
