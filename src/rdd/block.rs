//! Blocks of values that the engine makes itself; `src/js/src/rdd/value_codec.ts` says what the form is, and reads it.

use arrow::buffer::Buffer;

/// Kind of a column whose values are written one by one.
const VALUES: u8 = 0;
/// Kind of a column of strings.
const STRINGS: u8 = 3;

/// Returns strings as a block: their lengths in UTF-16 units, then one text.
pub fn strings(values: &[&str]) -> Buffer {
    let mut out = (values.len() as u32).to_le_bytes().to_vec();
    if values.is_empty() {
        out.push(VALUES);
        return Buffer::from(out);
    }
    out.push(STRINGS);
    out.resize(out.len().next_multiple_of(4), 0);
    for value in values {
        out.extend_from_slice(&(value.encode_utf16().count() as u32).to_le_bytes());
    }
    // UTF-8: there are no lone surrogates.
    out.push(1);
    let bytes: usize = values.iter().map(|value| value.len()).sum();
    out.extend_from_slice(&(bytes as u32).to_le_bytes());
    values.iter().for_each(|value| out.extend_from_slice(value.as_bytes()));
    Buffer::from(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    // What `encode(['a', '', 'é€😀'])` and `encode([])` of value_codec.ts make; its own test has the same bytes.
    #[test]
    fn strings_are_written_as_the_page_writes_them() {
        let hex = |buffer: Buffer| buffer.iter().map(|b| format!("{b:02x}")).collect::<String>();
        let expected = "0300000003000000010000000000000004000000010a00000061c3a9e282acf09f9880";
        assert_eq!(hex(strings(&["a", "", "é€😀"])), expected);
        assert_eq!(hex(strings(&[])), "0000000000");
    }
}
