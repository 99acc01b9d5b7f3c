//! Bytes in base 64, as Java writes and reads it.

/// The digits of base 64, in order.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// What no digit stands for.
const NONE: u8 = 64;

/// The values of digits, by their bytes.
const VALUES: [u8; 256] = {
    let mut values = [NONE; 256];
    let mut at = 0;
    while at < ALPHABET.len() {
        values[ALPHABET[at] as usize] = at as u8;
        at += 1;
    }
    values
};

/// Returns bytes in base 64, padded.
pub fn to_base64(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = u32::from(chunk[0]) << 16
            | u32::from(*chunk.get(1).unwrap_or(&0)) << 8
            | u32::from(*chunk.get(2).unwrap_or(&0));
        for i in 0..4 {
            let digit = ALPHABET[(word >> (18 - 6 * i) & 63) as usize];
            out.push(if i <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

/// Returns the bytes of base 64, up to the first `=`; `None` if it is malformed. With `skip`,
/// characters outside the alphabet are passed over, as Java's MIME decoder does.
pub fn from_base64(text: &str, skip: bool) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut word, mut bits) = (0u32, 0);
    for byte in text.bytes().take_while(|b| *b != b'=') {
        let digit = VALUES[usize::from(byte)];
        if digit == NONE {
            if skip {
                continue;
            }
            return None;
        }
        word = word << 6 | u32::from(digit);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((word >> bits) as u8);
        }
    }
    // One digit left over holds no whole byte.
    (bits < 6).then_some(out)
}
