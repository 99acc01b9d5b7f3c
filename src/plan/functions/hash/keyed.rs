//! Hashes with a key (RFC 2104).

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};

use crate::error::{Exception, Result, SparkError};

/// Returns the keyed hash of a message.
///
/// # Errors
/// If the algorithm is unknown, `INVALID_PARAMETER_VALUE.HMAC_ALGORITHM`; if the key is empty,
/// `INVALID_PARAMETER_VALUE.HMAC_CRYPTO_ERROR`.
pub fn hmac(key: &[u8], message: &[u8], algorithm: &str) -> Result<Vec<u8>> {
    let hash = match algorithm.to_ascii_uppercase().as_str() {
        "MD5" => keyed::<Hmac<Md5>>,
        "SHA-1" | "SHA1" => keyed::<Hmac<Sha1>>,
        "SHA-224" | "SHA224" => keyed::<Hmac<Sha224>>,
        "SHA-256" | "SHA256" => keyed::<Hmac<Sha256>>,
        "SHA-384" | "SHA384" => keyed::<Hmac<Sha384>>,
        "SHA-512" | "SHA512" => keyed::<Hmac<Sha512>>,
        _ => return Err(unknown(algorithm)),
    };
    let found = if key.is_empty() { None } else { hash(key, message) };
    found.ok_or_else(|| {
        let reason = "detail message: Empty key";
        invalid("INVALID_PARAMETER_VALUE.HMAC_CRYPTO_ERROR", "key", reason)
    })
}

/// Returns the hash of a message with a key; `None` if no key is of that length.
fn keyed<M: Mac + KeyInit>(key: &[u8], message: &[u8]) -> Option<Vec<u8>> {
    let hash = <M as KeyInit>::new_from_slice(key).ok()?;
    Some(hash.chain_update(message).finalize().into_bytes().to_vec())
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
