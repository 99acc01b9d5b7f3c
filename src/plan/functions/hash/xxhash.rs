//! Spark's `xxhash64`: XXH64 with seed 42, columns chained as in `hash` (`XXH64`, `XxHash64`).
//!
//! The five constants are the published algorithm's primes.
//!
//! Which bytes of a value are hashed is as in [`crate::values::murmur3`]; only the function differs.
//! Cells are hashed one by one, since the hash of a row chains its columns and calls are few.

use arrow::array::*;
use arrow::datatypes::*;

use crate::error::{Result, SparkError};
use crate::values::raw;
use crate::values::types::simple_string;

/// The first prime.
const P1: u64 = 0x9E37_79B1_85EB_CA87;
/// The second prime.
const P2: u64 = 0xC2B2_AE3D_27D4_EB4F;
/// The third prime.
const P3: u64 = 0x1656_67B1_9E37_79F9;
/// The fourth prime.
const P4: u64 = 0x85EB_CA77_C2B2_AE63;
/// The fifth prime.
const P5: u64 = 0x27D4_EB2F_1656_67C5;

/// Spreads every bit of a hash over all the others.
fn avalanche(mut h: u64) -> u64 {
    h = (h ^ h >> 33).wrapping_mul(P2);
    h = (h ^ h >> 29).wrapping_mul(P3);
    h ^ h >> 32
}

/// Mixes a word into a lane.
fn round(lane: u64, word: u64) -> u64 {
    lane.wrapping_add(word.wrapping_mul(P2))
        .rotate_left(31)
        .wrapping_mul(P1)
}

/// Returns the hash of 4 bytes.
fn int(value: i32, seed: u64) -> u64 {
    let mut h = seed.wrapping_add(P5).wrapping_add(4);
    h ^= u64::from(value as u32).wrapping_mul(P1);
    avalanche(h.rotate_left(23).wrapping_mul(P2).wrapping_add(P3))
}

/// Returns the hash of 8 bytes.
fn long(value: i64, seed: u64) -> u64 {
    let mut h = seed.wrapping_add(P5).wrapping_add(8);
    h ^= round(0, value as u64);
    avalanche(h.rotate_left(27).wrapping_mul(P1).wrapping_add(P4))
}

/// Returns the hash of any number of bytes: stripes of 32 in four lanes, then words, half words and
/// bytes.
fn bytes(data: &[u8], seed: u64) -> u64 {
    let word = |b: &[u8]| u64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]);
    let mut stripes = data.chunks_exact(32);
    let mut h = if data.len() >= 32 {
        let mut lanes = [
            seed.wrapping_add(P1).wrapping_add(P2),
            seed.wrapping_add(P2),
            seed,
            seed.wrapping_sub(P1),
        ];
        for stripe in &mut stripes {
            for (lane, part) in lanes.iter_mut().zip(stripe.chunks_exact(8)) {
                *lane = round(*lane, word(part));
            }
        }
        let [a, b, c, d] = lanes;
        let mut h = a
            .rotate_left(1)
            .wrapping_add(b.rotate_left(7))
            .wrapping_add(c.rotate_left(12))
            .wrapping_add(d.rotate_left(18));
        for lane in lanes {
            h = (h ^ round(0, lane)).wrapping_mul(P1).wrapping_add(P4);
        }
        h
    } else {
        seed.wrapping_add(P5)
    };
    h = h.wrapping_add(data.len() as u64);
    let mut words = stripes.remainder().chunks_exact(8);
    for part in &mut words {
        h = (h ^ round(0, word(part)))
            .rotate_left(27)
            .wrapping_mul(P1)
            .wrapping_add(P4);
    }
    let mut rest = words.remainder();
    if rest.len() >= 4 {
        let half = u32::from_le_bytes([rest[0], rest[1], rest[2], rest[3]]);
        h = (h ^ u64::from(half).wrapping_mul(P1))
            .rotate_left(23)
            .wrapping_mul(P2)
            .wrapping_add(P3);
        rest = &rest[4..];
    }
    for byte in rest {
        h = (h ^ u64::from(*byte).wrapping_mul(P5)).rotate_left(11).wrapping_mul(P1);
    }
    avalanche(h)
}

/// Chains one cell into a hash; null leaves it as it is. One zero and one NaN, as in `hash`.
///
/// # Errors
/// If the type cannot be hashed, `UNSUPPORTED_FEATURE.RIVULET`.
fn cell(array: &dyn Array, row: usize, h: u64) -> Result<u64> {
    if array.is_null(row) {
        return Ok(h);
    }
    Ok(match array.data_type() {
        DataType::Null => h,
        DataType::Boolean => int(array.as_boolean().value(row).into(), h),
        DataType::Int8 => int(array.as_primitive::<Int8Type>().value(row).into(), h),
        DataType::Int16 => int(array.as_primitive::<Int16Type>().value(row).into(), h),
        DataType::Int32 => int(array.as_primitive::<Int32Type>().value(row), h),
        DataType::Date32 => int(array.as_primitive::<Date32Type>().value(row), h),
        DataType::Int64 => long(array.as_primitive::<Int64Type>().value(row), h),
        DataType::Timestamp(..) => long(array.as_primitive::<TimestampMicrosecondType>().value(row), h),
        DataType::Duration(_) => long(array.as_primitive::<DurationMicrosecondType>().value(row), h),
        DataType::Interval(IntervalUnit::YearMonth) => int(array.as_primitive::<IntervalYearMonthType>().value(row), h),
        DataType::Float32 => {
            let v = array.as_primitive::<Float32Type>().value(row);
            int(
                if v == 0.0 {
                    0
                } else if v.is_nan() {
                    0x7fc0_0000
                } else {
                    v.to_bits() as i32
                },
                h,
            )
        }
        DataType::Float64 => {
            let v = array.as_primitive::<Float64Type>().value(row);
            long(
                if v == 0.0 {
                    0
                } else if v.is_nan() {
                    0x7ff8_0000_0000_0000
                } else {
                    v.to_bits() as i64
                },
                h,
            )
        }
        DataType::Decimal128(p, _) => match array.as_primitive::<Decimal128Type>().value(row) {
            v if *p <= 18 => long(v as i64, h),
            v => bytes(&minimal(v), h),
        },
        DataType::Utf8 => bytes(&raw::to_bytes(array.as_string::<i32>().value(row)), h),
        DataType::Binary => bytes(array.as_binary::<i32>().value(row), h),
        DataType::Struct(_) => array
            .as_struct()
            .columns()
            .iter()
            .try_fold(h, |h, c| cell(c.as_ref(), row, h))?,
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            (0..items.len()).try_fold(h, |h, i| cell(items.as_ref(), i, h))?
        }
        other => {
            return Err(SparkError::unsupported(format!(
                "hashing the type {}",
                simple_string(other)
            )));
        }
    })
}

/// Returns the shortest big-endian two's complement of a number (`BigInteger.toByteArray`).
fn minimal(v: i128) -> Vec<u8> {
    let all = v.to_be_bytes();
    let sign = if v < 0 { 0xff } else { 0 };
    let start = (0..15)
        .find(|i| all[*i] != sign || (all[*i + 1] & 0x80 != 0) != (v < 0))
        .unwrap_or(15);
    all[start..].to_vec()
}

/// Returns the hash of each row over its columns.
///
/// # Errors
/// If a column's type cannot be hashed.
pub fn rows(columns: &[ArrayRef], count: usize) -> Result<Int64Array> {
    let hash = |row: usize| columns.iter().try_fold(42, |h, column| cell(column.as_ref(), row, h));
    (0..count).map(|row| Ok(Some(hash(row)? as i64))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values that Spark 4.3 printed for `xxhash64('Anna')` and a text of more than one stripe.
    #[test]
    fn hashes_equal_sparks() {
        assert_eq!(bytes(b"Anna", 42) as i64, 299_460_734_083_611_035);
        assert_eq!(
            bytes(b"a long string that is longer than thirty-two bytes in total", 42) as i64,
            -1_163_340_056_225_116_551
        );
    }
}
