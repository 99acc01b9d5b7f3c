//! Numbers as text by a picture: `format_number` (`java.text.DecimalFormat`), `to_char` and `to_number`
//! (`ToNumberParser`).
//!
//! ```text
//! 0 9     a digit; leading zeros show for 0, spaces stand for 9      $       the dollar sign, in front
//! . D     the point                                                  S MI    the sign, in front or at the end
//! , G     a separator of thousands                                   PR      angle brackets around negative numbers
//! ```
//!
//! `to_char` rounds half up, `format_number` half to even. A number with more digits than the picture
//! is written in `#`.
//!
//! ```text
//! to_char(12454.8, '99,999.9S')     12,454.8+         to_number('12,454.8-', '99,999.9S')   -12454.8
//! to_char(-7, '$999PR')             <$7>              to_number('$7', '$999')               7
//! to_char(1234, '99')               ##                format_number(12332.5, '#,###.00')    12,332.50
//! ```

use arrow::datatypes::DataType;
use datafusion_common::ScalarValue;

use crate::error::{Exception, Result, SparkError};
use crate::plan::functions::call::Call;
use crate::plan::functions::entry::Body;
use crate::plan::functions::error::non_foldable;
use crate::plan::functions::number::rounding::{Rounding, unscaled};
use crate::plan::functions::registry;
use crate::plan::functions::row::{self, Row};
use crate::plan::functions::text::format::grouped;
use crate::plan::functions::time;
use crate::plan::scope::Typed;
use crate::values::text;
use crate::values::types::{is_integral, is_string, is_timestamp};

/// Resolves `to_char` (`ToCharacter`): a number by a picture, a time by a pattern.
///
/// # Errors
/// If the format is not a constant, `DATATYPE_MISMATCH.NON_FOLDABLE_INPUT`; if it is not a picture,
/// `INVALID_FORMAT.UNEXPECTED_TOKEN`.
pub fn to_char(call: &Call<'_>) -> Result<Typed> {
    let label = call.label_as("to_char");
    let arg = call.arg(0)?;
    if is_timestamp(&arg.data_type) || arg.data_type == DataType::Date32 {
        let mut out = time::text::date_format(call)?;
        out.name = call.label_as("date_format");
        return Ok(out);
    }
    if arg.data_type == DataType::Binary {
        return bytes_to_char(call);
    }
    let picture = Picture::new(&constant_format(call)?)?;
    let (value, scale) = match &arg.data_type {
        DataType::Decimal128(_, scale) => (arg.clone(), *scale),
        t if is_integral(t) => (call.context.cast(arg, &DataType::Decimal128(20, 0))?, 0),
        _ => (call.context.cast(arg, &DataType::Decimal128(38, 18))?, 18),
    };
    let options = format!("{picture:?}");
    Ok(row::call(
        "to_char",
        options,
        DataType::Utf8,
        vec![value],
        label,
        move |r| Ok(Some(picture.write(r.decimal(0), scale.into()))),
    ))
}

/// Resolves `to_char` of a BINARY: `base64`, `hex` or `decode` with UTF-8, under the label of that function.
///
/// # Errors
/// If the format is another, `INVALID_PARAMETER_VALUE.BINARY_FORMAT`.
fn bytes_to_char(call: &Call<'_>) -> Result<Typed> {
    let format = constant_format(call)?;
    let (name, args) = match format.to_lowercase().as_str() {
        "base64" => ("base64", &call.args[..1]),
        "hex" => ("hex", &call.args[..1]),
        "utf-8" => ("decode", call.args),
        _ => {
            return Err(SparkError::analysis(
                "INVALID_PARAMETER_VALUE.BINARY_FORMAT",
                "22023",
                format!(
                    "The value of parameter(s) `format` in `{}` is invalid: expects one of binary formats 'base64', 'hex', 'utf-8', but got \
                     '{format}'.",
                    call.name
                ),
            ));
        }
    };
    let function = registry::find(name).ok_or_else(|| registry::unresolved(name))?;
    match function.body {
        Body::Scalar(resolve) => resolve(&call.other(name, args)),
        _ => Err(registry::unresolved(name)),
    }
}

/// Resolves `to_number` and `try_to_number` (`ToNumber`): a decimal with the digits of the picture.
///
/// When it runs, a string that does not match is `INVALID_FORMAT.MISMATCH_INPUT` under ANSI, or null if
/// `tolerant`.
pub fn to_number(call: &Call<'_>, tolerant: bool) -> Result<Typed> {
    let format = constant_format(call)?;
    let picture = Picture::new(&format)?;
    let precision = picture.whole.len() + picture.fraction;
    if precision > 38 {
        return Err(SparkError::new(
            Exception::Arithmetic,
            "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION",
            "22003",
            format!("Decimal precision {precision} exceeds max precision 38."),
        )
        .with("precision", precision.to_string())
        .with("maxPrecision", "38"));
    }
    let precision = precision.max(1) as u8;
    let to = DataType::Decimal128(precision, picture.fraction as i8);
    let tolerant = tolerant || !call.context.ansi();
    let options = format!("{picture:?}");
    Ok(row::call(
        call.name,
        options,
        to,
        vec![call.text(0)?],
        call.label(),
        move |r| match picture.read(r.text(0)) {
            None if !tolerant => Err(no_match(&format, r.text(0))),
            found => Ok(found),
        },
    ))
}

/// Makes `INVALID_FORMAT.MISMATCH_INPUT`, which shows format and string.
fn no_match(format: &str, text: &str) -> SparkError {
    SparkError::new(
        Exception::IllegalArgument,
        "INVALID_FORMAT.MISMATCH_INPUT",
        "42601",
        format!("The format is invalid: '{format}'. The input \"STRING\" '{text}' does not match the format."),
    )
}

/// Returns the format of a call.
///
/// # Errors
/// If it is not a constant string, `DATATYPE_MISMATCH.NON_FOLDABLE_INPUT`.
fn constant_format(call: &Call<'_>) -> Result<String> {
    match crate::plan::functions::fold(&call.arg(1)?.expr) {
        Some(ScalarValue::Utf8(Some(text))) => Ok(text),
        _ => Err(non_foldable(call, "format", "STRING")),
    }
}

/// A number taken apart: sign, whole digits, fraction digits.
struct Digits {
    /// Whether it is below 0.
    negative: bool,
    /// Digits before the point.
    whole: String,
    /// Digits after the point.
    fraction: String,
}

impl Digits {
    /// Takes the number in the first cell apart, with `decimals` fraction digits; `scale` is that of a
    /// decimal, `None` for a double.
    ///
    /// The exact value of a double is what `DecimalFormat` rounds, half to even.
    fn of(r: &Row<'_>, scale: Option<i32>, decimals: usize) -> Self {
        let (negative, text) = match scale {
            Some(scale) => {
                let (value, wanted) = (r.decimal(0), decimals as i32);
                let rounded = if scale > wanted {
                    unscaled(value, scale - wanted, Rounding::HalfEven).unwrap_or(value)
                } else {
                    value
                };
                (value < 0, text::decimal(rounded.saturating_abs(), scale as i8))
            }
            None => (
                r.double(0).is_sign_negative(),
                format!("{:.decimals$}", r.double(0).abs()),
            ),
        };
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        Self {
            negative,
            whole: whole.to_owned(),
            fraction: format!("{:0<decimals$}", &fraction[..fraction.len().min(decimals)]),
        }
    }

    /// Puts sign, whole part and fraction together.
    fn text(&self, whole: &str, fraction: &str) -> String {
        let sign = if self.negative { "-" } else { "" };
        if fraction.is_empty() {
            format!("{sign}{whole}")
        } else {
            format!("{sign}{whole}.{fraction}")
        }
    }
}

/// Returns how `DecimalFormat` writes a double that is not a number, or not finite; `None` for all
/// others.
fn special(x: f64) -> Option<String> {
    if x.is_nan() {
        return Some("NaN".to_owned());
    }
    let text = if x > 0.0 { "∞" } else { "-∞" };
    x.is_infinite().then(|| text.to_owned())
}

/// Resolves `format_number` (`FormatNumber`): by a number of digits, or by a pattern of
/// `DecimalFormat`. Null for a negative number of digits.
pub fn format_number(call: &Call<'_>) -> Result<Typed> {
    let (value, scale) = match &call.args[0].data_type {
        DataType::Decimal128(_, s) => (call.arg(0)?, Some(i32::from(*s))),
        t if is_integral(t) => (call.context.cast(call.arg(0)?, &DataType::Decimal128(20, 0))?, Some(0)),
        _ => (call.double(0)?, None),
    };
    let unusual = move |r: &Row<'_>| if scale.is_none() { special(r.double(0)) } else { None };
    if is_string(&call.args[1].data_type) {
        let args = vec![value, call.text(1)?];
        return Ok(row::call(
            "format_number",
            "pattern",
            DataType::Utf8,
            args,
            call.label(),
            move |r| Ok(Some(unusual(&r).unwrap_or_else(|| by_pattern(&r, scale, r.text(1))))),
        ));
    }
    let args = vec![value, call.int(1)?];
    Ok(row::call(
        "format_number",
        "",
        DataType::Utf8,
        args,
        call.label(),
        move |r| {
            let Ok(decimals) = usize::try_from(r.int(1)) else {
                return Ok(None);
            };
            if let Some(text) = unusual(&r) {
                return Ok(Some(text));
            }
            let digits = Digits::of(&r, scale, decimals.min(340));
            Ok(Some(digits.text(&grouped(&digits.whole), &digits.fraction)))
        },
    ))
}

/// Writes a number by a pattern of `DecimalFormat`: the zeros say how many digits there are at least.
fn by_pattern(r: &Row<'_>, scale: Option<i32>, pattern: &str) -> String {
    // `DecimalFormat` writes no more digits of a double (`DOUBLE_FRACTION_DIGITS`).
    let (least, most) = fraction_digits(pattern);
    let (least, most) = (least.min(340), most.min(340));
    let digits = Digits::of(r, scale, most);
    let body = pattern.split('.').next().unwrap_or(pattern);
    let zeros = body.chars().filter(|c| *c == '0').count();
    let whole = with_zeros(digits.whole.trim_start_matches('0'), zeros);
    let whole = if body.contains(',') { grouped(&whole) } else { whole };
    let mut fraction = digits.fraction.clone();
    while fraction.len() > least && fraction.ends_with('0') {
        fraction.pop();
    }
    digits.text(&whole, &fraction)
}

/// Returns digits with zeros in front, up to a width; one of `format!` is at most 65,535.
fn with_zeros(digits: &str, width: usize) -> String {
    let mut out = "0".repeat(width.saturating_sub(digits.len()));
    out.push_str(digits);
    out
}

/// Returns the least and the most fraction digits of a `DecimalFormat` pattern.
fn fraction_digits(pattern: &str) -> (usize, usize) {
    let fraction = pattern.split_once('.').map_or("", |(_, f)| f);
    let zeros = fraction.chars().filter(|c| *c == '0').count();
    (zeros, fraction.chars().filter(|c| matches!(c, '0' | '#')).count())
}

/// A number format such as `$99,999.00S`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Picture {
    /// `0` and `9` before the point.
    whole: String,
    /// Separators, counted in digits from the point.
    separators: Vec<usize>,
    /// How many digits stand after the point.
    fraction: usize,
    /// Whether it begins with a dollar sign.
    dollar: bool,
    /// Where the sign stands.
    sign: Sign,
}

/// Where a picture puts the sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    /// Only negative numbers have one, in front.
    None,
    /// `S` at the start: plus or minus.
    Front,
    /// `S` at the end: plus or minus.
    Back,
    /// `MI` at the start: minus or a space.
    MinusFront,
    /// `MI` at the end: minus or a space.
    MinusBack,
    /// `PR`: angle brackets around negative numbers.
    Brackets,
}

impl Picture {
    /// Reads a picture, in any case.
    ///
    /// # Errors
    /// If it has something else in it, `INVALID_FORMAT.UNEXPECTED_TOKEN`.
    fn new(format: &str) -> Result<Self> {
        let upper = format.to_uppercase();
        let invalid = |why: &str| {
            SparkError::analysis(
                "INVALID_FORMAT.UNEXPECTED_TOKEN",
                "42601",
                format!("The format is invalid: '{format}'. {why}"),
            )
        };
        let (mut body, mut sign) = (upper.as_str(), Sign::None);
        for (affix, at_front, found) in [("MI", true, Sign::MinusFront), ("S", true, Sign::Front)] {
            if at_front && let Some(rest) = body.strip_prefix(affix) {
                (body, sign) = (rest, found);
            }
        }
        for (affix, found) in [("MI", Sign::MinusBack), ("PR", Sign::Brackets), ("S", Sign::Back)] {
            if let Some(rest) = body.strip_suffix(affix) {
                (body, sign) = (rest, found);
            }
        }
        let dollar = body.starts_with('$');
        let body = body.trim_start_matches('$');
        let (whole_part, fraction) = body.split_once(['.', 'D']).unwrap_or((body, ""));
        if !fraction.chars().all(|c| matches!(c, '0' | '9'))
            || !whole_part.chars().all(|c| matches!(c, '0' | '9' | ',' | 'G'))
            || body.is_empty()
        {
            return Err(invalid("Found an unexpected token."));
        }
        let whole: String = whole_part.chars().filter(|c| matches!(c, '0' | '9')).collect();
        let mut separators = Vec::new();
        let mut digits = 0;
        for c in whole_part.chars().rev() {
            if matches!(c, ',' | 'G') {
                separators.push(digits)
            } else {
                digits += 1
            }
        }
        Ok(Self {
            whole,
            separators,
            fraction: fraction.len(),
            dollar,
            sign,
        })
    }

    /// Writes a decimal, rounded half up to the picture's digits; `#` for each digit if they are too many.
    fn write(&self, value: i128, scale: i32) -> String {
        // A decimal has no more than 38 digits after the point: further ones are zeros, put behind its own.
        let wanted = self.fraction.min(scale.max(0) as usize) as i32;
        let fitted = if scale > wanted {
            unscaled(value, scale - wanted, Rounding::HalfUp).unwrap_or(value) / 10i128.pow((scale - wanted) as u32)
        } else {
            value
        };
        let zeros = self.fraction - wanted as usize;
        let point = if wanted == 0 && zeros > 0 { "." } else { "" };
        let text = format!(
            "{}{point}{}",
            text::decimal(fitted.saturating_abs(), wanted as i8),
            "0".repeat(zeros)
        );
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let overflow = whole.trim_start_matches('0').len() > self.whole.len();
        let mut body = self.whole_digits(whole, overflow);
        if self.fraction > 0 {
            body.push('.');
            body.push_str(&if overflow {
                "#".repeat(self.fraction)
            } else {
                fraction.to_owned()
            });
        }
        if self.dollar {
            let at = body.len() - body.trim_start().len();
            body.insert(at, '$');
        }
        self.signed(&body, value < 0)
    }

    /// Returns the digits before the point with their separators, filled up with spaces; `#` for each if
    /// they are too many.
    fn whole_digits(&self, whole: &str, overflow: bool) -> String {
        let width = self.whole.len();
        let digits: Vec<char> = with_zeros(whole, width).chars().collect();
        let mut body = String::new();
        let mut started = false;
        for (i, shape) in self.whole.chars().enumerate() {
            let left = width - i;
            if i > 0 && self.separators.binary_search(&left).is_ok() {
                body.push(if started { ',' } else { ' ' });
            }
            let digit = digits[digits.len() - left];
            started |= digit != '0' || shape == '0' || left == 1;
            body.push(if overflow {
                '#'
            } else if started {
                digit
            } else {
                ' '
            });
        }
        body
    }

    /// Returns the body with its sign.
    fn signed(&self, body: &str, negative: bool) -> String {
        let front = |mark: &str| {
            let at = body.len() - body.trim_start().len();
            format!("{}{mark}{}", &body[..at], &body[at..])
        };
        match (self.sign, negative) {
            (Sign::Front, true) | (Sign::MinusFront, true) => front("-"),
            (Sign::Front, false) => front("+"),
            (Sign::MinusFront, false) => format!(" {body}"),
            (Sign::Back | Sign::MinusBack, true) => format!("{body}-"),
            (Sign::Back, false) => format!("{body}+"),
            (Sign::MinusBack, false) => format!("{body} "),
            (Sign::Brackets, true) => format!("<{}>", body.trim_start()),
            (Sign::Brackets, false) => format!("{body}  "),
            (Sign::None, true) => front("-"),
            (Sign::None, false) => body.to_owned(),
        }
    }

    /// Returns the unscaled value that a string has under this picture; `None` if it does not match.
    fn read(&self, text: &str) -> Option<i128> {
        let mut body = text.trim();
        let mut negative = false;
        let front = |body: &mut &str, negative: &mut bool| {
            if let Some(rest) = body.strip_prefix(['-', '+']) {
                *negative = body.starts_with('-');
                *body = rest;
            }
        };
        match self.sign {
            Sign::Front | Sign::MinusFront => front(&mut body, &mut negative),
            Sign::Back | Sign::MinusBack => {
                if let Some(rest) = body.strip_suffix(['-', '+']) {
                    negative = body.ends_with('-');
                    body = rest.trim_end();
                }
            }
            Sign::Brackets => {
                if let Some(rest) = body.strip_prefix('<').and_then(|b| b.strip_suffix('>')) {
                    negative = true;
                    body = rest;
                }
            }
            Sign::None => {}
        }
        if self.dollar {
            body = body.strip_prefix('$')?;
        }
        let (whole, fraction) = body.split_once('.').unwrap_or((body, ""));
        let mut digits = 0;
        for c in whole.chars().rev() {
            match c {
                ',' if self.separators.binary_search(&digits).is_ok() => {}
                '0'..='9' => digits += 1,
                _ => return None,
            }
        }
        if digits > self.whole.len() || fraction.len() > self.fraction || !fraction.bytes().all(|b| b.is_ascii_digit())
        {
            return None;
        }
        let all: String = whole.chars().filter(|c| *c != ',').chain(fraction.chars()).collect();
        let value: i128 = format!("{all}{}", "0".repeat(self.fraction - fraction.len()))
            .parse()
            .ok()?;
        Some(if negative { -value } else { value })
    }
}
