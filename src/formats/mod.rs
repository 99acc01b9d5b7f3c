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

use arrow::datatypes::{DataType, Fields};

use crate::error::{Exception, Result, SparkError};
use crate::values::types;

use framing::Records;

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

/// Checks that records of a form have values of the columns' types (`FileFormat.supportDataType`), and that text has no
/// more than one column. Readers and writers ask here.
///
/// # Errors
/// `_LEGACY_ERROR_TEMP_1290`; `UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE`, which names the first column of another type.
pub fn check_columns(of: Records, fields: &Fields) -> Result<()> {
    if of == Records::Text && fields.len() > 1 {
        return Err(one_column(fields.len()));
    }
    let (format, refused): (_, fn(&DataType) -> bool) = match of {
        Records::Json => return Ok(()),
        Records::Csv => ("CSV", DataType::is_nested),
        Records::Text => ("Text", |t| t != &DataType::Utf8),
    };
    if let Some(field) = fields.iter().find(|f| refused(f.data_type())) {
        let (column, shown) = (format!("`{}`", field.name()), types::sql_name(field.data_type()));
        let sentence = format!("The {format} datasource doesn't support the column {column} of the type \"{shown}\".");
        return Err(
            SparkError::analysis("UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE", "0A000", sentence)
                .with("format", format)
                .with("columnName", column)
                .with("columnType", format!("\"{shown}\"")),
        );
    }
    Ok(())
}

/// Makes the error of text with another number of columns than one.
pub fn one_column(count: usize) -> SparkError {
    let sentence = format!("Text data source supports only a single column, and you have {count} columns.");
    SparkError::analysis("_LEGACY_ERROR_TEMP_1290", "", sentence)
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::Field;

    use super::*;

    #[test]
    fn forms_refuse_columns_of_types_that_they_cannot_hold_as_spark_does() {
        let number = Arc::new(Field::new("n", DataType::Int64, true));
        let list = Arc::new(Field::new("a", DataType::List(Arc::clone(&number)), true));
        let text = Arc::new(Field::new("t", DataType::Utf8, true));
        let told = |of, fields: &[&Arc<Field>]| {
            let fields = fields.iter().map(|f| Arc::clone(f)).collect();
            check_columns(of, &fields).map_err(|e| e.message)
        };
        assert_eq!(
            told(Records::Csv, &[&number, &list]),
            Err("The CSV datasource doesn't support the column `a` of the type \"ARRAY<BIGINT>\".".to_owned())
        );
        assert_eq!(
            told(Records::Text, &[&number]),
            Err("The Text datasource doesn't support the column `n` of the type \"BIGINT\".".to_owned())
        );
        assert_eq!(
            told(Records::Text, &[&text, &text]),
            Err("Text data source supports only a single column, and you have 2 columns.".to_owned())
        );
        assert_eq!(told(Records::Json, &[&list]), Ok(()));
        assert_eq!(told(Records::Csv, &[&number]), Ok(()));
        assert_eq!(told(Records::Text, &[&text]), Ok(()));
    }
}
