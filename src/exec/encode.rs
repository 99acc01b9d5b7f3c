//! Rows as the text of files: what sinks of streams and writers of batches share.
//!
//! The forms are those of Spark's `JacksonGenerator`, `UnivocityGenerator` and text writer, so that Spark reads the
//! same rows back.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StructArray};
use arrow::datatypes::SchemaRef;

use crate::error::{Result, SparkError};
use crate::formats::framing::Records;
use crate::formats::{check_columns, one_column};
use crate::plan::functions::csv;
use crate::plan::functions::json::write::Writer;
use crate::values::cast::to_text;
use crate::values::raw;
use crate::values::zone::Zone;

/// Options of Spark's JSON writer, all accepted; some change nothing here.
const JSON_OPTIONS: &[&str] = &[
    "ignoreNullFields",
    "dateFormat",
    "timestampFormat",
    "timestampNTZFormat",
    "timeZone",
    "locale",
    "encoding",
    "lineSep",
    "compression",
    "pretty",
    "writeNonAsciiCharacterAsCodePoint",
];

/// Options of Spark's CSV writer, all accepted; some change nothing here.
const CSV_OPTIONS: &[&str] = &[
    "sep",
    "delimiter",
    "header",
    "nullValue",
    "emptyValue",
    "quote",
    "quoteAll",
    "escape",
    "escapeQuotes",
    "charToEscapeQuoteEscaping",
    "ignoreLeadingWhiteSpace",
    "ignoreTrailingWhiteSpace",
    "dateFormat",
    "timestampFormat",
    "timestampNTZFormat",
    "timeZone",
    "locale",
    "encoding",
    "lineSep",
    "compression",
];

/// Options of Spark's text writer, all accepted; they change nothing here.
const TEXT_OPTIONS: &[&str] = &["encoding", "lineSep", "compression"];

/// The form of a file of rows.
///
/// ```
/// use rivulet::exec::encode::FileFormat;
///
/// assert_eq!(FileFormat::parse("text").map(FileFormat::ending), Some("txt"));
/// assert_eq!(FileFormat::parse("parquet"), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    /// A JSON object per line.
    Json,
    /// Comma-separated values, a row per line.
    Csv,
    /// One column of strings, a row per line.
    Text,
}

impl FileFormat {
    /// Returns the format of that name, in lower case.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "json" => Some(Self::Json),
            "csv" => Some(Self::Csv),
            "text" => Some(Self::Text),
            _ => None,
        }
    }

    /// Lists the options that Spark's writer of this form takes, whether or not they change anything here.
    pub fn options(self) -> &'static [&'static str] {
        match self {
            Self::Json => JSON_OPTIONS,
            Self::Csv => CSV_OPTIONS,
            Self::Text => TEXT_OPTIONS,
        }
    }

    /// Returns the form of its records.
    pub fn records(self) -> Records {
        match self {
            Self::Json => Records::Json,
            Self::Csv => Records::Csv,
            Self::Text => Records::Text,
        }
    }

    /// Returns the ending of its files' names.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Text => "txt",
        }
    }
}

/// Writes rows of one schema as the text of files.
#[derive(Debug)]
pub struct Encoder {
    /// The files' form.
    pub format: FileFormat,
    /// Options of the format, by name in lower case.
    options: BTreeMap<String, String>,
    /// The zone in which times are written.
    zone: Zone,
    /// Columns of the rows, under the user's names.
    schema: SchemaRef,
}

impl Encoder {
    /// Checks the options and the columns. `options` have names in lower case; times are written in `zone`.
    ///
    /// # Errors
    /// As [`check_columns`]; `_LEGACY_ERROR_TEMP_1290` if text has no column; options whose values cannot be used.
    pub fn new(format: FileFormat, options: BTreeMap<String, String>, zone: Zone, schema: SchemaRef) -> Result<Self> {
        check_columns(format.records(), schema.fields())?;
        if format == FileFormat::Text && schema.fields().is_empty() {
            return Err(one_column(0));
        }
        Writer::new(&options, zone)?;
        Ok(Self {
            format,
            options,
            zone,
            schema,
        })
    }

    /// Returns the bytes of one file of rows; without rows, none. A null becomes an empty line of text, the option
    /// `nullValue` in CSV, and is left out of JSON unless `ignoreNullFields` is false.
    ///
    /// # Errors
    /// If a column cannot be written in the form.
    pub fn bytes(&self, batches: &[RecordBatch]) -> Result<Vec<u8>> {
        let (mut out, mut lines) = (String::new(), vec![]);
        let names: Vec<&str> = self.schema.fields().iter().map(|f| f.name().as_str()).collect();
        for batch in batches.iter().filter(|b| b.num_rows() > 0) {
            match self.format {
                FileFormat::Json => self.json(batch, &names, &mut out)?,
                FileFormat::Csv => self.csv(batch, &names, &mut out)?,
                FileFormat::Text => {
                    let column = batch.column(0).as_string_opt::<i32>();
                    let column = column.ok_or_else(|| SparkError::internal("a text sink got no strings"))?;
                    for value in column {
                        lines.extend_from_slice(&raw::to_bytes(value.unwrap_or_default()));
                        lines.push(b'\n');
                    }
                }
            }
        }
        Ok(match self.format {
            FileFormat::Text => lines,
            FileFormat::Json | FileFormat::Csv => out.into_bytes(),
        })
    }

    /// Writes rows as JSON objects, one per line.
    fn json(&self, batch: &RecordBatch, names: &[&str], out: &mut String) -> Result<()> {
        let writer = Writer::new(&self.options, self.zone)?;
        let fields = batch.schema();
        let fields = fields
            .fields()
            .iter()
            .zip(names)
            .map(|(f, name)| f.as_ref().clone().with_name(*name));
        let rows = StructArray::try_new(fields.collect(), batch.columns().to_vec(), None)?;
        let rows: ArrayRef = Arc::new(rows);
        for row in 0..rows.len() {
            writer.value(&rows, row, out)?;
            out.push('\n');
        }
        Ok(())
    }

    /// Writes rows as CSV; the header comes before the first row of a file if the option `header` asks for it.
    fn csv(&self, batch: &RecordBatch, names: &[&str], out: &mut String) -> Result<()> {
        let option = |keys: [&str; 2]| keys.iter().find_map(|k| self.options.get(*k));
        let separator = option(["sep", "delimiter"]).map_or(",", String::as_str);
        if out.is_empty()
            && self
                .options
                .get("header")
                .is_some_and(|v| v.eq_ignore_ascii_case("true"))
        {
            let header = names.iter().map(|n| csv::quoted(n, separator)).collect::<Vec<_>>();
            out.push_str(&header.join(separator));
            out.push('\n');
        }
        let null = self.options.get("nullvalue").map_or("", String::as_str);
        let columns = batch.columns().iter().map(|c| to_text(c, self.zone));
        let columns = columns.collect::<std::result::Result<Vec<_>, _>>()?;
        for row in 0..batch.num_rows() {
            let cells = columns.iter().map(|c| {
                if c.is_null(row) {
                    null.to_owned()
                } else {
                    csv::quoted(&raw::shown(c.value(row)), separator)
                }
            });
            out.push_str(&cells.collect::<Vec<_>>().join(separator));
            out.push('\n');
        }
        Ok(())
    }
}
