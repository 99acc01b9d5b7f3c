//! Base 32 (RFC 4648): five bits a character, upper case, filled up with `=` to eight characters.
//!
//! ```text
//! to_base32('a')       ME======        from_base32('me')     a
//! ```

use arrow::datatypes::DataType;

use crate::error::Result;
use crate::plan::functions::call::Call;
use crate::plan::scope::Typed;

/// What five bits are written as.
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Resolves `to_base32` (`ToBase32`).
pub fn to_base32(call: &Call<'_>) -> Result<Typed> {
    call.strict(DataType::Utf8, vec![call.binary(0)?], |r| Ok(Some(encode(r.bytes(0)))))
}

/// Resolves `from_base32` (`FromBase32`).
pub fn from_base32(call: &Call<'_>) -> Result<Typed> {
    call.strict(DataType::Binary, vec![call.text(0)?], |r| Ok(Some(decode(r.text(0)))))
}

/// Writes bytes in base 32.
fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(5) * 8);
    for group in bytes.chunks(5) {
        let bits = (0..5).fold(0_u64, |bits, i| {
            bits << 8 | u64::from(group.get(i).copied().unwrap_or(0))
        });
        let written = (group.len() * 8).div_ceil(5);
        for i in 0..8 {
            let value = (bits >> (35 - 5 * i) & 31) as usize;
            out.push(if i < written { char::from(ALPHABET[value]) } else { '=' });
        }
    }
    out
}

/// Reads base 32 up to the first `=`. Of characters that do not fill a byte at the end the upper bits count, those of a single
/// character as a byte of their own.
fn decode(text: &str) -> Vec<u8> {
    let value = |byte: u8| ALPHABET.iter().position(|known| *known == byte.to_ascii_uppercase());
    let values: Vec<u64> = text
        .bytes()
        .take_while(|byte| *byte != b'=')
        .filter_map(|byte| value(byte).map(|v| v as u64))
        .collect();
    let mut out = Vec::with_capacity(values.len() * 5 / 8 + 1);
    for group in values.chunks(8) {
        let bits = group.iter().fold(0_u64, |bits, v| bits << 5 | v);
        // A lone character is cut as two are.
        let (bytes, cut) = match group.len() {
            1 => (1, 2),
            n => (n * 5 / 8, n * 5 % 8),
        };
        let whole = (bits >> cut).to_be_bytes();
        out.extend_from_slice(&whole[8 - bytes..]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_32_goes_both_ways() {
        for text in ["", "a", "ab", "abc", "abcd", "Spark", "Spark SQL"] {
            assert_eq!(decode(&encode(text.as_bytes())), text.as_bytes());
        }
        assert_eq!(encode(b"a"), "ME======");
        // As Spark answers.
        assert_eq!(
            (decode("M"), decode("1"), decode("knygc4tl")),
            (vec![3], vec![], b"Spark".to_vec())
        );
    }
}
