//! Bitmaps of whole numbers: a bucket of 32,768 numbers is a BINARY of 4,096 bytes, the lowest bit of a byte first.
//!
//! ```text
//! number        1 … 32768   32769 … 65536   0, -1 … -32767
//! bucket        1           2               0
//! position      0 … 32767   0 … 32767       0, 1 … 32767
//! ```

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::{DataType, Int64Type};
use datafusion_common::ScalarValue;

use super::aggregate::of_udaf;
use super::call::Call;
use super::entry::{Function, Nulls, aggregate, binary, long, scalar};
use super::error::unexpected_type;
use crate::error::{Exception, Result, SparkError};
use crate::kernels::aggregates::gather::{Finish, Keep, gather};
use crate::plan::scope::Typed;

/// Bits of a bitmap.
const BITS: i64 = 8 * BYTES as i64;
/// Bytes of a bitmap (`BitmapExpressionUtils.NUM_BYTES`).
const BYTES: usize = 4096;

/// Functions of bitmaps.
#[rustfmt::skip] // A table: a few lines for each entry.
pub static FUNCTIONS: &[Function] = &[
    scalar("bitmap_bit_position", |c| c.strict(DataType::Int64, vec![c.long(0)?], |r| Ok(Some(position(r.long(0))))))
        .takes(&[long("child")]).returns("BIGINT")
        .about("Returns the position from 0 of a number's bit in the bitmap of its bucket.")
        .example("bitmap_bit_position(32770)", "1"),
    scalar("bitmap_bucket_number", |c| c.strict(DataType::Int64, vec![c.long(0)?], |r| Ok(Some(bucket(r.long(0))))))
        .takes(&[long("child")]).returns("BIGINT")
        .about("Returns the number of the bucket that a number is in.")
        .example("bitmap_bucket_number(32770)", "2"),
    scalar("bitmap_count", count).takes(&[binary("child")]).returns("BIGINT")
        .about("Returns how many bits of a bitmap are set.")
        .example("bitmap_count(x'1010')", "2"),
    aggregate("bitmap_construct_agg", construct).takes(&[long("child")]).returns("BINARY").nulls(Nulls::Never)
        .about("Makes a bitmap with a bit for each position.")
        .example("bitmap_count(bitmap_construct_agg(x)) FROM VALUES (1), (2), (2) AS t(x)", "2"),
    aggregate("bitmap_or_agg", |c| merged(c, 0, |all, byte| all | byte)).takes(&[binary("child")]).returns("BINARY").nulls(Nulls::Never)
        .about("Returns a bitmap of the bits that are set in any of the bitmaps.")
        .example("bitmap_count(bitmap_or_agg(x)) FROM VALUES (x'10'), (x'30') AS t(x)", "2"),
    aggregate("bitmap_and_agg", |c| merged(c, u8::MAX, |all, byte| all & byte)).takes(&[binary("child")]).returns("BINARY").nulls(Nulls::Never)
        .about("Returns a bitmap of the bits that are set in all of the bitmaps; of none, every bit is set.")
        .example("bitmap_count(bitmap_and_agg(x)) FROM VALUES (x'10'), (x'30') AS t(x)", "1"),
];

/// Returns the position of a number's bit (`BitmapExpressionUtils.bitmapBitPosition`).
fn position(number: i64) -> i64 {
    match number {
        1.. => (number - 1) % BITS,
        _ => number.wrapping_neg().wrapping_rem(BITS),
    }
}

/// Returns the bucket of a number (`BitmapExpressionUtils.bitmapBucketNumber`): those below 1 are in 0 and below.
fn bucket(number: i64) -> i64 {
    match number {
        1.. => (number - 1) / BITS + 1,
        _ => number / BITS,
    }
}

/// Returns the argument, which must be a BINARY.
///
/// # Errors
/// If it is not, `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE`: strings are not bitmaps.
fn bitmap(call: &Call<'_>) -> Result<Typed> {
    match call.arg(0)? {
        arg if arg.data_type == DataType::Binary => Ok(arg),
        arg => Err(unexpected_type(&call.label(), 1, &arg, &["BINARY"])),
    }
}

/// Resolves `bitmap_count` (`BitmapCount`).
fn count(call: &Call<'_>) -> Result<Typed> {
    call.strict(DataType::Int64, vec![bitmap(call)?], |r| {
        Ok(Some(
            r.bytes(0).iter().map(|byte| i64::from(byte.count_ones())).sum::<i64>(),
        ))
    })
}

/// Resolves `bitmap_construct_agg` (`BitmapConstructAgg`).
///
/// When it runs, a position that a bitmap does not have is `INVALID_BITMAP_POSITION`.
fn construct(call: &Call<'_>) -> Result<Typed> {
    let finish: Finish = Arc::new(|columns| {
        let mut bits = vec![0; BYTES];
        for at in columns[0].as_primitive::<Int64Type>().iter().flatten() {
            let byte = usize::try_from(at).ok().and_then(|at| bits.get_mut(at / 8));
            *byte.ok_or_else(|| no_position(at))? |= 1 << (at % 8);
        }
        Ok(ScalarValue::Binary(Some(bits)))
    });
    let distinct = Keep {
        nulls: false,
        distinct: true,
    };
    let function = gather(
        "bitmap_construct_agg",
        "",
        &[DataType::Int64],
        DataType::Binary,
        distinct,
        finish,
    );
    Ok(of_udaf(
        function,
        vec![call.long(0)?],
        DataType::Binary,
        false,
        &call.label(),
    ))
}

/// Makes `INVALID_BITMAP_POSITION` for a position that a bitmap does not have.
fn no_position(at: i64) -> SparkError {
    SparkError::new(
        Exception::ArrayIndexOutOfBounds,
        "INVALID_BITMAP_POSITION",
        "22003",
        format!("The 0-indexed bitmap position {at} is out of bounds. The bitmap has {BITS} bits ({BYTES} bytes)."),
    )
    .with("bitPosition", at.to_string())
    .with("bitmapNumBits", BITS.to_string())
    .with("bitmapNumBytes", BYTES.to_string())
}

/// Resolves `bitmap_or_agg` and `bitmap_and_agg` (`BitmapOrAgg`, `BitmapAndAgg`): bytes that a shorter bitmap lacks are 0, those beyond
/// 4,096 are not looked at.
fn merged(call: &Call<'_>, first: u8, merge: fn(u8, u8) -> u8) -> Result<Typed> {
    let arg = bitmap(call)?;
    let finish: Finish = Arc::new(move |columns| {
        let mut all = vec![first; BYTES];
        for bytes in columns[0].as_binary::<i32>().iter().flatten() {
            let missing = std::iter::repeat(&0);
            for (byte, other) in all.iter_mut().zip(bytes.iter().chain(missing)) {
                *byte = merge(*byte, *other);
            }
        }
        Ok(ScalarValue::Binary(Some(all)))
    });
    let distinct = Keep {
        nulls: false,
        distinct: true,
    };
    let options = format!("{first}");
    let function = gather(
        "bitmap_agg",
        options,
        &[DataType::Binary],
        DataType::Binary,
        distinct,
        finish,
    );
    Ok(of_udaf(function, vec![arg], DataType::Binary, false, &call.label()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_a_bucket_and_a_position() {
        let numbers = [1, 123, 0, -1, 32_768, 32_769, -32_768, i64::MIN];
        // As Spark answers.
        assert_eq!(numbers.map(position), [0, 122, 0, 1, 32_767, 0, 0, 0]);
        assert_eq!(numbers.map(bucket), [1, 1, 0, 0, 1, 2, -1, -281_474_976_710_656]);
    }
}
