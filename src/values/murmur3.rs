//! Spark's Murmur3 over rows: which partition of a shuffle a row belongs to.
//!
//! Seed 42, columns chained, `pmod(hash, partitions)`: placement equals `HashPartitioning` of Spark,
//! and `hash()` is the same function (`org.apache.spark.sql.catalyst.expressions.Murmur3Hash`).
//!
//! Chained means that the hash of one column is the seed of the next. So the hash of a row depends on
//! the order of its key columns, and a null leaves the hash as it is. Checkpoints keep state by these
//! partitions: a change of any hash here would look for state in the wrong place.

use arrow::array::*;
use arrow::datatypes::*;

use crate::error::{Result, SparkError};
use crate::values::raw;
use crate::values::types::simple_string;

/// First constant of Murmur3's x86 32-bit variant.
const C1: u32 = 0xcc9e_2d51;
/// Second constant of Murmur3's x86 32-bit variant.
const C2: u32 = 0x1b87_3593;

/// Scrambles one word of input before it enters the hash.
#[inline]
pub fn mix_k(k: u32) -> u32 {
    k.wrapping_mul(C1).rotate_left(15).wrapping_mul(C2)
}

/// Mixes a scrambled word into the hash.
#[inline]
pub fn mix_h(h: u32, k: u32) -> u32 {
    (h ^ k).rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64)
}

/// Mixes in the length in bytes, then spreads every bit of the hash over all the others (`fmix`).
#[inline]
pub fn finish(mut h: u32, length: u32) -> u32 {
    h ^= length;
    h = (h ^ h >> 16).wrapping_mul(0x85eb_ca6b);
    h = (h ^ h >> 13).wrapping_mul(0xc2b2_ae35);
    h ^ h >> 16
}

/// Returns the hash of one 4-byte word (`Murmur3_x86_32.hashInt`): booleans, integers up to INT, dates,
/// FLOAT's bits.
///
/// ```
/// use rivulet::values::murmur3;
/// assert_eq!(murmur3::hash_int(1, 42) as i32, -559_580_957); // SELECT hash(1)
/// ```
pub fn hash_int(value: i32, seed: u32) -> u32 {
    finish(mix_h(seed, mix_k(value as u32)), 4)
}

/// Returns the hash of 8 bytes, low word first (`Murmur3_x86_32.hashLong`): BIGINT, timestamps,
/// DOUBLE's bits and decimals of up to 18 digits.
pub fn hash_long(value: i64, seed: u32) -> u32 {
    let h = mix_h(seed, mix_k(value as u32));
    finish(mix_h(h, mix_k((value as u64 >> 32) as u32)), 8)
}

/// Returns the hash of bytes: whole words little-endian, then each byte left over as a signed word of
/// its own (`hashUnsafeBytes`).
///
/// This is not the published Murmur3, which packs the last bytes into one word; Spark keeps its own way
/// for compatibility. The hash of no bytes is the seed, finished with length 0.
pub fn hash_bytes(bytes: &[u8], seed: u32) -> u32 {
    let mut h = seed;
    let mut words = bytes.chunks_exact(4);
    for word in &mut words {
        h = mix_h(h, mix_k(u32::from_le_bytes([word[0], word[1], word[2], word[3]])));
    }
    for byte in words.remainder() {
        h = mix_h(h, mix_k(i32::from(*byte as i8) as u32));
    }
    finish(h, bytes.len() as u32)
}

/// Chains the hash of a column into the hashes of its rows; null leaves a hash as it is.
///
/// `hashes` has one entry per row of `array`. Structs chain their fields and lists their items, so a
/// null struct, an empty list and a null list all leave the hash alone. `-0.0` hashes as `0.0` and
/// every NaN as one NaN, because they are equal as keys. A decimal of up to 18 digits hashes as a
/// BIGINT of its unscaled value, a longer one as the bytes of Java's `BigInteger`.
///
/// # Errors
/// If the type cannot be hashed, `UNSUPPORTED_FEATURE.RIVULET`; maps are such a type.
pub fn update(array: &dyn Array, hashes: &mut [u32]) -> Result<()> {
    macro_rules! each {
        ($kind:ty, $f:expr) => {{
            let values = array.as_primitive::<$kind>();
            for (i, h) in hashes.iter_mut().enumerate() {
                if values.is_valid(i) {
                    *h = $f(values.value(i), *h);
                }
            }
        }};
    }
    match array.data_type() {
        DataType::Null => {}
        DataType::Boolean => {
            let values = array.as_boolean();
            for (i, h) in hashes.iter_mut().enumerate().filter(|(i, _)| values.is_valid(*i)) {
                *h = hash_int(i32::from(values.value(i)), *h);
            }
        }
        DataType::Int8 => each!(Int8Type, |v, h| hash_int(i32::from(v), h)),
        DataType::Int16 => each!(Int16Type, |v, h| hash_int(i32::from(v), h)),
        DataType::Int32 => each!(Int32Type, hash_int),
        DataType::Date32 => each!(Date32Type, hash_int),
        DataType::Int64 => each!(Int64Type, hash_long),
        DataType::UInt64 => each!(UInt64Type, |v, h| hash_long(v as i64, h)),
        DataType::Timestamp(TimeUnit::Microsecond, _) => each!(TimestampMicrosecondType, hash_long),
        DataType::Duration(TimeUnit::Microsecond) => each!(DurationMicrosecondType, hash_long),
        DataType::Interval(IntervalUnit::YearMonth) => each!(IntervalYearMonthType, hash_int),
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            each!(IntervalMonthDayNanoType, |v: IntervalMonthDayNano, h| {
                hash_int(v.months, hash_int(v.days, hash_long(v.nanoseconds / 1000, h)))
            })
        }
        DataType::Float32 => each!(Float32Type, |v: f32, h| hash_int(canonical32(v), h)),
        DataType::Float64 => each!(Float64Type, |v: f64, h| hash_long(canonical64(v), h)),
        DataType::Decimal128(precision, _) if *precision <= 18 => {
            each!(Decimal128Type, |v: i128, h| hash_long(v as i64, h))
        }
        DataType::Decimal128(..) => each!(Decimal128Type, |v: i128, h| hash_bytes(&minimal_bytes(v), h)),
        DataType::Utf8 => {
            let values = array.as_string::<i32>();
            for (i, h) in hashes.iter_mut().enumerate().filter(|(i, _)| values.is_valid(*i)) {
                *h = hash_bytes(&raw::to_bytes(values.value(i)), *h);
            }
        }
        DataType::Utf8View => {
            let values = array.as_string_view();
            for (i, h) in hashes.iter_mut().enumerate().filter(|(i, _)| values.is_valid(*i)) {
                *h = hash_bytes(values.value(i).as_bytes(), *h);
            }
        }
        DataType::Binary => {
            let values = array.as_binary::<i32>();
            for (i, h) in hashes.iter_mut().enumerate().filter(|(i, _)| values.is_valid(*i)) {
                *h = hash_bytes(values.value(i), *h);
            }
        }
        DataType::Struct(_) => {
            let values = array.as_struct();
            if values.null_count() == 0 {
                for column in values.columns() {
                    update(column.as_ref(), hashes)?;
                }
            } else {
                for (i, h) in hashes.iter_mut().enumerate().filter(|(i, _)| values.is_valid(*i)) {
                    for column in values.columns() {
                        update(column.slice(i, 1).as_ref(), std::slice::from_mut(h))?;
                    }
                }
            }
        }
        DataType::List(_) => {
            let values = array.as_list::<i32>();
            for (i, h) in hashes.iter_mut().enumerate().filter(|(i, _)| values.is_valid(*i)) {
                let items = values.value(i);
                for j in 0..items.len() {
                    update(items.slice(j, 1).as_ref(), std::slice::from_mut(h))?;
                }
            }
        }
        other => {
            return Err(SparkError::unsupported(format!(
                "hashing the type {}",
                simple_string(other)
            )));
        }
    }
    Ok(())
}

/// Returns the bits of a FLOAT with one zero and one NaN.
fn canonical32(v: f32) -> i32 {
    if v == 0.0 {
        0
    } else if v.is_nan() {
        0x7fc0_0000
    } else {
        v.to_bits() as i32
    }
}

/// Returns the bits of a DOUBLE with one zero and one NaN.
fn canonical64(v: f64) -> i64 {
    if v == 0.0 {
        0
    } else if v.is_nan() {
        0x7ff8_0000_0000_0000
    } else {
        v.to_bits() as i64
    }
}

/// Returns the shortest big-endian two's complement of a number (`BigInteger.toByteArray`): at least
/// one byte.
fn minimal_bytes(v: i128) -> Vec<u8> {
    let bytes = v.to_be_bytes();
    let sign = if v < 0 { 0xff } else { 0 };
    let mut start = 0;
    while start < 15 && bytes[start] == sign && (bytes[start + 1] & 0x80 != 0) == (v < 0) {
        start += 1;
    }
    bytes[start..].to_vec()
}

/// Returns the hash of each of `count` rows over its key columns, seeded with 42.
///
/// Without columns, each row has the hash 42. One pass per column.
///
/// # Errors
/// If a column cannot be hashed, as in [`update`].
pub fn rows(columns: &[ArrayRef], count: usize) -> Result<Vec<u32>> {
    let mut hashes = vec![42; count];
    for column in columns {
        update(column.as_ref(), &mut hashes)?;
    }
    Ok(hashes)
}

/// Returns the partition of each of `count` rows, from 0 to `partitions` - 1; 0 partitions count as
/// one.
///
/// Equal keys always meet in the same partition, in every batch and on every executor: shuffles, joins
/// and the state of streaming aggregates rely on it.
///
/// ```
/// use std::sync::Arc;
/// use arrow::array::{ArrayRef, StringArray};
/// use rivulet::values::murmur3;
///
/// let keys: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), Some("b"), None, Some("a")]));
/// let placed = murmur3::partitions(&[keys], 4, 8)?;
/// assert_eq!(placed[0], placed[3]);
/// assert_eq!(placed[2], 42 % 8);
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
///
/// # Errors
/// If a column cannot be hashed, as in [`update`].
pub fn partitions(columns: &[ArrayRef], count: usize, partitions: usize) -> Result<Vec<u32>> {
    let n = partitions.max(1) as i32;
    Ok(rows(columns, count)?
        .into_iter()
        .map(|h| (h as i32).rem_euclid(n) as u32)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values that `spark.sql("select hash(…)")` of Spark 4.3 printed.
    #[test]
    fn hashes_equal_sparks() {
        assert_eq!(hash_int(1, 42) as i32, -559_580_957);
        assert_eq!(hash_long(1, 42) as i32, -1_712_319_331);
        assert_eq!(hash_bytes(b"abc", 42) as i32, 1_322_437_556);
        assert_eq!(hash_bytes(b"", 42) as i32, 142_593_372);
    }
}
