//! Digits in other bases.
//!
//! ```text
//! bin(13)                1101          conv('100', 2, 10)     4
//! bin(-1)                64 ones       conv('-10', 16, -10)   -16
//!                                      conv('12x', 10, 10)    12
//! ```

use arrow::datatypes::DataType;

use crate::error::{Result, arithmetic_overflow};
use crate::plan::functions::call::Call;
use crate::plan::functions::row;
use crate::plan::scope::Typed;

/// Resolves `bin` (`Bin`): two's complement for negative numbers.
pub fn bin(call: &Call<'_>) -> Result<Typed> {
    call.strict(DataType::Utf8, vec![call.long(0)?], |r| {
        Ok(Some(format!("{:b}", r.long(0))))
    })
}

/// Resolves `conv` (`Conv`).
///
/// When it runs, a number beyond 64 bits is `ARITHMETIC_OVERFLOW` under ANSI, else the greatest there
/// is.
pub fn conv(call: &Call<'_>) -> Result<Typed> {
    let ansi = call.context.ansi();
    let args = vec![call.text(0)?, call.int(1)?, call.int(2)?];
    let options = format!("{:?}", call.context.mode);
    Ok(row::call(
        call.name,
        options,
        DataType::Utf8,
        args,
        call.label(),
        move |r| converted(r.text(0), r.int(1), r.int(2), ansi),
    ))
}

/// Returns digits from base to base (`NumberConverter.convert`); a negative target base keeps the sign.
/// Reading ends at the first character that is not a digit; bases go from 2 to 36.
///
/// # Errors
/// If the number is beyond 64 bits under ANSI, `ARITHMETIC_OVERFLOW`.
fn converted(text: &str, from: i32, to: i32, ansi: bool) -> Result<Option<String>> {
    let text = text.trim_matches(' ');
    if !(2..=36).contains(&from) || !(2..=36).contains(&to.unsigned_abs()) || text.is_empty() {
        return Ok(None);
    }
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let mut value: u64 = 0;
    let mut overflow = false;
    for digit in digits.chars().map_while(|c| c.to_digit(from as u32)) {
        match value.checked_mul(from as u64).and_then(|v| v.checked_add(digit.into())) {
            Some(next) => value = next,
            None => overflow = true,
        }
    }
    if overflow {
        if ansi {
            return Err(arithmetic_overflow("Overflow in function conv()"));
        }
        value = u64::MAX;
    }
    if negative && to > 0 {
        value = if (value as i64) < 0 {
            u64::MAX
        } else {
            (value as i64).wrapping_neg() as u64
        };
    }
    let mut minus = negative && to < 0;
    if to < 0 && (value as i64) < 0 {
        value = (value as i64).wrapping_neg() as u64;
        minus = true;
    }
    let base = u64::from(to.unsigned_abs());
    let mut out = Vec::new();
    loop {
        out.push(
            char::from_digit((value % base) as u32, base as u32)
                .unwrap_or('0')
                .to_ascii_uppercase(),
        );
        value /= base;
        if value == 0 {
            break;
        }
    }
    if minus && out != ['0'] {
        out.push('-');
    }
    Ok(Some(out.into_iter().rev().collect()))
}
