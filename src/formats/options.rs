//! Options of readers that are checked before anything is read: each is obeyed, or refused by name.

use std::collections::BTreeMap;

use super::framing::{Framing, Records};
use crate::error::{Exception, Result, SparkError};

/// Options of JSON that are true or false.
const JSON_FLAGS: &[&str] = &[
    "multiLine",
    "primitivesAsString",
    "prefersDecimal",
    "inferTimestamp",
    "dropFieldIfAllNull",
    "allowComments",
    "allowUnquotedFieldNames",
    "allowSingleQuotes",
    "allowNumericLeadingZeros",
    "allowNonNumericNumbers",
    "allowBackslashEscapingAnyCharacter",
    "allowUnquotedControlChars",
];
/// Those of CSV.
const CSV_FLAGS: &[&str] = &[
    "header",
    "inferSchema",
    "ignoreLeadingWhiteSpace",
    "ignoreTrailingWhiteSpace",
    "multiLine",
    "enforceSchema",
    "preferDate",
];
/// Those of text.
const TEXT_FLAGS: &[&str] = &["wholetext"];
/// Those of files, whatever is in them.
const FILE_FLAGS: &[&str] = &["recursiveFileLookup", "ignoreCorruptFiles", "ignoreMissingFiles"];
/// Options of CSV that are whole numbers.
const CSV_NUMBERS: &[&str] = &["maxColumns", "maxCharsPerColumn"];

/// Checks the options of a reader, their keys in lower case.
///
/// # Errors
/// `INVALID_OPTION_VALUE`, which names the option and says what it must be; for `locale` other than English
/// `UNSUPPORTED_FEATURE.RIVULET`; those of [`Framing::new`].
///
/// ```
/// use rivulet::formats::{framing::Records, options::check};
///
/// let of = |value: &str| [("header".to_owned(), value.to_owned())].into();
/// assert!(check(Records::Csv, &of("TRUE")).is_ok());
/// let error = check(Records::Csv, &of("perhaps")).unwrap_err();
/// assert_eq!(error.message, "Invalid value 'perhaps' for option 'header', must be true or false.");
/// ```
pub fn check(of: Records, options: &BTreeMap<String, String>) -> Result<()> {
    let flags = match of {
        Records::Json => JSON_FLAGS,
        Records::Csv => CSV_FLAGS,
        Records::Text => TEXT_FLAGS,
    };
    let set = |name: &&&'static str| Some((**name, options.get(&name.to_ascii_lowercase())?));
    for (name, text) in flags.iter().chain(FILE_FLAGS).filter_map(|name| set(&name)) {
        if !text.eq_ignore_ascii_case("true") && !text.eq_ignore_ascii_case("false") {
            return Err(wrong(name, text, "must be true or false"));
        }
    }
    let numbers = CSV_NUMBERS.iter().filter(|_| of == Records::Csv);
    for (name, text) in numbers.filter_map(|name| set(&name)) {
        if text.parse::<i32>().is_err() {
            return Err(wrong(name, text, "must be an integer"));
        }
    }
    if let Some(text) = options.get("samplingratio")
        && !text.parse::<f64>().is_ok_and(|ratio| ratio > 0.0)
    {
        return Err(wrong("samplingRatio", text, "must be a number greater than 0"));
    }
    let english = |locale: &&String| {
        locale
            .split(['-', '_'])
            .next()
            .is_some_and(|l| l.eq_ignore_ascii_case("en"))
    };
    if let Some(locale) = options.get("locale").filter(|locale| !english(locale)) {
        return Err(SparkError::unsupported(format!(
            "the option locale with {locale}: dates and numbers are read as in English"
        )));
    }
    Framing::new(of, options).map(|_| ())
}

/// Makes `INVALID_OPTION_VALUE`.
fn wrong(name: &str, value: &str, wanted: &str) -> SparkError {
    let message = format!("Invalid value '{value}' for option '{name}', {wanted}.");
    SparkError::new(Exception::IllegalArgument, "INVALID_OPTION_VALUE", "22023", message)
}
