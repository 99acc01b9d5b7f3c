//! Files as planning sees them: found and, if no schema is given, looked into.
//!
//! Planning must be the same on the driver and on executors, and files may change in between: what the driver found,
//! names and columns, goes along with the job.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Cursor;
use std::rc::Rc;

use arrow::datatypes::{DataType, Field, Fields};

use crate::compile::job::read_key;
use crate::error::{Result, SparkError};
use crate::plan::relation::normal_type;
use crate::plan::scan::{FileCatalog, FileSet};
use crate::sources::Format;
use crate::sources::files::listed;
use crate::storage::files::Files;
use crate::values::types;

/// Most rows that are looked at to infer a schema.
const INFERRED_ROWS: usize = 10_000;

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

    /// Infers the columns of files from the first one.
    ///
    /// JSON fields are sorted by name, as Spark sorts them; CSV columns are strings unless `inferSchema` is set, and
    /// are named `_c0`, `_c1`, … without a header; text has one column, `value`.
    ///
    /// # Errors
    /// `UNABLE_TO_INFER_SCHEMA` without a file, or if it cannot be read in the format.
    fn infer(&self, format: &Format, files: &[String], options: &BTreeMap<String, String>) -> Result<Fields> {
        let cannot = || {
            SparkError::analysis(
                "UNABLE_TO_INFER_SCHEMA",
                "42KD9",
                format!("Unable to infer schema for {format:?}. It must be specified manually."),
            )
        };
        let first = files.first().ok_or_else(cannot)?;
        let bytes = self.files.read(first)?;
        match format {
            Format::Text => Ok(Fields::from(vec![Field::new("value", DataType::Utf8, true)])),
            Format::Json => {
                let (schema, _) =
                    arrow::json::reader::infer_json_schema(Cursor::new(bytes.as_slice()), Some(INFERRED_ROWS))
                        .map_err(|_| cannot())?;
                let mut fields: Vec<Field> = schema
                    .fields()
                    .iter()
                    .map(|f| Field::new(f.name(), inferred(f.data_type()), true))
                    .collect();
                fields.sort_by(|a, b| a.name().cmp(b.name()));
                Ok(fields.into())
            }
            Format::Csv => {
                let flag = |key: &str| options.get(key).is_some_and(|v| v.eq_ignore_ascii_case("true"));
                let delimiter = options
                    .get("sep")
                    .or(options.get("delimiter"))
                    .and_then(|s| s.bytes().next())
                    .unwrap_or(b',');
                let format = arrow::csv::reader::Format::default()
                    .with_header(flag("header"))
                    .with_delimiter(delimiter);
                let (schema, _) = format
                    .infer_schema(Cursor::new(bytes.as_slice()), Some(INFERRED_ROWS))
                    .map_err(|_| cannot())?;
                let fields = schema.fields().iter().enumerate().map(|(i, f)| {
                    let name = if flag("header") {
                        f.name().clone()
                    } else {
                        format!("_c{i}")
                    };
                    let data_type = if flag("inferschema") {
                        inferred(f.data_type())
                    } else {
                        DataType::Utf8
                    };
                    Field::new(name, data_type, true)
                });
                Ok(fields.collect::<Vec<_>>().into())
            }
            Format::Arrow => {
                let batches = crate::values::ipc::read(&bytes)?;
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

/// Returns what Spark would infer: whole numbers are BIGINT, unknown is STRING, times stay strings unless asked for.
fn inferred(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Null => DataType::Utf8,
        DataType::List(item) => types::list_of(inferred(item.data_type())),
        DataType::Struct(fields) => {
            let mut fields: Vec<Field> = fields
                .iter()
                .map(|f| Field::new(f.name(), inferred(f.data_type()), true))
                .collect();
            fields.sort_by(|a, b| a.name().cmp(b.name()));
            DataType::Struct(fields.into())
        }
        other => normal_type(other),
    }
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
