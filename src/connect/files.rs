//! Files as planning sees them: found and, if no schema is given, looked into.
//!
//! Planning must be the same on the driver and on executors, and files may change in between: what the driver found,
//! names and columns, goes along with the job.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields};

use crate::compile::job::read_key;
use crate::error::{Result, SparkError};
use crate::formats::framing::{Framing, Records};
use crate::plan::inference::{CsvColumns, JsonColumns};
use crate::plan::relation::normal_type;
use crate::plan::scan::{FileCatalog, FileSet};
use crate::sources::Format;
use crate::sources::files::listed;
use crate::sources::listing::{SourceFile, Wanted, path_not_found, read};
use crate::storage::files::Files;
use crate::values::zone::Zone;
use crate::values::{parse_time, types};

/// The paths of files that a page has registered begin with it.
pub const PAGE_FILES: &str = "rivulet-file:";

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
    fn infer(&self, format: &Format, files: &[SourceFile], options: &BTreeMap<String, String>) -> Result<Fields> {
        let cannot = || {
            SparkError::analysis(
                "UNABLE_TO_INFER_SCHEMA",
                "42KD9",
                format!("Unable to infer schema for {format:?}. It must be specified manually."),
            )
        };
        let first = files.first().ok_or_else(cannot)?;
        let framing = |of| Framing::new(of, options);
        match format {
            Format::Text => Ok(Fields::from(vec![Field::new("value", DataType::Utf8, true)])),
            Format::Json => {
                let (mut columns, framing) = (JsonColumns::new(options)?, framing(Records::Json)?);
                for file in files {
                    let bytes = read(self.files.as_ref(), &file.path)?;
                    let text = framing.text(&bytes);
                    framing
                        .split(&text)
                        .iter()
                        .try_for_each(|record| columns.line(record))?;
                }
                Ok(columns.finish())
            }
            Format::Csv => {
                let (mut columns, framing) = (CsvColumns::new(options, Zone::UTC)?, framing(Records::Csv)?);
                for file in files {
                    let bytes = read(self.files.as_ref(), &file.path)?;
                    columns.file(&framing.split(&framing.text(&bytes)));
                }
                Ok(columns.finish())
            }
            Format::Arrow => {
                let batches = crate::values::ipc::read(&read(self.files.as_ref(), &first.path)?)?;
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

/// Returns the columns of files with those that their folders are, which go last: as declared, or of the narrowest type that reads
/// all values (`PartitioningUtils.inferPartitionColumnValue`).
fn with_folders(fields: &Fields, files: &[SourceFile]) -> Fields {
    let mut folders: Vec<(&str, DataType)> = vec![];
    for (key, value) in files.iter().flat_map(|f| &f.values) {
        let found = value.as_deref().map_or(DataType::Null, folder_type);
        match folders.iter_mut().find(|(known, _)| known == key) {
            Some((_, of)) => *of = common_type(of, &found),
            None => folders.push((key, found)),
        }
    }
    let is_folder = |field: &&FieldRef| folders.iter().any(|(key, _)| *key == field.name());
    let own = fields.iter().filter(|f| !is_folder(f)).cloned();
    let last = folders.iter().map(|(key, of)| {
        let declared = fields.iter().find(|f| f.name() == key).cloned();
        let of = if of.is_null() { DataType::Utf8 } else { of.clone() };
        declared.unwrap_or_else(|| Arc::new(Field::new(*key, of, true)))
    });
    own.chain(last).collect()
}

/// Returns the type of the value in the name of a folder.
fn folder_type(value: &str) -> DataType {
    let starts_as_number = value.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'));
    if value.parse::<i32>().is_ok() {
        DataType::Int32
    } else if value.parse::<i64>().is_ok() {
        DataType::Int64
    } else if starts_as_number && value.parse::<f64>().is_ok() {
        DataType::Float64
    } else if value.len() == 10 && parse_time::parse_date(value).is_some() {
        DataType::Date32
    } else if value.len() > 10 && parse_time::parse_timestamp(value).is_some_and(|time| time.wall_clock().is_some()) {
        types::timestamp()
    } else {
        DataType::Utf8
    }
}

/// Returns the type that holds the values of both.
fn common_type(a: &DataType, b: &DataType) -> DataType {
    let rank = |of: &DataType| match of {
        DataType::Null => 0,
        DataType::Int32 => 1,
        DataType::Int64 => 2,
        DataType::Float64 => 3,
        _ => 4,
    };
    match (rank(a), rank(b)) {
        _ if a == b => a.clone(),
        (x, y) if x < 4 && y < 4 => {
            if x > y {
                a.clone()
            } else {
                b.clone()
            }
        }
        (0, _) => b.clone(),
        (_, 0) => a.clone(),
        _ => DataType::Utf8,
    }
}

impl FileCatalog for HostCatalog {
    fn exists(&self, path: &str) -> Option<bool> {
        self.files.exists(path)
    }

    /// Finds the files of a read, in the order of paths and names; infers their columns unless they are declared.
    ///
    /// # Errors
    /// Returns `PATH_NOT_FOUND` if a path does not exist, or has no files and no columns are declared (a folder of a page's may be
    /// empty: it is not listed before it has a file), `UNABLE_TO_INFER_SCHEMA`, and the host's error if it
    /// cannot read.
    fn resolve(
        &self,
        format: &Format,
        paths: &[String],
        options: &BTreeMap<String, String>,
        declared: Option<Fields>,
    ) -> Result<FileSet> {
        let wanted = Wanted::new(options)?;
        let mut files: Vec<SourceFile> = Vec::new();
        for path in paths {
            let mut found = listed(self.files.as_ref(), path, &wanted)?;
            let is_there = self.files.exists(path) == Some(true);
            let may_be_empty = declared.is_some() && path.starts_with(PAGE_FILES);
            if found.is_empty() && !is_there && !may_be_empty {
                return Err(path_not_found(path));
            }
            found.sort_by(|a, b| a.path.cmp(&b.path));
            files.extend(found);
        }
        let fields = match declared {
            Some(fields) => fields,
            None => self.infer(format, &files, options)?,
        };
        let fields = with_folders(&fields, &files);
        let ddl = types::to_ddl(&arrow::datatypes::Schema::new(fields.clone()));
        self.found.borrow_mut().insert(
            read_key(format, paths, options),
            (files.iter().map(|f| f.path.clone()).collect(), ddl),
        );
        Ok(FileSet { files, fields })
    }
}
