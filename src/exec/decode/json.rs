//! Lines of JSON, read by [`crate::formats::json`]: plain ones in one pass, the others one by one.

use std::collections::BTreeMap;

use super::batches::Batches;
use super::{line_end, whole_lines};
use crate::error::Result;
use crate::formats::json::lines::Plain;
use crate::formats::json::read::Reader;
use crate::formats::json::text::{Json, parse};
use crate::values::zone::Zone;

/// Reads blocks of lines, each of which is a record of the columns.
pub(super) struct JsonLines {
    /// The rows read.
    pub out: Batches,
    /// Fits values to fields.
    reader: Reader,
    /// Reads plain records.
    plain: Plain,
}

impl JsonLines {
    /// Begins to read into batches.
    ///
    /// # Errors
    /// If an option has a zone or a pattern that cannot be read.
    pub fn new(options: &BTreeMap<String, String>, out: Batches) -> Result<Self> {
        Ok(Self {
            reader: Reader::new(options, Zone::UTC, true)?,
            plain: Plain::new(out.fields.clone()),
            out,
        })
    }

    /// Reads lines.
    ///
    /// # Errors
    /// `MALFORMED_RECORD_IN_PARSING` in the mode FAILFAST.
    pub fn piece(&mut self, bytes: &[u8]) -> Result<()> {
        whole_lines(bytes, |part| match part {
            Ok(text) => self.text(text),
            Err((line, bytes)) => self.out.bad_bytes(line, bytes),
        })
    }

    /// Reads one record.
    ///
    /// # Errors
    /// As [`Self::piece`].
    pub fn whole(&mut self, record: &str) -> Result<()> {
        self.out.cut();
        self.record(record)
    }

    /// Reads lines.
    fn text(&mut self, text: &str) -> Result<()> {
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            match self.plain.record(&self.reader, text, at, &mut self.out.columns) {
                Some(end) => {
                    self.out.end(1, None)?;
                    at = line_end(bytes, end) + 1;
                }
                None => {
                    let end = line_end(bytes, at);
                    self.out.cut();
                    self.record(&text[at..end])?;
                    at = end + 1;
                }
            }
        }
        Ok(())
    }

    /// Reads one line by its tree: an array makes a row for each element, a blank line none. A mark of byte order is passed
    /// over before any record, as Jackson does in bytes.
    fn record(&mut self, line: &str) -> Result<()> {
        let text = line.strip_prefix('\u{feff}').unwrap_or(line);
        let objects = match parse(text, self.reader.leniency, false) {
            Some(Json::Object(object, _)) => vec![object],
            Some(Json::Array(items, _)) => {
                let objects = items.into_iter().map(|item| match item {
                    Json::Object(object, _) => Some(object),
                    _ => None,
                });
                match objects.collect::<Option<Vec<_>>>() {
                    Some(objects) => objects,
                    None => return self.out.bad(line),
                }
            }
            None if text.trim().is_empty() => return Ok(()),
            _ => return self.out.bad(line),
        };
        let mut bad = false;
        for object in &objects {
            let Batches { columns, fields, .. } = &mut self.out;
            self.reader.record(object, text, columns, fields, &mut bad);
        }
        self.out.end(objects.len(), bad.then_some(line))
    }
}
