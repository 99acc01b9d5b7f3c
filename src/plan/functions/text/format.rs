//! `format_string`: `java.util.Formatter` over the values that Spark hands it (dates as day numbers, as
//! Spark does).
//!
//! ```text
//! %[index$][flags][width][.precision]conversion
//!
//! %s %S  any value as a string     %d        whole numbers
//! %b %B  whether it is not null    %x %o     whole numbers, hexadecimal and octal
//! %c     a character by its code   %f %e %g  real numbers and decimals
//! %%     a percent sign            %n        a line feed
//! ```
//!
//! A null is the word `null`. Java's exceptions for patterns that do not fit have no condition of
//! Spark's and keep Java's words.
//!
//! ```text
//! %05d of 42           00042        %,d of 1234567    1,234,567      %s of null    null
//! %-5s| of 'ab'        ab   |       %.2f of 2.345D    2.35           %S of 'ab'    AB
//! %x of 255            ff           %e of 12345.678D  1.234568e+04   %c of 65      A
//! ```

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::*;
use datafusion_common::ScalarValue;

use crate::error::{Exception, Result, SparkError};
use crate::kernels::kernel;
use crate::plan::functions::call::Call;
use crate::plan::functions::number::rounding::{Rounding, unscaled};
use crate::plan::scope::Typed;
use crate::values::cast::to_text;
use crate::values::text;
use crate::values::zone::Zone;

/// Resolves `format_string` (`FormatString`).
///
/// When it runs, a pattern that does not fit its arguments is an `IllegalArgumentException`.
pub fn format_string(call: &Call<'_>) -> Result<Typed> {
    let exprs = std::iter::once(call.text(0)?.expr)
        .chain(call.args[1..].iter().map(|a| a.expr.clone()))
        .collect();
    let expr = kernel::call(call.name, "", DataType::Utf8, exprs, |args, rows| {
        let patterns = args[0].as_string::<i32>();
        let mut out = StringBuilder::with_capacity(rows, rows * 16);
        for row in 0..rows {
            if patterns.is_null(row) {
                out.append_null();
            } else {
                out.append_value(format(patterns.value(row), &args[1..], row)?);
            }
        }
        Ok(Arc::new(out.finish()))
    });
    Ok(Typed::new(expr, DataType::Utf8, call.label()))
}

/// Makes an `IllegalArgumentException`: Java raises plain exceptions here, which have no Spark
/// condition.
fn illegal(message: String) -> SparkError {
    SparkError::new(Exception::IllegalArgument, "", "", message)
}

/// The greatest width and precision of a place: what `format!` can pad to.
const WIDEST: usize = 65_535;

/// One place of a pattern: `%[index$][flags][width][.precision]conversion`.
#[derive(Debug, Default, Clone)]
struct Spec {
    /// Which argument, from 1; `None` takes the next.
    index: Option<usize>,
    /// Any of `-#+ 0,(`.
    flags: String,
    /// Least width in characters.
    width: usize,
    /// Digits after the point, or most characters of a string.
    precision: Option<usize>,
    /// What is written; capitals write in upper case.
    conversion: char,
}

impl Spec {
    /// Returns whether a flag is set.
    fn has(&self, flag: char) -> bool {
        self.flags.contains(flag)
    }

    /// Fills a string up with spaces to the width, on the left unless `-` is set.
    fn padded(&self, text: String) -> String {
        let missing = self.width.saturating_sub(text.chars().count());
        if missing == 0 {
            text
        } else if self.has('-') {
            format!("{text}{}", " ".repeat(missing))
        } else {
            format!("{}{text}", " ".repeat(missing))
        }
    }

    /// Returns a number's digits with sign, grouping and zero padding.
    fn number(&self, negative: bool, digits: &str) -> String {
        let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(w, f)| (w, Some(f)));
        let mut body = if self.has(',') {
            grouped(whole)
        } else {
            whole.to_owned()
        };
        if let Some(fraction) = fraction {
            body = format!("{body}.{fraction}");
        }
        let (before, after) = match (negative, self.has('(')) {
            (true, true) => ("(", ")"),
            (true, false) => ("-", ""),
            _ if self.has('+') => ("+", ""),
            _ if self.has(' ') => (" ", ""),
            _ => ("", ""),
        };
        if self.has('0') {
            let missing = self.width.saturating_sub(before.len() + body.len() + after.len());
            body = format!("{}{body}", "0".repeat(missing));
        }
        self.padded(format!("{before}{body}{after}"))
    }
}

/// Puts a comma between thousands.
pub fn grouped(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// Writes one row by a pattern.
///
/// # Errors
/// If the pattern does not fit, an `IllegalArgumentException`.
fn format(pattern: &str, args: &[ArrayRef], row: usize) -> Result<String> {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut chars = pattern.chars().peekable();
    let mut next = 0;
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let spec = read(&mut chars).ok_or_else(|| illegal(format!("Conversion = '%' in '{pattern}'")))?;
        match spec.conversion {
            '%' => out.push_str(&spec.padded("%".into())),
            'n' => out.push('\n'),
            _ => {
                let at = spec.index.map_or_else(
                    || {
                        next += 1;
                        next - 1
                    },
                    |i| i - 1,
                );
                let Some(array) = args.get(at) else {
                    return Err(illegal(format!("Format specifier '%{}'", spec.conversion)));
                };
                out.push_str(&one(&spec, array, row)?);
            }
        }
    }
    Ok(out)
}

/// Reads a place of a pattern after its percent sign; `None` if it is malformed.
fn read(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<Spec> {
    let mut spec = Spec::default();
    let mut digits = String::new();
    loop {
        let c = chars.next()?;
        match c {
            '$' if !digits.is_empty() => {
                spec.index = Some(std::mem::take(&mut digits).parse().ok().filter(|n| *n > 0)?)
            }
            '-' | '#' | '+' | ' ' | ',' | '(' if digits.is_empty() => spec.flags.push(c),
            '0' if digits.is_empty() && spec.precision.is_none() => spec.flags.push('0'),
            '0'..='9' => digits.push(c),
            '.' => {
                if !digits.is_empty() {
                    spec.width = std::mem::take(&mut digits).parse().ok().filter(|n| *n <= WIDEST)?;
                }
                spec.precision = Some(0);
            }
            conversion => {
                if !digits.is_empty() {
                    let number: usize = digits.parse().ok().filter(|n| *n <= WIDEST)?;
                    if spec.precision.is_some() {
                        spec.precision = Some(number)
                    } else {
                        spec.width = number
                    }
                }
                spec.conversion = conversion;
                return Some(spec);
            }
        }
    }
}

/// Writes one value.
///
/// # Errors
/// If the conversion does not take such a value or does not exist, an `IllegalArgumentException`.
fn one(spec: &Spec, array: &ArrayRef, row: usize) -> Result<String> {
    let null = array.data_type().is_null() || array.is_null(row);
    let mismatch = || {
        illegal(format!(
            "{} != {}",
            spec.conversion,
            crate::values::types::simple_string(array.data_type())
        ))
    };
    let upper = spec.conversion.is_ascii_uppercase();
    let text = |text: String| {
        let cut: String = text.chars().take(spec.precision.unwrap_or(usize::MAX)).collect();
        spec.padded(if upper { cut.to_uppercase() } else { cut })
    };
    let lower = spec.conversion.to_ascii_lowercase();
    if lower == 'b' {
        return Ok(text(match array.data_type() {
            _ if null => "false".into(),
            DataType::Boolean => array.as_boolean().value(row).to_string(),
            _ => "true".into(),
        }));
    }
    if null {
        return Ok(text("null".into()));
    }
    let scalar = ScalarValue::try_from_array(array, row)?;
    match lower {
        's' => Ok(text(as_object(array, row)?)),
        'd' => match integer(&scalar) {
            Some(v) => Ok(spec.number(v < 0, &v.unsigned_abs().to_string())),
            None => Err(mismatch()),
        },
        'x' | 'o' => bits(spec, &scalar).ok_or_else(mismatch),
        'c' => match integer(&scalar).and_then(|v| char::from_u32(v as u32)) {
            Some(c) => Ok(text(c.to_string())),
            None => Err(mismatch()),
        },
        'f' | 'e' | 'g' => real(spec, &scalar, text).ok_or_else(mismatch),
        'h' => Ok(text("0".into())),
        _ => Err(illegal(format!("Conversion = '{}'", spec.conversion))),
    }
}

/// Returns `%x` and `%o`: the bits of a whole number, as many as its type has; `None` for other values.
fn bits(spec: &Spec, scalar: &ScalarValue) -> Option<String> {
    let (value, width) = match scalar {
        ScalarValue::Int8(Some(v)) => (i64::from(*v), 8),
        ScalarValue::Int16(Some(v)) => (i64::from(*v), 16),
        ScalarValue::Int32(Some(v)) | ScalarValue::Date32(Some(v)) => (i64::from(*v), 32),
        ScalarValue::Int64(Some(v)) => (*v, 64),
        _ => return None,
    };
    let value = value as u64 & (u64::MAX >> (64 - width));
    let hexadecimal = spec.conversion.eq_ignore_ascii_case(&'x');
    let digits = if hexadecimal {
        format!("{value:x}")
    } else {
        format!("{value:o}")
    };
    let prefix = match (spec.has('#'), hexadecimal) {
        (true, true) => "0x",
        (true, false) => "0",
        _ => "",
    };
    let width = if spec.has('0') {
        spec.width.saturating_sub(prefix.len())
    } else {
        0
    };
    let body = format!("{prefix}{digits:0>width$}");
    let upper = spec.conversion.is_ascii_uppercase();
    Some(spec.padded(if upper { body.to_uppercase() } else { body }))
}

/// Returns `%f`, `%e` and `%g`, rounded half up; `text` writes what does not have digits. `None` for
/// values that are not real numbers.
///
/// A decimal keeps all its digits; a FLOAT is widened first, so that its digits are those of the
/// DOUBLE.
fn real(spec: &Spec, scalar: &ScalarValue, text: impl Fn(String) -> String) -> Option<String> {
    let decimals = spec.precision.unwrap_or(6);
    let x = match scalar {
        ScalarValue::Decimal128(Some(v), _, scale) => {
            let written = decimal_text(*v, (*scale).into(), decimals as i32);
            return Some(spec.number(*v < 0, written.trim_start_matches('-')));
        }
        ScalarValue::Float64(Some(x)) => *x,
        ScalarValue::Float32(Some(x)) => f64::from(*x),
        _ => return None,
    };
    if !x.is_finite() {
        return Some(text(text::double(x)));
    }
    let significant = decimals.max(1);
    let body = match spec.conversion.to_ascii_lowercase() {
        'e' => scientific(x.abs(), decimals),
        'g' if x == 0.0 || (1e-4..10f64.powi(significant as i32)).contains(&x.abs()) => {
            let digits = if x == 0.0 { 0 } else { x.abs().log10().floor() as i32 };
            half_up(x.abs(), (significant as i32 - 1 - digits).max(0) as usize)
        }
        'g' => scientific(x.abs(), significant - 1),
        _ => half_up(x.abs(), decimals),
    };
    let upper = spec.conversion.is_ascii_uppercase();
    let body = if upper { body.to_uppercase() } else { body };
    Some(spec.number(x.is_sign_negative(), &body))
}

/// Returns a value as a whole number: dates as days, timestamps as µs; `None` for other values.
fn integer(scalar: &ScalarValue) -> Option<i64> {
    match scalar {
        ScalarValue::Int8(v) => v.map(i64::from),
        ScalarValue::Int16(v) => v.map(i64::from),
        ScalarValue::Int32(v) | ScalarValue::Date32(v) => v.map(i64::from),
        ScalarValue::Int64(v) | ScalarValue::TimestampMicrosecond(v, _) => *v,
        _ => None,
    }
}

/// Returns what Java's `toString` of the value in Spark's internal row is.
fn as_object(array: &ArrayRef, row: usize) -> Result<String> {
    let one = array.slice(row, 1);
    Ok(match array.data_type() {
        DataType::Date32 => one.as_primitive::<Date32Type>().value(0).to_string(),
        DataType::Timestamp(..) => one.as_primitive::<TimestampMicrosecondType>().value(0).to_string(),
        DataType::List(_) => to_text(&one, Zone::UTC)?.value(0).replace(", ", ","),
        _ => to_text(&one, Zone::UTC)?.value(0).to_owned(),
    })
}

/// Returns the decimal digits of a double, rounded half up, as `BigDecimal` of Java's formatter does
/// it.
pub fn half_up(x: f64, decimals: usize) -> String {
    let shortest = text::double(x);
    let (mantissa, exponent) = shortest
        .split_once('E')
        .map_or((shortest.as_str(), 0), |(m, e)| (m, e.parse().unwrap_or(0)));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: i128 = format!("{whole}{fraction}").parse().unwrap_or(0);
    decimal_text(digits, fraction.len() as i32 - exponent, decimals as i32)
}

/// Returns `unscaled · 10^-scale` with `decimals` fraction digits, rounded half up.
fn decimal_text(value: i128, scale: i32, decimals: i32) -> String {
    if scale <= decimals {
        let digits = value.unsigned_abs().to_string();
        let digits = if value == 0 {
            digits
        } else {
            format!("{digits}{}", "0".repeat((-scale).max(0) as usize))
        };
        let scale = scale.max(0) as usize;
        let padded = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = padded.split_at(padded.len() - scale);
        let fraction = format!("{fraction:0<width$}", width = decimals as usize);
        let sign = if value < 0 { "-" } else { "" };
        return if decimals == 0 {
            format!("{sign}{whole}")
        } else {
            format!("{sign}{whole}.{fraction}")
        };
    }
    let cut = scale - decimals;
    let rounded =
        unscaled(value, cut, Rounding::HalfUp).unwrap_or(0) / 10i128.checked_pow(cut.min(38) as u32).unwrap_or(1);
    text::decimal(rounded, decimals as i8)
}

/// Returns a number as `1.234560e+04`.
fn scientific(x: f64, decimals: usize) -> String {
    let text = format!("{x:.decimals$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    format!(
        "{mantissa}e{}{:02}",
        if exponent < 0 { '-' } else { '+' },
        exponent.abs()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_javas_formatter_writes_them() {
        let double = |x: f64| Arc::new(Float64Array::from(vec![x])) as ArrayRef;
        let int = |x: i32| Arc::new(Int32Array::from(vec![x])) as ArrayRef;
        for (pattern, value, text) in [
            ("%5.1f|", double(3.12), "  3.1|"),
            ("%e", double(12345.678), "1.234568e+04"),
            ("%-5d|", int(3), "3    |"),
            ("%05d", int(-42), "-0042"),
            ("%,d", int(1_234_567), "1,234,567"),
            ("%+d", int(5), "+5"),
            ("%X", int(-1), "FFFFFFFF"),
            ("%1$d %1$x%%", int(10), "10 a%"),
            ("%.2f", double(0.125), "0.13"),
            ("%(d", int(-3), "(3)"),
        ] {
            assert_eq!(format(pattern, &[value], 0).unwrap(), text, "{pattern}");
        }
        assert!(format("%d", &[double(1.0)], 0).is_err());
        assert!(format("%d", &[], 0).is_err());
        assert!(format("%", &[], 0).is_err());
    }
}
