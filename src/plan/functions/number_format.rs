//! Numbers as text by a picture: `format_number` (`java.text.DecimalFormat`), `to_char` and `to_number` (`ToNumberParser`).

use arrow::datatypes::DataType;
use datafusion_common::ScalarValue;

use super::call::Call;
use super::format::grouped;
use super::rounding::{Rounding, unscaled};
use super::{Context, row};
use crate::error::{Exception, Result, SparkError};
use crate::plan::scope::Typed;
use crate::values::text;
use crate::values::types::{is_integral, is_string};

pub fn call(context: &Context<'_>, name: &str, args: &[Typed]) -> Result<Option<Typed>> {
    let call = Call::new(context, name, args);
    Ok(Some(match name {
        "format_number" => format_number(&call)?,
        "to_char" | "to_varchar" => {
            call.takes(2, 2)?;
            if crate::values::types::is_timestamp(&args[0].data_type) || args[0].data_type == DataType::Date32 {
                let mut out = super::date_text::call(context, "date_format", args)?
                    .ok_or_else(|| SparkError::internal("there is no date_format"))?;
                out.name = call.label().replacen("to_varchar", "to_char", 1);
                return Ok(Some(out));
            }
            let picture = Picture::new(&constant(&call, 1)?)?;
            let value = match &args[0].data_type {
                DataType::Decimal128(..) => call.arg(0)?,
                t if is_integral(t) => context.cast(call.arg(0)?, &DataType::Decimal128(20, 0))?,
                _ => context.cast(call.arg(0)?, &DataType::Decimal128(38, 18))?,
            };
            let DataType::Decimal128(_, scale) = value.data_type else {
                return Ok(None);
            };
            let label = call.label().replacen("to_varchar", "to_char", 1);
            row::call(
                "to_char",
                format!("{picture:?}"),
                DataType::Utf8,
                vec![value],
                label,
                move |r| Ok(Some(picture.write(r.decimal(0), scale.into()))),
            )
        }
        "to_number" | "try_to_number" => {
            call.takes(2, 2)?;
            let format = constant(&call, 1)?;
            let picture = Picture::new(&format)?;
            let to = DataType::Decimal128(
                (picture.whole.len() + picture.fraction).clamp(1, 38) as u8,
                picture.fraction as i8,
            );
            let tolerant = name == "try_to_number" || !context.ansi();
            row::call(
                name,
                format!("{picture:?}"),
                to,
                vec![call.text(0)?],
                call.label(),
                move |r| match picture.read(r.text(0)) {
                    None if !tolerant => Err(SparkError::new(
                        Exception::IllegalArgument,
                        "INVALID_FORMAT.MISMATCH_INPUT",
                        "42601",
                        format!(
                            "The format is invalid: '{format}'. The input \"STRING\" '{}' does not match the format.",
                            r.text(0)
                        ),
                    )),
                    found => Ok(found),
                },
            )
        }
        _ => return Ok(None),
    }))
}

fn constant(call: &Call<'_>, i: usize) -> Result<String> {
    match super::fold(&call.arg(i)?.expr) {
        Some(ScalarValue::Utf8(Some(text))) => Ok(text),
        _ => Err(SparkError::analysis(
            "DATATYPE_MISMATCH.NON_FOLDABLE_INPUT",
            "42K09",
            format!("The format of {} must be a constant.", call.name),
        )),
    }
}

fn format_number(call: &Call<'_>) -> Result<Typed> {
    call.takes(2, 2)?;
    let (value, scale) = match &call.args[0].data_type {
        DataType::Decimal128(_, s) => (call.arg(0)?, Some(i32::from(*s))),
        t if is_integral(t) => (call.context.cast(call.arg(0)?, &DataType::Decimal128(20, 0))?, Some(0)),
        _ => (call.double(0)?, None),
    };
    // The exact value of a double is what `DecimalFormat` rounds, half to even.
    let digits = move |r: &row::Row<'_>, decimals: usize| match scale {
        Some(scale) => {
            let (v, wanted) = (r.decimal(0), decimals as i32);
            let rounded = if scale > wanted {
                unscaled(v, scale - wanted, Rounding::HalfEven).unwrap_or(v)
            } else {
                v
            };
            let text = text::decimal(rounded.abs(), scale as i8);
            let (whole, fraction) = text
                .split_once('.')
                .map_or((text.clone(), String::new()), |(w, f)| (w.to_owned(), f.to_owned()));
            (
                v < 0,
                whole,
                format!("{:0<decimals$}", &fraction[..fraction.len().min(decimals)]),
            )
        }
        None => {
            let text = format!("{:.decimals$}", r.double(0).abs());
            let (whole, fraction) = text
                .split_once('.')
                .map_or((text.clone(), String::new()), |(w, f)| (w.to_owned(), f.to_owned()));
            (r.double(0).is_sign_negative(), whole, fraction)
        }
    };
    let special = move |r: &row::Row<'_>| {
        let x = if scale.is_none() { r.double(0) } else { 0.0 };
        if x.is_nan() {
            return Some("NaN".to_owned());
        }
        x.is_infinite()
            .then(|| if x > 0.0 { "∞".to_owned() } else { "-∞".to_owned() })
    };
    if is_string(&call.args[1].data_type) {
        let pattern = call.text(1)?;
        return Ok(row::call(
            "format_number",
            "pattern",
            DataType::Utf8,
            vec![value, pattern],
            call.label(),
            move |r| {
                let pattern = r.text(1);
                if let Some(text) = special(&r) {
                    return Ok(Some(text));
                }
                let (least, most) = fraction_digits(pattern);
                let (negative, whole, fraction) = digits(&r, most);
                let body_end = pattern.find('.').unwrap_or(pattern.len());
                let zeros = pattern[..body_end].chars().filter(|c| *c == '0').count();
                let whole = whole.trim_start_matches('0');
                let whole = format!("{whole:0>zeros$}");
                let whole = if pattern[..body_end].contains(',') {
                    grouped(&whole)
                } else {
                    whole
                };
                let mut fraction = fraction;
                while fraction.len() > least && fraction.ends_with('0') {
                    fraction.pop();
                }
                let sign = if negative { "-" } else { "" };
                Ok(Some(if fraction.is_empty() {
                    format!("{sign}{whole}")
                } else {
                    format!("{sign}{whole}.{fraction}")
                }))
            },
        ));
    }
    Ok(row::call(
        "format_number",
        "",
        DataType::Utf8,
        vec![value, call.int(1)?],
        call.label(),
        move |r| {
            let Ok(decimals) = usize::try_from(r.int(1)) else {
                return Ok(None);
            };
            if let Some(text) = special(&r) {
                return Ok(Some(text));
            }
            let (negative, whole, fraction) = digits(&r, decimals.min(340));
            let sign = if negative { "-" } else { "" };
            let whole = grouped(&whole);
            Ok(Some(if decimals == 0 {
                format!("{sign}{whole}")
            } else {
                format!("{sign}{whole}.{fraction}")
            }))
        },
    ))
}

/// Least and most fraction digits of a `DecimalFormat` pattern.
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
    fraction: usize,
    dollar: bool,
    sign: Sign,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    None,
    Front,
    Back,
    /// `MI` at the end or the start: minus or a space.
    MinusFront,
    MinusBack,
    /// `PR`: angle brackets.
    Brackets,
}

impl Picture {
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

    fn write(&self, value: i128, scale: i32) -> String {
        let wanted = self.fraction as i32;
        let fitted = if scale > wanted {
            unscaled(value, scale - wanted, Rounding::HalfUp).unwrap_or(value) / 10i128.pow((scale - wanted) as u32)
        } else {
            value.saturating_mul(10i128.pow((wanted - scale) as u32))
        };
        let text = text::decimal(fitted.abs(), self.fraction as i8);
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let width = self.whole.len();
        let overflow = whole.trim_start_matches('0').len() > width;
        let digits: Vec<char> = format!("{whole:0>width$}").chars().collect();
        let mut body = String::new();
        let mut started = false;
        for (i, shape) in self.whole.chars().enumerate() {
            let left = width - i;
            if i > 0 && self.separators.contains(&left) {
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
        let negative = value < 0;
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
            (Sign::None, false) => body,
        }
    }

    /// The unscaled value that a text has under this picture; none where it does not match.
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
                ',' if self.separators.contains(&digits) => {}
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
