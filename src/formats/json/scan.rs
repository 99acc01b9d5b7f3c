//! Scans the bytes of JSON text: where a value, a string, a number or white space ends.
//!
//! Functions take the whole text and the place to begin at. `None` says that the text is malformed, or written in a rare
//! way that is left to the tree.

use super::text::{MAX_DEPTH, hex};
use crate::values::bytes::ONES;

/// A number as it is written.
pub struct Digits {
    /// Where it ends.
    pub end: usize,
    /// Its digits, without point and sign; not all if there are more than 19.
    pub mantissa: u64,
    /// How many digits there are.
    pub count: usize,
    /// How many of them are after the point.
    pub fraction: usize,
    /// Whether it is below zero.
    pub negative: bool,
    /// Whether it has an exponent.
    pub exponent: bool,
}

/// Reads what stands between brackets and commas, and returns where it ends.
pub fn items(bytes: &[u8], at: usize, close: u8, mut item: impl FnMut(usize) -> Option<usize>) -> Option<usize> {
    let mut at = space(bytes, at + 1);
    if bytes.get(at) == Some(&close) {
        return Some(at + 1);
    }
    loop {
        at = space(bytes, item(at)?);
        match bytes.get(at)? {
            b',' => at = space(bytes, at + 1),
            found if *found == close => return Some(at + 1),
            _ => return None,
        }
    }
}

/// Reads a member's name and colon; `None` if the name has escapes. Returns where its value begins, and the name.
pub fn member(bytes: &[u8], at: usize) -> Option<(usize, &[u8])> {
    let (end, escaped) = string(bytes, at)?;
    let colon = space(bytes, end);
    if escaped || bytes.get(colon) != Some(&b':') {
        return None;
    }
    Some((space(bytes, colon + 1), bytes.get(at + 1..end - 1)?))
}

/// Reads a number's text; `None` if it is not one of JSON's.
#[inline]
pub fn digits(bytes: &[u8], start: usize) -> Option<Digits> {
    let negative = bytes.get(start) == Some(&b'-');
    let mut at = start + usize::from(negative);
    let mut mantissa = 0_u64;
    let run = |at: &mut usize, mantissa: &mut u64| {
        let from = *at;
        while let Some(eight) = bytes
            .get(*at..)
            .and_then(|rest| rest.first_chunk())
            .and_then(eight_digits)
        {
            *mantissa = mantissa.wrapping_mul(100_000_000).wrapping_add(eight);
            *at += 8;
        }
        while let Some(digit) = bytes.get(*at).map(|b| b.wrapping_sub(b'0')).filter(|d| *d < 10) {
            *mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
            *at += 1;
        }
        *at - from
    };
    let first = bytes.get(at)?;
    let whole = run(&mut at, &mut mantissa);
    if whole == 0 || (whole > 1 && *first == b'0') {
        return None;
    }
    let mut fraction = 0;
    if bytes.get(at) == Some(&b'.') {
        at += 1;
        fraction = run(&mut at, &mut mantissa);
        if fraction == 0 {
            return None;
        }
    }
    let exponent = matches!(bytes.get(at), Some(b'e' | b'E'));
    if exponent {
        at += 1 + usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        if run(&mut at, &mut 0) == 0 {
            return None;
        }
    }
    // What follows is white space or punctuation, or the text is malformed.
    if !matches!(bytes.get(at), Some(b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n')) {
        return None;
    }
    Some(Digits {
        end: at,
        mantissa,
        count: whole + fraction,
        fraction,
        negative,
        exponent,
    })
}

/// Returns the number that eight digits write; `None` if one of the bytes is not a digit.
#[inline]
fn eight_digits(bytes: &[u8; 8]) -> Option<u64> {
    let digits = u64::from_le_bytes(*bytes) ^ (ONES * u64::from(b'0'));
    // A digit is at most nine: adding 0x76 leaves the high bit of its byte clear.
    if (digits.wrapping_add(ONES * 0x76) | digits) & (ONES * 0x80) != 0 {
        return None;
    }
    // Neighbours are put together: two digits, four, eight.
    let twos = digits.wrapping_mul(10).wrapping_add(digits >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = twos.wrapping_mul(100).wrapping_add(twos >> 16) & 0x0000_ffff_0000_ffff;
    let eights = fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xffff_ffff;
    Some(eights)
}

/// Passes over a value, which is checked as if it were read, and returns where it ends.
pub fn skip(bytes: &[u8], at: usize, depth: usize) -> Option<usize> {
    match bytes.get(at)? {
        b'"' => {
            let (end, escaped) = string(bytes, at)?;
            if escaped {
                unescaped(bytes.get(at + 1..end - 1)?)?;
            }
            Some(end)
        }
        b'-' | b'0'..=b'9' => digits(bytes, at).map(|d| d.end),
        b't' => word(bytes, at, b"true"),
        b'f' => word(bytes, at, b"false"),
        b'n' => word(bytes, at, b"null"),
        b'[' if depth < MAX_DEPTH => items(bytes, at, b']', |at| skip(bytes, at, depth + 1)),
        b'{' if depth < MAX_DEPTH => items(bytes, at, b'}', |at| {
            let (value, _) = member(bytes, at)?;
            skip(bytes, value, depth + 1)
        }),
        _ => None,
    }
}

/// Returns where a word ends, if it stands there.
pub fn word(bytes: &[u8], at: usize, word: &[u8]) -> Option<usize> {
    let end = at + word.len();
    let stands = bytes.get(at..end) == Some(word)
        && matches!(bytes.get(end), Some(b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n'));
    stands.then_some(end)
}

/// Returns where white space ends. Line ends do not count as white space: they end records.
#[inline]
pub fn space(bytes: &[u8], mut at: usize) -> usize {
    while matches!(bytes.get(at), Some(b' ' | b'\t')) {
        at += 1;
    }
    at
}

/// Returns where a string ends, after its closing quote, and whether it has escapes; `None` if there is none, or if it has a
/// control character.
#[inline]
pub fn string(bytes: &[u8], start: usize) -> Option<(usize, bool)> {
    if bytes.get(start) != Some(&b'"') {
        return None;
    }
    let mut at = start + 1;
    let mut escaped = false;
    loop {
        at += plain(bytes.get(at..)?);
        match bytes.get(at)? {
            b'"' => return Some((at + 1, escaped)),
            b'\\' => {
                escaped = true;
                at += 2;
            }
            _ => return None,
        }
    }
}

/// Returns how many bytes come before the first quote, backslash or control character.
#[inline]
fn plain(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(chunk) = bytes[at..].first_chunk::<16>() {
        let stops = stops(chunk);
        if stops != 0 {
            return at + stops.trailing_zeros() as usize;
        }
        at += 16;
    }
    let rest = &bytes[at..];
    at + rest
        .iter()
        .position(|b| matches!(b, b'"' | b'\\' | 0..0x20))
        .unwrap_or(rest.len())
}

/// Returns a bit for each byte that is a quote, a backslash or a control character, the first byte's lowest.
#[cfg(target_arch = "wasm32")]
#[inline]
fn stops(chunk: &[u8; 16]) -> u32 {
    use std::arch::wasm32::{u8x16_bitmask, u8x16_eq, u8x16_lt, u8x16_splat, u64x2, v128_or};
    let (words, _) = chunk.as_chunks::<8>();
    let bytes = u64x2(u64::from_le_bytes(words[0]), u64::from_le_bytes(words[1]));
    let quote = u8x16_eq(bytes, u8x16_splat(b'"'));
    let backslash = u8x16_eq(bytes, u8x16_splat(b'\\'));
    let control = u8x16_lt(bytes, u8x16_splat(0x20));
    u32::from(u8x16_bitmask(v128_or(v128_or(quote, backslash), control)))
}

/// Returns a bit for each byte that is a quote, a backslash or a control character, the first byte's lowest.
#[cfg(not(target_arch = "wasm32"))]
#[inline]
fn stops(chunk: &[u8; 16]) -> u32 {
    let stop = |byte: u8| u32::from(byte == b'"' || byte == b'\\' || byte < 0x20);
    (0..16).fold(0, |bits, at| bits | (stop(chunk[at]) << at))
}

/// Returns a string's bytes without its escapes; `None` for a rare or malformed one.
pub fn unescaped(body: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = rest.iter().position(|b| *b == b'\\') {
        out.extend_from_slice(&rest[..at]);
        let mut used = 2;
        let escape = rest.get(at + 1)?;
        let code = match escape {
            b'"' | b'\\' | b'/' => u32::from(*escape),
            b'n' => 10,
            b't' => 9,
            b'r' => 13,
            b'b' => 8,
            b'f' => 12,
            b'u' => {
                let unit = |at: usize| hex(rest.get(at..at + 4)?);
                let code = unit(at + 2)?;
                used = 6;
                if (0xd800..0xdc00).contains(&code) && rest.get(at + 6..at + 8) == Some(b"\\u") {
                    let low = unit(at + 8).filter(|low| (0xdc00..0xe000).contains(low))?;
                    used = 12;
                    0x1_0000 + ((code - 0xd800) << 10) + (low - 0xdc00)
                } else {
                    code
                }
            }
            _ => return None,
        };
        out.extend_from_slice(char::from_u32(code)?.encode_utf8(&mut [0; 4]).as_bytes());
        rest = rest.get(at + used..)?;
    }
    out.extend_from_slice(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_digits_are_read_at_once_and_nothing_else_is_a_digit() {
        for number in (0..100_000_000).step_by(7_919) {
            let written = format!("{number:08}");
            assert_eq!(eight_digits(written.as_bytes().try_into().unwrap()), Some(number));
        }
        for place in 0..8 {
            for byte in 0..=255_u8 {
                let mut bytes = *b"90909090";
                bytes[place] = byte;
                assert_eq!(
                    eight_digits(&bytes).is_some(),
                    byte.is_ascii_digit(),
                    "{byte} at {place}"
                );
            }
        }
        let read = digits(b"-1234567890123456.7890123,", 0).unwrap();
        assert_eq!(
            (read.end, read.mantissa, read.count),
            (25, 12_345_678_901_234_567_890_123_u128 as u64, 23)
        );
        assert_eq!((read.fraction, read.negative, read.exponent), (7, true, false));
    }
}
