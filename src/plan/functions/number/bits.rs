//! Bits of whole numbers.
//!
//! A number keeps its type's width where that shows: `bit_get` knows 8, 16, 32 or 64 positions; shifts
//! know 32 and 64.

use arrow::datatypes::DataType;

use crate::error::{Exception, Result, SparkError};
use crate::plan::functions::call::Call;
use crate::plan::functions::{row, unexpected_type};
use crate::plan::scope::Typed;
use crate::values::types::is_integral;

/// Resolves `bit_count` (`BitwiseCount`); a negative number is counted in 64 bits.
///
/// # Errors
/// If the argument is neither integral nor a boolean, `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE`.
pub fn bit_count(call: &Call<'_>) -> Result<Typed> {
    let arg = call.arg(0)?;
    if arg.data_type != DataType::Boolean && !is_integral(&arg.data_type) {
        return Err(unexpected_type(&call.label(), 1, &arg, &["INTEGRAL", "BOOLEAN"]));
    }
    let arg = call.context.cast(arg, &DataType::Int64)?;
    call.strict(DataType::Int32, vec![arg], |r| Ok(Some(r.long(0).count_ones() as i32)))
}

/// Resolves `bit_get` (`BitwiseGet`).
///
/// When it runs, a position beyond the type's bits is `INVALID_PARAMETER_VALUE.BIT_POSITION_RANGE`.
///
/// # Errors
/// If the number is not a whole one, `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE`.
pub fn bit_get(call: &Call<'_>) -> Result<Typed> {
    let number = call.arg(0)?;
    if !is_integral(&number.data_type) && !number.data_type.is_null() {
        return Err(unexpected_type(&call.label(), 1, &number, &["INTEGRAL"]));
    }
    let width = 8 * call.args[0].data_type.primitive_width().unwrap_or(8) as i32;
    let args = vec![call.long(0)?, call.int(1)?];
    Ok(row::call(
        call.name,
        width.to_string(),
        DataType::Int8,
        args,
        call.label(),
        move |r| {
            let at = r.int(1);
            if !(0..width).contains(&at) {
                return Err(SparkError::new(
                    Exception::IllegalArgument,
                    "INVALID_PARAMETER_VALUE.BIT_POSITION_RANGE",
                    "22023",
                    format!(
                        "The value of parameter(s) `pos` in `bit_get` is invalid: Expects an integer value in [0, {width}), but got {at}."
                    ),
                ));
            }
            Ok(Some((r.long(0) >> at & 1) as i8))
        },
    ))
}

/// Where bits go, and what fills up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shift {
    /// To the left; zeros come in.
    Left,
    /// To the right; copies of the sign come in.
    Right,
    /// To the right; zeros come in.
    RightUnsigned,
}

impl Shift {
    /// Returns the operator.
    fn symbol(self) -> &'static str {
        match self {
            Self::Left => "<<",
            Self::Right => ">>",
            Self::RightUnsigned => ">>>",
        }
    }
}

/// Resolves a shift of a BIGINT, or of what an INT holds. As in Java, only the lowest six or five bits
/// of the distance count.
pub fn shift(call: &Call<'_>, shift: Shift) -> Result<Typed> {
    let (a, b) = (&call.args[0], &call.args[1]);
    let label = if call.name == shift.symbol() {
        format!("({} {} {})", a.name, call.name, b.name)
    } else {
        call.label()
    };
    let options = format!("{shift:?}");
    if a.data_type == DataType::Int64 {
        let args = vec![call.long(0)?, call.int(1)?];
        return Ok(row::call("shift", options, DataType::Int64, args, label, move |r| {
            let (x, n) = (r.long(0), r.int(1) as u32 & 63);
            Ok(Some(match shift {
                Shift::Left => x << n,
                Shift::Right => x >> n,
                Shift::RightUnsigned => (x as u64 >> n) as i64,
            }))
        }));
    }
    let args = vec![call.int(0)?, call.int(1)?];
    Ok(row::call("shift", options, DataType::Int32, args, label, move |r| {
        let (x, n) = (r.int(0), r.int(1) as u32 & 31);
        Ok(Some(match shift {
            Shift::Left => x << n,
            Shift::Right => x >> n,
            Shift::RightUnsigned => (x as u32 >> n) as i32,
        }))
    }))
}
