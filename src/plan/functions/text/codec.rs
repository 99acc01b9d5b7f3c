//! Bytes and strings in other forms: base64, hex, character sets.
//!
//! The character sets are those that Spark 4 allows: US-ASCII, ISO-8859-1, UTF-8, UTF-16 with and
//! without a byte order, UTF-32. Names are read in any case. What cannot be coded is an error, not a
//! question mark.

use arrow::datatypes::DataType;
use datafusion_common::ScalarValue;

use crate::error::{Exception, Result, SparkError};
use crate::plan::functions::call::Call;
use crate::plan::functions::error::non_foldable;
use crate::plan::functions::{condition, operator, row};
use crate::plan::scope::Typed;
use crate::values::base64::{from_base64, to_base64};
use crate::values::raw;
use crate::values::types::is_numeric;

/// Characters of a line of base 64 (`java.util.Base64.getMimeEncoder`).
const LINE: usize = 76;

/// Resolves `base64` (`Base64`): padded, in lines of 76 characters.
pub fn base64(call: &Call<'_>) -> Result<Typed> {
    call.strict(DataType::Utf8, vec![call.binary(0)?], |r| {
        let lines: Vec<String> = r.bytes(0).chunks(LINE / 4 * 3).map(to_base64).collect();
        Ok(Some(lines.join("\r\n")))
    })
}

/// Resolves `unbase64` (`UnBase64`): characters outside the alphabet are skipped.
///
/// When it runs, a lone last digit is `CONVERSION_INVALID_INPUT`.
pub fn unbase64(call: &Call<'_>) -> Result<Typed> {
    call.strict(DataType::Binary, vec![call.text(0)?], |r| {
        from_base64(r.text(0), true)
            .map(Some)
            .ok_or_else(|| conversion(r.text(0), "BASE64", "unbase64"))
    })
}

/// Resolves `hex` (`Hex`): a number as the digits of its 64 bits, strings and binaries as two digits
/// per byte.
pub fn hex(call: &Call<'_>) -> Result<Typed> {
    if is_numeric(&call.args[0].data_type) {
        let args = vec![call.long(0)?];
        return Ok(row::call(call.name, "long", DataType::Utf8, args, call.label(), |r| {
            Ok(Some(format!("{:X}", r.long(0))))
        }));
    }
    call.strict(DataType::Utf8, vec![call.binary(0)?], |r| {
        Ok(Some(to_hex(r.bytes(0), true)))
    })
}

/// Resolves `unhex` (`Unhex`): null for other characters.
pub fn unhex(call: &Call<'_>) -> Result<Typed> {
    call.strict(DataType::Binary, vec![call.text(0)?], |r| Ok(from_hex(r.text(0))))
}

/// Resolves `encode` (`Encode`).
///
/// When it runs, an unknown character set is `INVALID_PARAMETER_VALUE.CHARSET`, a character that it
/// lacks `MALFORMED_CHARACTER_CODING`.
pub fn encode_call(call: &Call<'_>) -> Result<Typed> {
    call.strict(DataType::Binary, vec![call.text(0)?, call.text(1)?], |r| {
        encode(r.text(0), r.text(1)).map(Some)
    })
}

/// Resolves `decode`: of two arguments a character set's decoder (`StringDecode`), of more a choice
/// (`Decode`).
pub fn decode_call(call: &Call<'_>) -> Result<Typed> {
    if call.has(2) {
        return chosen(call);
    }
    call.strict(DataType::Utf8, vec![call.binary(0)?, call.text(1)?], |r| {
        decode(r.bytes(0), r.text(1)).map(Some)
    })
}

/// Resolves `decode(value, search, result, …, default)` as a CASE in which a null equals a null.
fn chosen(call: &Call<'_>) -> Result<Typed> {
    let mut cases = Vec::new();
    for pair in call.args[1..].chunks(2) {
        let [wanted, result] = pair else {
            cases.push(pair[0].clone());
            continue;
        };
        let equal = [call.args[0].clone(), wanted.clone()];
        cases.push(operator::equal_or_both_null(&call.other("<=>", &equal))?);
        cases.push(result.clone());
    }
    Ok(call.labelled(condition::when(&call.other("when", &cases))?))
}

/// Returns two hexadecimal digits per byte.
pub fn to_hex(bytes: &[u8], upper: bool) -> String {
    bytes
        .iter()
        .map(|b| if upper { format!("{b:02X}") } else { format!("{b:02x}") })
        .collect()
}

/// Returns the bytes of hexadecimal digits, `None` for other characters. An odd number of digits has a
/// zero in front.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).map(|d| d as u8)).collect();
    let mut digits = digits?;
    if digits.len() % 2 == 1 {
        digits.insert(0, 0);
    }
    Some(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

/// Makes `CONVERSION_INVALID_INPUT` for a string that is not in a format, and suggests a function.
fn conversion(text: &str, format: &str, function: &str) -> SparkError {
    SparkError::new(
        Exception::IllegalArgument,
        "CONVERSION_INVALID_INPUT",
        "22018",
        format!("The value '{text}' ({format}) cannot be converted to \"BINARY\" because it is malformed. Use `try_to_binary` to tolerate malformed input."),
    )
    .with("str", format!("'{text}'"))
    .with("fmt", format!("'{format}'"))
    .with("targetType", "\"BINARY\"")
    .with("suggestion", format!("`{function}`"))
}

/// Returns the name by which [`encode`] and [`decode`] know a character set.
///
/// # Errors
/// If Spark does not know it, `INVALID_PARAMETER_VALUE.CHARSET`.
fn charset(name: &str, function: &str) -> Result<&'static str> {
    Ok(match name.to_ascii_uppercase().as_str() {
        "UTF-8" | "UTF8" => "UTF-8",
        "US-ASCII" | "ASCII" => "US-ASCII",
        "ISO-8859-1" | "LATIN1" => "ISO-8859-1",
        "UTF-16" => "UTF-16",
        "UTF-16BE" => "UTF-16BE",
        "UTF-16LE" => "UTF-16LE",
        "UTF-32" => "UTF-32",
        _ => {
            return Err(SparkError::new(
                Exception::IllegalArgument,
                "INVALID_PARAMETER_VALUE.CHARSET",
                "22023",
                format!("The value of parameter(s) `charset` in `{function}` is invalid: Expects one of the iso-8859-1, us-ascii, utf-16, utf-16be, utf-16le, utf-32, utf-8, but got '{name}'."),
            )
            .with("functionName", format!("`{function}`"))
            .with("charset", name));
        }
    })
}

/// Makes `MALFORMED_CHARACTER_CODING`, which names function and character set.
fn malformed(charset: &str, function: &str) -> SparkError {
    SparkError::new(
        Exception::Runtime,
        "MALFORMED_CHARACTER_CODING",
        "22000",
        format!("Invalid value found when performing `{function}` with {charset}"),
    )
    .with("function", format!("`{function}`"))
    .with("charset", charset)
}

/// Encodes a string in a character set; UTF-16 begins with a byte order mark, big endian.
///
/// # Errors
/// If the set is unknown, or lacks a character.
fn encode(text: &str, name: &str) -> Result<Vec<u8>> {
    let charset = charset(name, "encode")?;
    let within = |most: u32| {
        text.chars()
            .map(|c| {
                if (c as u32) <= most {
                    Ok(c as u8)
                } else {
                    Err(malformed(name, "encode"))
                }
            })
            .collect::<Result<Vec<u8>>>()
    };
    Ok(match charset {
        "US-ASCII" => within(0x7f)?,
        "ISO-8859-1" => within(0xff)?,
        "UTF-16" if text.is_empty() => Vec::new(),
        "UTF-16" => [0xfe, 0xff]
            .into_iter()
            .chain(text.encode_utf16().flat_map(u16::to_be_bytes))
            .collect(),
        "UTF-16BE" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        "UTF-16LE" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "UTF-32" => text.chars().flat_map(|c| (c as u32).to_be_bytes()).collect(),
        _ => raw::to_bytes(text).into_owned(),
    })
}

/// Decodes bytes in a character set; UTF-16 without a byte order mark is big endian.
///
/// # Errors
/// If the set is unknown, or the bytes are not in it.
fn decode(bytes: &[u8], name: &str) -> Result<String> {
    let charset = charset(name, "decode")?;
    let bad = || malformed(name, "decode");
    let wide = |bytes: &[u8], little: bool| {
        let units: Vec<u16> = bytes
            .chunks_exact(2)
            .map(|p| {
                if little {
                    u16::from_le_bytes([p[0], p[1]])
                } else {
                    u16::from_be_bytes([p[0], p[1]])
                }
            })
            .collect();
        String::from_utf16(&units).map_err(|_| bad())
    };
    match charset {
        "US-ASCII" if bytes.iter().any(|b| *b > 0x7f) => Err(bad()),
        "US-ASCII" | "ISO-8859-1" => Ok(bytes.iter().map(|b| char::from(*b)).collect()),
        "UTF-16" => match bytes {
            [0xff, 0xfe, rest @ ..] => wide(rest, true),
            [0xfe, 0xff, rest @ ..] => wide(rest, false),
            _ => wide(bytes, false),
        },
        "UTF-16BE" => wide(bytes, false),
        "UTF-16LE" => wide(bytes, true),
        "UTF-32" => bytes
            .chunks_exact(4)
            .map(|c| char::from_u32(u32::from_be_bytes([c[0], c[1], c[2], c[3]])).ok_or_else(bad))
            .collect(),
        _ => String::from_utf8(bytes.to_vec()).map_err(|_| bad()),
    }
}

/// Resolves `to_binary` and `try_to_binary` (`ToBinary`). The format is a constant, in any case.
///
/// # Errors
/// If the format is not one of these, `DATATYPE_MISMATCH.INVALID_ARG_VALUE`. When it runs, a malformed
/// string is `CONVERSION_INVALID_INPUT`, or null if `tolerant`.
pub fn to_binary(call: &Call<'_>, tolerant: bool) -> Result<Typed> {
    let format = match call.args.get(1) {
        None => "hex".to_owned(),
        Some(arg) => match arg.literal() {
            Some(ScalarValue::Utf8(Some(text))) => text.to_ascii_lowercase(),
            _ => return Err(non_foldable(call, "fmt", "STRING")),
        },
    };
    if !matches!(format.as_str(), "hex" | "utf-8" | "utf8" | "base64") {
        if tolerant {
            return Ok(crate::plan::functions::constant(
                ScalarValue::Binary(None),
                call.label(),
            ));
        }
        return Err(SparkError::analysis(
            "DATATYPE_MISMATCH.INVALID_ARG_VALUE",
            "42K09",
            format!("The `fmt` value must be a \"STRING\" of `hex`, `utf-8`, `utf8` or `base64`, but got '{format}'."),
        ));
    }
    Ok(row::call(
        call.name,
        format.clone(),
        DataType::Binary,
        vec![call.text(0)?],
        call.label(),
        move |r| {
            let text = r.text(0);
            let bytes = match format.as_str() {
                "hex" => from_hex(text),
                "base64" => from_base64(text, false),
                _ => Some(raw::to_bytes(text).into_owned()),
            };
            match bytes {
                None if !tolerant => Err(conversion(text, &format.to_uppercase(), "try_to_binary")),
                found => Ok(found),
            }
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_and_hex_go_both_ways() {
        for text in ["", "a", "ab", "abc", "Spark SQL"] {
            assert_eq!(
                from_base64(&to_base64(text.as_bytes()), false).as_deref(),
                Some(text.as_bytes())
            );
            assert_eq!(
                from_hex(&to_hex(text.as_bytes(), true)).as_deref(),
                Some(text.as_bytes())
            );
        }
        assert_eq!(from_hex("zz"), None);
        assert_eq!(from_base64("A", false), None);
    }
}
