//! Hashes with a key (RFC 2104).
//!
//! ```text
//! hmac(key, message) = hash(key ^ 5c…, hash(key ^ 36…, message))      a key longer than a block is hashed first
//! ```

use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use super::md5;
use crate::error::{Exception, Result, SparkError};

/// Returns the digest of bytes.
type Hash = fn(&[u8]) -> Vec<u8>;

/// Returns the keyed hash of a message.
///
/// # Errors
/// If the algorithm is unknown, `INVALID_PARAMETER_VALUE.HMAC_ALGORITHM`; if the key is empty,
/// `INVALID_PARAMETER_VALUE.HMAC_CRYPTO_ERROR`.
pub fn hmac(key: &[u8], message: &[u8], algorithm: &str) -> Result<Vec<u8>> {
    let (hash, block): (Hash, usize) = match algorithm.to_ascii_uppercase().as_str() {
        "MD5" => (|bytes| md5::digest(bytes).to_vec(), 64),
        "SHA-1" | "SHA1" => (digest::<Sha1>, 64),
        "SHA-224" | "SHA224" => (digest::<Sha224>, 64),
        "SHA-256" | "SHA256" => (digest::<Sha256>, 64),
        "SHA-384" | "SHA384" => (digest::<Sha384>, 128),
        "SHA-512" | "SHA512" => (digest::<Sha512>, 128),
        _ => return Err(unknown(algorithm)),
    };
    if key.is_empty() {
        return Err(invalid(
            "INVALID_PARAMETER_VALUE.HMAC_CRYPTO_ERROR",
            "key",
            "detail message: Empty key",
        ));
    }
    let mut filled = if key.len() > block { hash(key) } else { key.to_vec() };
    filled.resize(block, 0);
    let with = |pad: u8, rest: &[u8]| {
        let mut bytes: Vec<u8> = filled.iter().map(|byte| byte ^ pad).collect();
        bytes.extend_from_slice(rest);
        hash(&bytes)
    };
    Ok(with(0x5c, &with(0x36, message)))
}

/// Returns the digest of bytes.
fn digest<D: Digest>(bytes: &[u8]) -> Vec<u8> {
    D::digest(bytes).to_vec()
}

/// Makes the error of an algorithm that is not one of these.
fn unknown(algorithm: &str) -> SparkError {
    let known = "'SHA-224', 'SHA-256', 'SHA-384', 'SHA-512', 'SHA-1', 'MD5'";
    let reason = format!("expects one of the algorithms {known}, but got '{algorithm}'.");
    invalid("INVALID_PARAMETER_VALUE.HMAC_ALGORITHM", "algorithm", &reason)
}

/// Makes `INVALID_PARAMETER_VALUE` of a parameter of `hmac`.
fn invalid(condition: &str, parameter: &str, reason: &str) -> SparkError {
    SparkError::new(
        Exception::Runtime,
        condition,
        "22023",
        format!("The value of parameter(s) `{parameter}` in `hmac` is invalid: {reason}"),
    )
    .with("parameter", format!("`{parameter}`"))
    .with("functionName", "`hmac`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::functions::text::codec::to_hex;

    #[test]
    fn keyed_hashes_equal_sparks() {
        let found = hmac(b"k", b"d", "MD5").map(|bytes| to_hex(&bytes, false));
        assert_eq!(found.ok().as_deref(), Some("7f330edb3a84f317f7ca433d6038ff9a"));
        assert!(hmac(b"", b"d", "MD5").is_err() && hmac(b"k", b"d", "MD4").is_err());
    }
}
