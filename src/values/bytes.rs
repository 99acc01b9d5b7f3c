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
    let ((words, rest), (other_words, other_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let alike = |(a, b): (&[u8; 8], &[u8; 8])| u64::from_le_bytes(*a) == u64::from_le_bytes(*b);
    words.iter().zip(other_words).all(alike) && rest.iter().zip(other_rest).all(|(a, b)| a == b)
}
