//! Hashes and checksums.
//!
//! `hash` and `xxhash64` chain the hashes of their arguments, from the seed 42; a null leaves the hash
//! as it is. Digests are written as lower-case hexadecimal digits.
//!
//! ```text
//! hash(a, b)  = murmur3(b, seed = murmur3(a, seed = 42))
//! hash(null)  = 42
//! ```

mod keyed;
pub(super) mod xxhash;

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array};
use arrow::datatypes::DataType;
use md5::{Digest, Md5};

use super::call::Call;
use super::entry::*;
use super::row;
use super::text::codec::to_hex;
use crate::error::{Result, SparkError};
use crate::kernels::kernel;
use crate::plan::scope::Typed;
use crate::values::maps::has_maps;
use crate::values::murmur3;

/// Hashes and checksums; those of several arguments hash rows, those of one digest bytes.
#[rustfmt::skip] // A table: a few lines for each entry.
pub static FUNCTIONS: &[Function] = &[
    scalar("hash", murmur).takes(&[any("expr"), any("exprs").repeated()]).returns("INT")
        .null_if("Never null; a null leaves the hash of the others as it is.")
        .about("Returns the 32-bit Murmur3 hash of the values, by which Spark partitions rows.")
        .example("hash('Spark', array(123), 2)", "-1321691492"),
    scalar("xxhash64", xx).takes(&[any("expr"), any("exprs").repeated()]).returns("BIGINT")
        .null_if("Never null; a null leaves the hash of the others as it is.")
        .about("Returns the 64-bit xxHash of the values, with the seed 42.")
        .example("xxhash64('Spark', array(123), 2)", "5602566077635097486"),
    scalar("md5", md5_hex).takes(&[binary("expr")]).returns("STRING")
        .about("Returns the MD5 digest as hexadecimal digits.")
        .example("md5('Spark')", "8cde774d6f7333752ed72cacddb05126"),
    scalar("sha1", sha1).aliases(&["sha"]).takes(&[binary("expr")]).returns("STRING")
        .about("Returns the SHA-1 digest as hexadecimal digits.")
        .example("sha1('Spark')", "85f5955f4b27a9a4c2aab6ffe5d7189fc298b92c"),
    scalar("sha2", sha2).takes(&[binary("expr"), int("bitLength")]).returns("STRING")
        .null_if("Null if an argument is null or the length is not one of these.")
        .about("Returns the SHA-2 digest of 224, 256, 384 or 512 bits (0 is 256) as hexadecimal digits.")
        .example("sha2('Spark', 256)", "529bc3b07127ecb7e53a4dcf1991d9152c24537d919178022b2c42657f79a26b"),
    scalar("hmac", hmac).takes(&[binary("key"), binary("message"), text("algorithm").or("'SHA-256'")]).returns("BINARY")
        .about("Returns the keyed hash of a message: by MD5, SHA-1, SHA-224, SHA-256, SHA-384 or SHA-512.")
        .example("hex(hmac('key', 'data', 'MD5'))", "9D5C73EF85594D34EC4438B7C97E51D8"),
    scalar("crc32", crc32).takes(&[binary("expr")]).returns("BIGINT")
        .about("Returns the CRC-32 checksum of zip and gzip.")
        .example("crc32('Spark')", "1557323817"),
];

/// Resolves `hash` (`Murmur3Hash`), the hash by which rows are partitioned.
fn murmur(call: &Call<'_>) -> Result<Typed> {
    hash(call, DataType::Int32, |args, rows| {
        let hashes = murmur3::rows(args, rows)?;
        Ok(Arc::new(
            hashes.into_iter().map(|h| Some(h as i32)).collect::<Int32Array>(),
        ))
    })
}

/// Resolves `xxhash64` (`XxHash64`).
///
/// # Errors
/// If an argument has a map in it, `DATATYPE_MISMATCH.HASH_MAP_TYPE`.
pub fn xx(call: &Call<'_>) -> Result<Typed> {
    hash(call, DataType::Int64, |args, rows| {
        Ok(Arc::new(xxhash::rows(args, rows)?))
    })
}

/// Resolves a chained hash.
///
/// # Errors
/// If an argument has a map in it, `DATATYPE_MISMATCH.HASH_MAP_TYPE`.
fn hash(call: &Call<'_>, to: DataType, rows: fn(&[ArrayRef], usize) -> Result<ArrayRef>) -> Result<Typed> {
    if let Some(map) = call.args.iter().find(|a| has_maps(&a.data_type)) {
        return Err(SparkError::analysis(
            "DATATYPE_MISMATCH.HASH_MAP_TYPE",
            "42K09",
            format!(
                "Cannot resolve \"{}\" due to data type mismatch: Input to the function `{}` cannot contain elements of the \"MAP\" type.",
                map.name, call.name
            ),
        ));
    }
    let exprs = call.args.iter().map(|a| a.expr.clone()).collect();
    let expr = kernel::call(call.name, "", to.clone(), exprs, move |args, count| {
        Ok(rows(args, count)?)
    });
    Ok(Typed::new(expr, to, call.label()))
}

/// Resolves `md5` (`Md5`).
fn md5_hex(call: &Call<'_>) -> Result<Typed> {
    call.strict(DataType::Utf8, vec![call.binary(0)?], |r| {
        Ok(Some(md5_digits(r.bytes(0))))
    })
}

/// Returns the MD5 digest of bytes as hexadecimal digits.
fn md5_digits(bytes: &[u8]) -> String {
    to_hex(&Md5::digest(bytes), false)
}

/// Resolves `sha1` (`Sha1`).
fn sha1(call: &Call<'_>) -> Result<Typed> {
    let udf = datafusion_spark::function::hash::sha1();
    Ok(super::udf(udf, vec![call.binary(0)?], DataType::Utf8, call.label()))
}

/// Resolves `sha2` (`Sha2`).
fn sha2(call: &Call<'_>) -> Result<Typed> {
    let udf = datafusion_spark::function::hash::sha2();
    let args = vec![call.binary(0)?, call.int(1)?];
    Ok(super::udf(udf, args, DataType::Utf8, call.label()))
}

/// Resolves `hmac` (`Hmac`); the name of the algorithm may be in either case and without its dash.
///
/// When it runs, another algorithm is `INVALID_PARAMETER_VALUE.HMAC_ALGORITHM`, an empty key
/// `INVALID_PARAMETER_VALUE.HMAC_CRYPTO_ERROR`.
fn hmac(call: &Call<'_>) -> Result<Typed> {
    let args = vec![call.binary(0)?, call.binary(1)?, call.text_or(2, "SHA-256")?];
    let label = call.label_or(2, &["SHA-256"]);
    Ok(row::call(call.name, "", DataType::Binary, args, label, |r| {
        keyed::hmac(r.bytes(0), r.bytes(1), r.text(2)).map(Some)
    }))
}

/// Resolves `crc32` (`Crc32`).
fn crc32(call: &Call<'_>) -> Result<Typed> {
    call.strict(DataType::Int64, vec![call.binary(0)?], |r| Ok(Some(crc(r.bytes(0)))))
}

/// Returns the CRC-32 of zip and gzip, bit by bit: short strings do not repay a table.
fn crc(bytes: &[u8]) -> i64 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = crc >> 1 ^ 0xedb8_8320 & (crc & 1).wrapping_neg();
        }
    }
    i64::from(!crc)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_equal_sparks() {
        assert_eq!(crc(b"Spark"), 1_557_323_817);
    }

    #[test]
    fn digests_equal_the_rfcs() {
        let hex = |text: &str| super::md5_digits(text.as_bytes());
        assert_eq!(hex(""), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(hex("abc"), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(hex(&"1234567890".repeat(8)), "57edf4a22be3c955ac49da2e2107b67a");
    }
}
