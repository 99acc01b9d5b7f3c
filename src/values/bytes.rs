//! Bytes compared eight at a time: what a browser's engine compares by a call is compared byte by byte.

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
