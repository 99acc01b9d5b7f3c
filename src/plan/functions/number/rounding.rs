//! `round`, `bround`, `ceil`, `floor`: decimal rounding with Spark's result types (`RoundBase`,
//! `CeilExpressionBuilder`).
//!
//! Doubles are rounded by their shortest decimal digits, so that `round(2.675, 2)` is 2.68, as in Java.
//!
//! ```text
//!             2.5   -2.5   3.5
//! HalfUp       3     -3     4
//! HalfEven     2     -2     4
//! Ceiling      3     -2     4
//! Floor        2     -3     3
//! ```

use arrow::datatypes::DataType;
use datafusion_common::ScalarValue;

use crate::error::{Result, SparkError, arithmetic_overflow};
use crate::plan::functions::call::Call;
use crate::plan::functions::error::non_foldable;
use crate::plan::functions::row;
use crate::plan::scope::Typed;
use crate::values::cast::Mode;
use crate::values::types::{is_integral, is_numeric};

/// How a digit that does not fit is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    /// To the nearest; away from zero if two are equally near.
    HalfUp,
    /// To the nearest; to the even digit if two are equally near.
    HalfEven,
    /// Towards positive infinity.
    Ceiling,
    /// Towards negative infinity.
    Floor,
}

/// Resolves `ceil` and `floor`: to a whole number, or of two arguments to a scale.
///
/// # Errors
/// If the scale is not a constant, `DATATYPE_MISMATCH.NON_FOLDABLE_INPUT`.
pub fn whole(call: &Call<'_>, rounding: Rounding) -> Result<Typed> {
    if !call.has(1) {
        return to_whole(call, rounding);
    }
    let arg = call.arg(0)?;
    let to = match &arg.data_type {
        DataType::Decimal128(..) => arg.data_type.clone(),
        DataType::Float32 => DataType::Decimal128(14, 7),
        DataType::Float64 | DataType::Utf8 => DataType::Decimal128(30, 15),
        other => crate::plan::coercion::decimal_of(other)
            .map_or(DataType::Decimal128(10, 0), |(p, s)| DataType::Decimal128(p, s)),
    };
    decimal_at(call.context.cast(arg, &to)?, scale(call)?, rounding, call.label())
}

/// Returns the constant scale of a call; 0 if it is missing.
///
/// # Errors
/// If it is not a constant, `DATATYPE_MISMATCH.NON_FOLDABLE_INPUT`.
fn scale(call: &Call<'_>) -> Result<i32> {
    let Some(arg) = call.args.get(1) else { return Ok(0) };
    match call.context.cast(arg.clone(), &DataType::Int32)?.expr {
        datafusion_expr::Expr::Literal(ScalarValue::Int32(Some(n)), _) => Ok(n),
        _ => match call.constant_int(1).and_then(|n| i32::try_from(n).ok()) {
            Some(n) => Ok(n),
            None => Err(non_foldable(call, "scale", "INT")),
        },
    }
}

/// Resolves `round` and `bround` (`Round`, `BRound`), in the type of the argument; decimals have the
/// type that the scale makes.
///
/// When it runs, an integer that leaves its type is `ARITHMETIC_OVERFLOW` under ANSI.
pub fn round(call: &Call<'_>, rounding: Rounding) -> Result<Typed> {
    let label = call.label_or(1, &["0"]);
    let scale = scale(call)?;
    let arg = match &call.args[0].data_type {
        t if is_numeric(t) => call.arg(0)?,
        _ => call.double(0)?,
    };
    let to = arg.data_type.clone();
    let options = format!("{rounding:?} {scale} {:?}", call.context.mode);
    Ok(match &to {
        DataType::Decimal128(..) => return decimal_at(arg, scale, rounding, label),
        DataType::Float64 => row::call("round", options, to, vec![arg], label, move |r| {
            Ok(Some(double(r.double(0), scale, rounding)))
        }),
        DataType::Float32 => {
            let wide = call.double(0)?;
            row::call("round", options, to, vec![wide], label, move |r| {
                let x = r.double(0) as f32;
                Ok(Some(if x.is_finite() {
                    decimal_text(&format!("{x:e}"), scale, rounding).parse().unwrap_or(x)
                } else {
                    x
                }))
            })
        }
        _ if scale >= 0 => Typed {
            name: label,
            named: false,
            attribute: None,
            ..arg
        },
        _ => return integer(call, arg, scale, rounding, label),
    })
}

/// Rounds a whole number at a digit before the point, in its own type; outside ANSI it wraps.
fn integer(call: &Call<'_>, arg: Typed, scale: i32, rounding: Rounding, label: String) -> Result<Typed> {
    let to = arg.data_type.clone();
    let options = format!("{rounding:?} {scale} {:?}", call.context.mode);
    let ansi = call.context.ansi();
    let (least, most) = match &to {
        DataType::Int8 => (i8::MIN.into(), i8::MAX.into()),
        DataType::Int16 => (i16::MIN.into(), i16::MAX.into()),
        DataType::Int32 => (i32::MIN.into(), i32::MAX.into()),
        _ => (i64::MIN, i64::MAX),
    };
    let wide = call.context.cast(arg, &DataType::Int64)?;
    let rounded = row::call("round", options, DataType::Int64, vec![wide], label.clone(), move |r| {
        let value = unscaled(r.long(0).into(), scale.saturating_neg(), rounding).unwrap_or(0);
        if ansi && (value < i128::from(least) || value > i128::from(most)) {
            return Err(arithmetic_overflow("Overflow"));
        }
        Ok(Some(value as i64))
    });
    let mut out = crate::plan::cast_expr::cast(rounded, &to, Mode::Legacy, call.context.zone)?;
    out.name = label;
    Ok(out)
}

/// Rounds a decimal to another scale, in the type that `RoundBase` has for it; null if it does not fit.
fn decimal_at(arg: Typed, scale: i32, rounding: Rounding, label: String) -> Result<Typed> {
    let DataType::Decimal128(p, s) = arg.data_type else {
        return Err(SparkError::internal(format!(
            "expected a decimal type, found {}",
            arg.data_type
        )));
    };
    let (p, s) = (i32::from(p), i32::from(s));
    let whole = p - s + 1;
    let (precision, result_scale) = if scale < 0 {
        (whole.max(1i32.saturating_sub(scale)).min(38), 0)
    } else {
        ((whole + scale.min(s)).min(38), scale.min(s))
    };
    let to = DataType::Decimal128(precision as u8, result_scale as i8);
    Ok(row::call(
        "round",
        format!("{rounding:?} {scale} {s}"),
        to,
        vec![arg],
        label,
        move |r| {
            let cut = s.saturating_sub(scale);
            let value = r.decimal(0);
            let rounded = if cut <= 0 {
                Some(value)
            } else {
                unscaled(value, cut, rounding)
            };
            // `rounded` still has the scale `s`; bring it to the result's.
            let limit = 10i128.pow(precision as u32);
            Ok(rounded
                .map(|v| v / 10i128.pow((s - result_scale) as u32))
                .filter(|v| v.abs() < limit))
        },
    ))
}

/// Returns `value` with its last `cut` digits rounded to zeros; `None` beyond 38 digits.
pub fn unscaled(value: i128, cut: i32, rounding: Rounding) -> Option<i128> {
    if cut > 38 {
        return Some(match rounding {
            Rounding::Ceiling if value > 0 => return None,
            Rounding::Floor if value < 0 => return None,
            _ => 0,
        });
    }
    let unit = 10i128.checked_pow(cut.max(0) as u32)?;
    let (quotient, rest) = (value / unit, value % unit);
    let step = match rounding {
        Rounding::HalfUp if rest.abs() >= unit - rest.abs() => rest.signum(),
        Rounding::HalfEven
            if rest.abs() > unit - rest.abs() || (rest.abs() == unit - rest.abs() && quotient % 2 != 0) =>
        {
            rest.signum()
        }
        Rounding::Ceiling if rest > 0 => 1,
        Rounding::Floor if rest < 0 => -1,
        _ => 0,
    };
    (quotient + step).checked_mul(unit)
}

/// Rounds a double by its shortest decimal digits, as `BigDecimal(x).setScale(…)` does; infinities and
/// NaN stay.
pub fn double(x: f64, scale: i32, rounding: Rounding) -> f64 {
    if x.is_finite() {
        decimal_text(&format!("{x:e}"), scale, rounding).parse().unwrap_or(x)
    } else {
        x
    }
}

/// Rounds the number `d.ddde±x` to `scale` fraction digits, as a string that parses as a number.
fn decimal_text(scientific: &str, scale: i32, rounding: Rounding) -> String {
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let negative = mantissa.starts_with('-');
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let unscaled_scale = digits.len() as i32 - 1 - exponent;
    let cut = unscaled_scale.saturating_sub(scale);
    let value: i128 = digits.parse().unwrap_or(0);
    let value = if negative { -value } else { value };
    let rounded = if cut <= 0 {
        value
    } else {
        unscaled(value, cut, rounding).unwrap_or(0)
    };
    format!("{rounded}e{}", -unscaled_scale)
}

/// Resolves `ceil` and `floor` of one argument: BIGINT, or a decimal without fraction. A double beyond
/// BIGINT becomes its nearest bound, NaN 0.
fn to_whole(call: &Call<'_>, rounding: Rounding) -> Result<Typed> {
    let up = rounding == Rounding::Ceiling;
    let label = match call.name {
        "ceiling" => call.label(),
        _ => call.label_as(&call.name.to_uppercase()),
    };
    let arg = &call.args[0];
    Ok(match &arg.data_type {
        DataType::Decimal128(p, s) => {
            let to = DataType::Decimal128(
                if *s == 0 {
                    *p
                } else {
                    (i32::from(*p) - i32::from(*s) + 1).min(38) as u8
                },
                0,
            );
            let s = i32::from(*s);
            row::call(call.name, s.to_string(), to, vec![arg.clone()], label, move |r| {
                Ok(unscaled(r.decimal(0), s, rounding).map(|v| v / 10i128.pow(s as u32)))
            })
        }
        t if is_integral(t) => {
            let mut out = call.long(0)?;
            (out.name, out.named, out.attribute) = (label, false, None);
            out
        }
        _ => row::call(call.name, "", DataType::Int64, vec![call.double(0)?], label, move |r| {
            let x = r.double(0);
            Ok(Some(if up { x.ceil() } else { x.floor() } as i64))
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_round_by_their_decimal_text() {
        assert_eq!(double(1.005, 2, Rounding::HalfUp), 1.01);
        assert_eq!(double(2.5, 0, Rounding::HalfEven), 2.0);
        assert_eq!(double(1_234_567.891, -3, Rounding::HalfUp), 1_235_000.0);
        assert_eq!(double(1e300, 2, Rounding::HalfUp), 1e300);
        assert_eq!(double(1e-300, 2, Rounding::HalfUp), 0.0);
    }

    #[test]
    fn digits_are_dropped_in_all_four_ways() {
        assert_eq!(unscaled(-25, 1, Rounding::HalfUp), Some(-30));
        assert_eq!(unscaled(25, 1, Rounding::HalfEven), Some(20));
        assert_eq!(unscaled(-25, 1, Rounding::Ceiling), Some(-20));
        assert_eq!(unscaled(-25, 1, Rounding::Floor), Some(-30));
        assert_eq!(unscaled(7, 60, Rounding::HalfUp), Some(0));
    }
}
