//! Records as text: JSON and CSV to typed columns, by the rules of Spark's parsers.
//!
//! Files, pushed blocks, sockets and the functions of a column (`from_json`, `from_csv`) are read by the same code.
//!
//! ```text
//! text ─┬─ json::lines   records that are written plainly, straight into columns ─┐
//!       ├─ json::text    any record, as a tree ── json::read  the tree by a schema ─┼─► column
//!       └─ csv           cells of a record, by a schema ────────────────────────────┘
//! ```

pub mod column;
pub mod csv;
pub mod framing;
pub mod json;
pub mod options;
pub mod times;

use std::collections::BTreeMap;

use crate::error::{Exception, Result, SparkError};

/// What to do with a malformed record (`ParseMode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParseMode {
    /// Nulls for what does not fit, and the record in the column of corrupt records, if there is one.
    Permissive,
    /// The record is left out.
    DropMalformed,
    /// The query fails.
    FailFast,
}

impl ParseMode {
    /// Returns the mode of a source; PERMISSIVE for words that Spark does not know either.
    pub fn of_source(options: &BTreeMap<String, String>) -> Self {
        match options.get("mode").map(|m| m.to_ascii_uppercase()).as_deref() {
            Some("DROPMALFORMED") => Self::DropMalformed,
            Some("FAILFAST") => Self::FailFast,
            _ => Self::Permissive,
        }
    }

    /// Returns the mode of a function, which has a value for each text and cannot leave one out.
    ///
    /// # Errors
    /// `PARSE_MODE_UNSUPPORTED` for DROPMALFORMED.
    pub fn of_function(options: &BTreeMap<String, String>, function: &str) -> Result<Self> {
        match Self::of_source(options) {
            Self::DropMalformed => Err(SparkError::analysis(
                "PARSE_MODE_UNSUPPORTED",
                "42601",
                format!(
                    "The function `{function}` doesn't support the DROPMALFORMED mode. Acceptable modes are PERMISSIVE and \
                     FAILFAST."
                ),
            )),
            mode => Ok(mode),
        }
    }
}

/// Returns the name of the column that takes malformed records, if the schema has it.
pub fn corrupt_column(options: &BTreeMap<String, String>) -> &str {
    options
        .get("columnnameofcorruptrecord")
        .map_or("_corrupt_record", String::as_str)
}

/// Makes `MALFORMED_RECORD_IN_PARSING`, the error of a record in the mode FAILFAST, with its first 200 characters.
pub fn malformed(record: &str) -> SparkError {
    let shown: String = record.chars().take(200).collect();
    SparkError::new(
        Exception::Connect,
        "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION",
        "22023",
        format!(
            "Malformed records are detected in record parsing: {shown}. Parse Mode: FAILFAST. To process malformed records as null \
             result, try setting the option 'mode' as 'PERMISSIVE'."
        ),
    )
    .with("badRecord", shown)
    .with("failFastMode", "FAILFAST")
}
