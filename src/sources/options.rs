//! Options of sources: declared once with type and default, checked before a query starts.
//!
//! An option that is unknown is an error, with the nearest known name: Spark ignores it, and a misspelt limit then has
//! no effect that anyone sees.

use std::collections::BTreeMap;

use super::{Definition, Format, Records, StreamSpec};
use crate::error::{Exception, Result, SparkError};
use crate::values::interval::interval_micros;
use crate::values::text::nearest;

/// What an option's string must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any string.
    Text,
    /// A whole number above 0.
    Count,
    /// `true` or `false`.
    Flag,
    /// A duration such as `10 seconds`.
    Duration,
    /// A URL that begins with one of these.
    Url(&'static [&'static str]),
    /// One of these words, in any case.
    Word(&'static [&'static str]),
}

/// An option, as a source or sink declares it.
///
/// ```
/// use rivulet::sources::options::{Kind, Opt, Options, check_types};
///
/// const LIMIT: Opt = Opt::new("maxRows", Kind::Count, Some("no limit"), "Says how many rows.");
/// let set = [("maxrows".to_owned(), "5".to_owned())].into();
/// assert_eq!(Options(&set).count(&LIMIT), Some(5));
/// let wrong = [("maxrows".to_owned(), "-5".to_owned())].into();
/// assert!(check_types(&[LIMIT], &wrong).is_err());
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Opt {
    /// Its name as users write it; case does not matter.
    pub name: &'static str,
    /// What its string must be.
    pub kind: Kind,
    /// What holds without it, in words; `None` if it must be set.
    pub default: Option<&'static str>,
    /// Says in one sentence what it does.
    pub about: &'static str,
}

impl Opt {
    /// Declares an option.
    pub const fn new(name: &'static str, kind: Kind, default: Option<&'static str>, about: &'static str) -> Self {
        Self {
            name,
            kind,
            default,
            about,
        }
    }

    /// Returns the name in lower case, as options are kept.
    pub fn key(&self) -> String {
        self.name.to_ascii_lowercase()
    }
}

/// `recordFormat`, for sources whose records may be of several formats.
pub const RECORD_FORMAT: Opt = Opt::new(
    "recordFormat",
    Kind::Text,
    Some("json"),
    "Says how bytes become rows: json, csv, text or arrow.",
);

/// Options of Spark's readers that a source of records takes, too, whether or not they change anything here.
const READER: &[&str] = &[
    "mode",
    "columnNameOfCorruptRecord",
    "timeZone",
    "dateFormat",
    "timestampFormat",
    "timestampNTZFormat",
    "enableDateTimeParsingFallback",
    "locale",
    "encoding",
    "charset",
    "lineSep",
    "multiLine",
];

/// Those of Spark's JSON reader.
const JSON: &[&str] = &[
    "primitivesAsString",
    "prefersDecimal",
    "allowComments",
    "allowUnquotedFieldNames",
    "allowSingleQuotes",
    "allowNumericLeadingZeros",
    "allowNonNumericNumbers",
    "allowBackslashEscapingAnyCharacter",
    "allowUnquotedControlChars",
    "dropFieldIfAllNull",
];

/// Those of Spark's CSV reader.
const CSV: &[&str] = &[
    "sep",
    "delimiter",
    "quote",
    "escape",
    "comment",
    "header",
    "enforceSchema",
    "ignoreLeadingWhiteSpace",
    "ignoreTrailingWhiteSpace",
    "nullValue",
    "emptyValue",
    "nanValue",
    "positiveInf",
    "negativeInf",
    "maxColumns",
    "maxCharsPerColumn",
    "charToEscapeQuoteEscaping",
    "unescapedQuoteHandling",
    "preferDate",
];

/// Those of Spark's text reader.
const TEXT: &[&str] = &["wholetext"];

/// Options that any source takes.
const ANY: &[&str] = &["path"];

/// Those of Spark's readers of files.
const FILES: &[&str] = &[
    "pathGlobFilter",
    "recursiveFileLookup",
    "modifiedBefore",
    "modifiedAfter",
    "basePath",
    "ignoreCorruptFiles",
    "ignoreMissingFiles",
    "compression",
    "inferSchema",
    "samplingRatio",
    "sourceArchiveDir",
];

/// Checks the options of a stream against those that its source declares.
///
/// # Errors
/// As [`Definition::check`].
pub fn check(definition: &Definition, format: &Format, spec: &StreamSpec) -> Result<()> {
    let name = definition.name;
    for option in definition.options {
        match spec.options.get(&option.key()) {
            Some(text) => option.check(text)?,
            None if option.default.is_some() => {}
            // `load(url)` is as good as the option.
            None => match (&spec.path, option.kind) {
                (Some(path), Kind::Url(_)) => option.check(path)?,
                _ => {
                    return Err(SparkError::new(
                        Exception::IllegalArgument,
                        "STREAMING_SOURCE_OPTION_REQUIRED",
                        "42KDE",
                        format!("The {name} source needs the option '{}'.", option.name),
                    ));
                }
            },
        }
    }
    let mut known: Vec<&str> = definition
        .options
        .iter()
        .map(|o| o.name)
        .chain(ANY.iter().copied())
        .collect();
    if !matches!(definition.records, Records::Columns(_)) {
        known.extend(READER);
        if matches!(definition.records, Records::Own(_)) {
            known.extend(FILES);
        }
        known.extend(match format {
            Format::Json => JSON,
            Format::Csv => CSV,
            Format::Text => TEXT,
            Format::Arrow => &[],
        });
    }
    // Those of another system's own clients are not ours to know.
    let passed = |key: &&String| definition.passes.is_some_and(|start| key.starts_with(start));
    known.extend(spec.options.keys().filter(passed).map(String::as_str));
    refuse_unknown(Side::Source, name, &known, &spec.options)
}

/// Where options belong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// To what is read.
    Source,
    /// To what is written.
    Sink,
}

/// Refuses options that are not among the known names, whose case does not matter.
///
/// # Errors
/// `STREAMING_SOURCE_UNKNOWN_OPTION` or `STREAMING_SINK_UNKNOWN_OPTION`, which names the first of them and the known
/// name nearest to it.
pub fn refuse_unknown(side: Side, name: &str, known: &[&str], options: &BTreeMap<String, String>) -> Result<()> {
    let unknown = |key: &&String| !known.iter().any(|k| k.eq_ignore_ascii_case(key));
    let Some(key) = options.keys().find(unknown) else {
        return Ok(());
    };
    let (word, condition) = match side {
        Side::Source => ("source", "STREAMING_SOURCE_UNKNOWN_OPTION"),
        Side::Sink => ("sink", "STREAMING_SINK_UNKNOWN_OPTION"),
    };
    let near = nearest(key, known.iter().copied()).map_or_else(String::new, |n| format!(" Did you mean '{n}'?"));
    Err(SparkError::new(
        Exception::IllegalArgument,
        condition,
        "42KDE",
        format!("The {name} {word} has no option '{key}'.{near}"),
    )
    .with("option", key.clone()))
}

/// Checks the types of declared options that are set.
///
/// # Errors
/// `INVALID_OPTION_VALUE`, which names the option.
pub fn check_types(declared: &[Opt], options: &BTreeMap<String, String>) -> Result<()> {
    let mut set = declared.iter().filter_map(|o| Some((o, options.get(&o.key())?)));
    set.try_for_each(|(option, text)| option.check(text))
}

impl Opt {
    /// Checks an option's string by its type.
    ///
    /// # Errors
    /// `INVALID_OPTION_VALUE`, which names the option and says what it must be.
    fn check(&self, text: &str) -> Result<()> {
        let wanted = match self.kind {
            Kind::Text => return Ok(()),
            Kind::Count if count(text).is_some() => return Ok(()),
            Kind::Flag if flag(text).is_some() => return Ok(()),
            Kind::Duration if interval_micros(text).is_some() => return Ok(()),
            Kind::Url(schemes) if schemes.iter().any(|s| text.starts_with(s)) => return Ok(()),
            Kind::Word(words) if words.iter().any(|w| text.eq_ignore_ascii_case(w)) => return Ok(()),
            Kind::Word(words) => format!("must be {}", words.join(" or ")),
            Kind::Count => "must be a positive integer".to_owned(),
            Kind::Flag => "must be true or false".to_owned(),
            Kind::Duration => "must be a duration, such as '10 seconds'".to_owned(),
            Kind::Url(schemes) => format!("must be a URL that begins with {}", schemes.join(" or ")),
        };
        Err(SparkError::new(
            Exception::IllegalArgument,
            "INVALID_OPTION_VALUE",
            "22023",
            format!("Invalid value '{text}' for option '{}', {wanted}.", self.name),
        ))
    }
}

/// Reads a whole number above 0.
fn count(text: &str) -> Option<i64> {
    text.parse().ok().filter(|n| *n > 0)
}

/// Reads `true` or `false`, in any case.
fn flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// Reads options that were checked.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a>(pub &'a BTreeMap<String, String>);

impl Options<'_> {
    /// Returns a count; `None` if it is not set.
    pub fn count(&self, option: &Opt) -> Option<i64> {
        self.text(option).and_then(count)
    }

    /// Returns a flag; false if it is not set.
    pub fn flag(&self, option: &Opt) -> bool {
        self.text(option).and_then(flag).unwrap_or(false)
    }

    /// Returns a string; `None` if it is not set.
    pub fn text(&self, option: &Opt) -> Option<&str> {
        self.0.get(&option.key()).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::super::find;
    use super::*;

    fn told(name: &str, path: Option<&str>, options: &[(&str, &str)]) -> Option<String> {
        let spec = StreamSpec {
            format: name.into(),
            path: path.map(str::to_owned),
            options: options.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
        };
        find(name).and_then(|d| d.check(&spec)).err().map(|e| e.message)
    }

    #[test]
    fn options_are_refused_by_name_and_by_type_before_anything_starts() {
        assert_eq!(told("rate", None, &[("rowspersecond", "10")]), None);
        assert_eq!(
            told("rate", None, &[("rowpersecond", "10")]).as_deref(),
            Some("The rate source has no option 'rowpersecond'. Did you mean 'rowsPerSecond'?")
        );
        assert_eq!(
            told("rate", None, &[("rowspersecond", "many")]).as_deref(),
            Some("Invalid value 'many' for option 'rowsPerSecond', must be a positive integer.")
        );
        assert_eq!(told("json", None, &[]).as_deref(), Some("'path' is not specified."));
        assert_eq!(told("csv", Some("/in"), &[("header", "true")]), None);
        assert_eq!(
            told("json", Some("/in"), &[("header", "true")]).as_deref(),
            Some("The json source has no option 'header'.")
        );
        assert_eq!(
            told("websocket", None, &[]).as_deref(),
            Some("The websocket source needs the option 'url'.")
        );
        assert_eq!(told("websocket", Some("ws://here"), &[]), None);
        assert_eq!(
            told("websocket", None, &[("url", "http://here")]).as_deref(),
            Some("Invalid value 'http://here' for option 'url', must be a URL that begins with ws:// or wss://.")
        );
    }
}
