//! Files as planning sees them: found and, if no schema is given, looked into.
//!
//! Planning must be the same on the driver and on executors, and files may change in between: what the driver found,
//! names and columns, goes along with the job.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use arrow::datatypes::{DataType, Field, Fields};

use crate::compile::job::read_key;
use crate::error::{Result, SparkError};
use crate::plan::inference::{CsvColumns, JsonColumns};
use crate::plan::relation::normal_type;
use crate::plan::scan::{FileCatalog, FileSet};
use crate::sources::Format;
use crate::sources::files::listed;
use crate::storage::files::Files;
use crate::values::types;
use crate::values::zone::Zone;

/// A catalog over the host's files that remembers what it found: executors receive it with the job.
pub struct HostCatalog {
    /// The host's files.
    files: Rc<dyn Files>,
    /// Files and columns (as DDL) per read; see [`read_key`].
    pub found: RefCell<BTreeMap<String, (Vec<String>, String)>>,
}

impl HostCatalog {
    /// Returns a catalog that has found nothing.
    pub fn new(files: Rc<dyn Files>) -> Rc<Self> {
        Rc::new(Self {
            files,
            found: RefCell::default(),
        })
    }

    /// Infers the columns of files.
    ///
    /// All lines of all files are looked at, but for CSV without `inferSchema`, where the first line is enough: its columns are
    /// strings, named `_c0`, `_c1`, … without a header. JSON fields are sorted by name. Text has one column, `value`.
    ///
    /// # Errors
    /// `UNABLE_TO_INFER_SCHEMA` without a file, or if it cannot be read in the format; if an option cannot be read.
    fn infer(&self, format: &Format, files: &[String], options: &BTreeMap<String, String>) -> Result<Fields> {
        let cannot = || {
            SparkError::analysis(
                "UNABLE_TO_INFER_SCHEMA",
                "42KD9",
                format!("Unable to infer schema for {format:?}. It must be specified manually."),
            )
        };
        let first = files.first().ok_or_else(cannot)?;
        match format {
            Format::Text => Ok(Fields::from(vec![Field::new("value", DataType::Utf8, true)])),
            Format::Json => {
                let mut columns = JsonColumns::new(options)?;
                for file in files {
                    let bytes = self.files.read(file)?;
                    lines(bytes.as_slice()).try_for_each(|line| columns.line(&line))?;
                }
                Ok(columns.finish())
            }
            Format::Csv => {
                let mut columns = CsvColumns::new(options, Zone::UTC)?;
                for file in files {
                    columns.file(lines(self.files.read(file)?.as_slice()));
                }
                Ok(columns.finish())
            }
            Format::Arrow => {
                let batches = crate::values::ipc::read(&self.files.read(first)?)?;
                let schema = batches.first().ok_or_else(cannot)?.schema();
                Ok(schema
                    .fields()
                    .iter()
                    .map(|f| Field::new(f.name(), normal_type(f.data_type()), true))
                    .collect())
            }
        }
    }
}

/// Returns the lines of a file, without a mark of its byte order. Bytes that are not UTF-8 become replacement characters.
fn lines(bytes: &[u8]) -> impl Iterator<Item = Cow<'_, str>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    bytes.split(|b| matches!(b, b'\n' | b'\r')).map(String::from_utf8_lossy)
}

impl FileCatalog for HostCatalog {
    /// Finds the files of a read, in the order of paths and names; infers their columns unless they are declared.
    ///
    /// # Errors
    /// `PATH_NOT_FOUND` if a path without declared columns has no files; `UNABLE_TO_INFER_SCHEMA`; the host's.
    fn resolve(
        &self,
        format: &Format,
        paths: &[String],
        options: &BTreeMap<String, String>,
        declared: Option<Fields>,
    ) -> Result<FileSet> {
        let mut files = Vec::new();
        for path in paths {
            let mut found: Vec<String> = listed(self.files.as_ref(), path)?.into_iter().map(|f| f.path).collect();
            if found.is_empty() && declared.is_none() {
                return Err(
                    SparkError::analysis("PATH_NOT_FOUND", "42K03", format!("Path does not exist: {path}."))
                        .with("path", path.clone()),
                );
            }
            found.sort();
            files.extend(found);
        }
        let fields = match declared {
            Some(fields) => fields,
            None => self.infer(format, &files, options)?,
        };
        let ddl = types::to_ddl(&arrow::datatypes::Schema::new(fields.clone()));
        self.found
            .borrow_mut()
            .insert(read_key(format, paths, options), (files.clone(), ddl));
        Ok(FileSet { files, fields })
    }
}
