//! Bytes compared and searched eight at a time: what a browser's engine does by a call goes byte by byte.

/// A one in each byte of a number.
pub const ONES: u64 = 0x0101_0101_0101_0101;

/// Returns which of eight bytes are equal to one, as the high bits of a number's bytes: the lowest bit that is set is that of the
/// first equal byte, those above it may be wrong.
///
/// ```
/// use rivulet::values::bytes::equal;
///
/// let eight = u64::from_le_bytes(*b"one word");
/// assert_eq!(equal(eight, b' ').trailing_zeros() / 8, 3);
/// assert_eq!(equal(eight, b'x'), 0);
/// ```
#[inline]
pub fn equal(eight: u64, byte: u8) -> u64 {
    let others = eight ^ (ONES * u64::from(byte));
    others.wrapping_sub(ONES) & !others & (ONES * 0x80)
}

/// Returns whether two runs of bytes are the same.
///
/// ```
/// use rivulet::values::bytes::same;
///
/// assert!(same(b"a key of state", b"a key of state"));
/// assert!(!same(b"a key of state", b"a key of States") && !same(b"ab", b"abc"));
/// ```
#[inline]
pub fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    // The last eight may overlap those before. Loops by place, since iterators are not always inlined.
    let (Some(last), Some(other_last)) = (a.last_chunk::<8>(), b.last_chunk::<8>()) else {
        for at in 0..a.len() {
            if a[at] != b[at] {
                return false;
            }
        }
        return true;
    };
    if u64::from_le_bytes(*last) != u64::from_le_bytes(*other_last) {
        return false;
    }
    let (words, other_words) = (a.as_chunks::<8>().0, b.as_chunks::<8>().0);
    for at in 0..words.len() {
        if u64::from_le_bytes(words[at]) != u64::from_le_bytes(other_words[at]) {
            return false;
        }
    }
    true
}
