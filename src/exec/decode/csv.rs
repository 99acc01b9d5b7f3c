//! Lines of CSV, read by [`crate::formats::csv`]. Columns go by place.

use std::borrow::Cow;
use std::collections::BTreeMap;

use arrow::datatypes::*;

use super::batches::Batches;
use super::{line_end, whole_lines};
use crate::error::{Exception, Result, SparkError};
use crate::formats::corrupt_column;
use crate::formats::csv::{Reader, plain_value};
use crate::values::zone::Zone;

/// The condition of a header whose names differ from the schema's.
pub(super) const HEADER_MISMATCH: &str = "RIVULET_CSV_HEADER_MISMATCH";

/// Reads blocks of lines, each of which is a record.
pub(super) struct CsvLines {
    /// The rows read.
    pub out: Batches,
    /// Reads records.
    reader: Reader,
    /// Whether the first record of a block has names.
    header: bool,
    /// Whether the block's names are still to come.
    before_header: bool,
    /// The names that a block's names must be (`enforceSchema` is false).
    checked: Option<Vec<String>>,
    /// How many values a record has.
    width: usize,
    /// Whether a record of another width is malformed: not where only some of its columns are asked for, as then nobody
    /// counts them.
    counted: bool,
    /// Which value each column is.
    places: Vec<usize>,
    /// Which column each value is; `None` for one that nobody asks for.
    columns: Vec<Option<usize>>,
    /// What separates values, if plain lines may be read as such: each column is one value.
    plain_separator: Option<u8>,
}

impl CsvLines {
    /// Begins to read into batches. `declared` are all columns of the source.
    ///
    /// # Errors
    /// If an option has a zone, a pattern or a letter that cannot be read.
    pub fn new(options: &BTreeMap<String, String>, declared: &Schema, out: Batches) -> Result<Self> {
        let corrupt = corrupt_column(options);
        let is_corrupt = |f: &Field| f.name() == corrupt && f.data_type() == &DataType::Utf8;
        let names: Vec<&str> = declared
            .fields()
            .iter()
            .filter(|f| !is_corrupt(f))
            .map(|f| f.name().as_str())
            .collect();
        let place = |f: &FieldRef| names.iter().position(|n| n == f.name()).unwrap_or(names.len());
        let places: Vec<usize> = out.fields.iter().map(place).collect();
        let column = |value| places.iter().position(|place| *place == value);
        let columns: Vec<Option<usize>> = (0..names.len()).map(column).collect();
        let all = !names.is_empty() && columns.iter().flatten().count() == places.len();
        let reader = Reader::new(options, Zone::UTC)?;
        let lax = options
            .get("enforceschema")
            .is_some_and(|v| v.eq_ignore_ascii_case("false"));
        Ok(Self {
            plain_separator: reader.plain_separator().filter(|_| all),
            columns,
            reader,
            header: options.get("header").is_some_and(|h| h.eq_ignore_ascii_case("true")),
            before_header: false,
            checked: lax.then(|| names.iter().map(|name| (*name).to_owned()).collect()),
            width: names.len(),
            counted: out.has_corrupt_column() || out.fields.len() == names.len(),
            places,
            out,
        })
    }

    /// Reads lines of a block, the first ones or more.
    ///
    /// # Errors
    /// `MALFORMED_RECORD_IN_PARSING` in the mode FAILFAST.
    pub fn piece(&mut self, bytes: &[u8], first: bool) -> Result<()> {
        if first {
            self.begin();
        }
        whole_lines(bytes, |part| match part {
            Ok(text) => self.text(text),
            Err((line, _)) => self.record(line, &mut Vec::new()),
        })
    }

    /// Begins a block: its names come first, if it has them.
    pub fn begin(&mut self) {
        self.before_header = self.header;
    }

    /// Reads one record.
    ///
    /// # Errors
    /// As [`Self::piece`].
    pub fn whole(&mut self, record: &str) -> Result<()> {
        self.out.cut();
        self.record(record, &mut Vec::new())
    }

    /// Reads lines.
    fn text(&mut self, text: &str) -> Result<()> {
        let bytes = text.as_bytes();
        let mut cells = Vec::with_capacity(self.width);
        let mut at = 0;
        while at < bytes.len() {
            if let Some(separator) = self.plain_separator
                && let Some(end) = self.plain(text, at, separator)
            {
                self.out.end(1, None)?;
                at = end + 1;
                continue;
            }
            self.out.cut();
            let end = line_end(bytes, at);
            self.record(&text[at..end], &mut cells)?;
            at = end + 1;
        }
        Ok(())
    }

    /// Reads a line of values without quotes that all fit, as many as a record has, straight into the columns. Returns where
    /// it ends; `None` if it is any other line, of which some values may be in the columns.
    fn plain(&mut self, text: &str, start: usize, separator: u8) -> Option<usize> {
        let bytes = text.as_bytes();
        // A line that may be blank, and one of names, is looked at as a whole.
        if self.before_header || *bytes.get(start)? <= b' ' {
            return None;
        }
        let Batches { columns, fields, .. } = &mut self.out;
        let mut at = start;
        for (value, column) in self.columns.iter().enumerate() {
            let end = plain_value(bytes, at, separator);
            let text = self.reader.unquoted(text.get(at..end)?)?;
            if let Some(place) = *column {
                let mut bad = false;
                let field = fields.get(place)?;
                self.reader
                    .push(text, columns.get_mut(place)?, field.data_type(), &mut bad);
                if bad {
                    return None;
                }
            }
            let last = value + 1 == self.columns.len();
            if last == (bytes.get(end) == Some(&separator)) {
                return None;
            }
            at = end + usize::from(!last);
        }
        Some(at)
    }

    /// Checks that the names of a block are those of the columns, whatever their case, if that is wanted
    /// (`CSVHeaderChecker`).
    ///
    /// # Errors
    /// [`HEADER_MISMATCH`], which names the first that differs.
    fn check_names(&self, found: &[Option<Cow<'_, str>>]) -> Result<()> {
        let Some(names) = &self.checked else { return Ok(()) };
        let wrong = |why: String| {
            Err(SparkError::new(
                Exception::IllegalArgument,
                HEADER_MISMATCH,
                "22023",
                why,
            ))
        };
        if found.len() != names.len() {
            return wrong(format!(
                "Number of column in CSV header is not equal to number of fields in the schema: Header length: {}, schema size: {}",
                found.len(),
                names.len()
            ));
        }
        for (found, name) in found.iter().zip(names) {
            let found = found.as_deref().unwrap_or_default();
            if found.to_lowercase() != name.to_lowercase() {
                return wrong(format!(
                    "CSV header does not conform to the schema. Expected: {name} but found: {found}"
                ));
            }
        }
        Ok(())
    }

    /// Reads one line; passes over a blank one, a comment and the header.
    fn record<'a>(&mut self, line: &'a str, cells: &mut Vec<Option<Cow<'a, str>>>) -> Result<()> {
        if self.reader.is_passed_over(line) {
            return Ok(());
        }
        self.reader.split(line, cells);
        self.reader.check_size(cells)?;
        if std::mem::take(&mut self.before_header) {
            return self.check_names(cells);
        }
        let mut bad = self.counted && cells.len() != self.width;
        let Batches { columns, fields, .. } = &mut self.out;
        for ((column, field), place) in columns.iter_mut().zip(fields.iter()).zip(&self.places) {
            let cell = cells.get(*place).and_then(Option::as_deref);
            self.reader.push(cell, column, field.data_type(), &mut bad);
        }
        self.out.end(1, bad.then_some(line))
    }
}
