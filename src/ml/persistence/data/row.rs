//! The rows of a saved model's Parquet files, read column by column; each is checked.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StructArray};
use arrow::buffer::Buffer;
use arrow::datatypes::{ArrowPrimitiveType, Float64Type, Int8Type, Int32Type, Int64Type};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value as Json;

use crate::error::{Result, SparkError};
use crate::ml::matrix::Matrix;
use crate::ml::persistence::{Loaded, corrupt, folders, load, parts, read_metadata};
use crate::storage::files::Files;
use crate::values::vector;

/// The one row of a model's Parquet file, and the directory around it.
pub struct Row<'a> {
    /// All rows, the first of which it is.
    batch: RecordBatch,
    /// What `metadata/` has.
    metadata: &'a Json,
    /// The files around it.
    files: &'a dyn Files,
    /// The directory, as errors name it.
    path: &'a str,
}

impl<'a> Row<'a> {
    /// Reads the Parquet files of the directory `path`, whose metadata is `metadata`; without rows, it has no column.
    ///
    /// # Errors
    /// `CORRUPT_MODEL` if one is not a Parquet file.
    pub fn open(data: &[Buffer], files: &'a dyn Files, path: &'a str, metadata: &'a Json) -> Result<Self> {
        let none = || RecordBatch::new_empty(std::sync::Arc::new(arrow::datatypes::Schema::empty()));
        let batch = table(data, path)?.unwrap_or_else(none);
        Ok(Self {
            batch,
            files,
            path,
            metadata,
        })
    }

    /// Returns all rows.
    pub fn rows(&self) -> &RecordBatch {
        &self.batch
    }

    /// Returns each of all rows.
    pub fn each(&self) -> impl Iterator<Item = Row<'_>> {
        (0..self.batch.num_rows()).map(|at| Row {
            batch: self.batch.slice(at, 1),
            ..*self
        })
    }

    /// Returns each row of the table in a folder beside the data.
    ///
    /// # Errors
    /// `CORRUPT_MODEL` if it is missing, or a file is not a Parquet file.
    pub fn each_of(&self, folder: &str) -> Result<Vec<Row<'_>>> {
        let batch = self.table(folder)?;
        let batch = batch.ok_or_else(|| self.corrupt(&format!("it lacks {folder}")))?;
        let all = Row { batch, ..*self };
        let row = |at| Row {
            batch: all.batch.slice(at, 1),
            ..*self
        };
        Ok((0..all.batch.num_rows()).map(row).collect())
    }

    /// Returns the metadata of the directory.
    pub fn metadata(&self) -> &Json {
        self.metadata
    }

    /// Returns the rows of a table in a folder beside the data; `None` if it has none.
    ///
    /// # Errors
    /// `CORRUPT_MODEL` if a file is not a Parquet file.
    pub fn table(&self, folder: &str) -> Result<Option<RecordBatch>> {
        table(&parts(self.files, &format!("{}/{folder}", self.path))?, self.path)
    }

    /// Returns the file of a folder beside Spark's own; `None` if there is none.
    ///
    /// # Errors
    /// If the host cannot read.
    pub fn beside(&self, folder: &str) -> Result<Option<Buffer>> {
        let found = parts(self.files, &format!("{}/{folder}", self.path))?;
        Ok(found.into_iter().next())
    }

    /// Reads those stages of a pipeline in a folder beside the data that are of one of some classes, in their order.
    ///
    /// # Errors
    /// `CORRUPT_MODEL` if one is not a whole stage.
    pub fn stages(&self, folder: &str, classes: &[&str]) -> Result<Vec<Loaded>> {
        let folder = format!("{}/{folder}", self.path);
        let number = |name: &String| name.split('_').next().and_then(|n| n.parse::<usize>().ok());
        let mut names = folders(self.files, &folder)?;
        names.sort_by_key(number);
        let mut stages = vec![];
        for name in names {
            let path = format!("{folder}/{name}");
            let metadata = read_metadata(self.files, &path)?;
            if metadata["class"].as_str().is_some_and(|class| classes.contains(&class)) {
                stages.push(load(self.files, &path, "")?);
            }
        }
        Ok(stages)
    }

    /// Returns the error of a directory whose content does not fit together (`CORRUPT_MODEL`).
    pub fn corrupt(&self, why: &str) -> SparkError {
        corrupt(self.path, why)
    }
}

/// Returns the rows of Parquet files, in their order; `None` if there are none.
///
/// # Errors
/// `CORRUPT_MODEL` if one is not a Parquet file, or their columns differ.
fn table(files: &[Buffer], path: &str) -> Result<Option<RecordBatch>> {
    let broken = |e: parquet::errors::ParquetError| corrupt(path, &format!("data is not a Parquet file: {e}"));
    let mut batches = vec![];
    for file in files {
        let bytes = bytes::Bytes::copy_from_slice(file.as_slice());
        let reader = ParquetRecordBatchReaderBuilder::try_new(bytes)
            .map_err(broken)?
            .build()
            .map_err(broken)?;
        for batch in reader {
            let batch = batch.map_err(|e| corrupt(path, &format!("data cannot be read: {e}")))?;
            batches.extend((batch.num_rows() > 0).then_some(batch));
        }
    }
    let Some(first) = batches.first() else { return Ok(None) };
    let all = arrow::compute::concat_batches(&first.schema(), &batches);
    all.map(Some)
        .map_err(|e| corrupt(path, &format!("the files of data differ: {e}")))
}

/// The most values that a sparse vector or matrix has when it is made dense.
const MOST_VALUES: usize = 1 << 28;

impl Row<'_> {
    /// Returns the error of a column that is missing, null or of another type (`CORRUPT_MODEL`).
    pub(super) fn bad(&self, name: &str) -> SparkError {
        corrupt(
            self.path,
            &format!("the column {name} of data is missing or of another type"),
        )
    }

    /// Returns whether the file has a column.
    pub fn has(&self, name: &str) -> bool {
        self.batch.column_by_name(name).is_some()
    }

    /// Returns a column whose one value is not null.
    ///
    /// # Errors
    /// `CORRUPT_MODEL` if it is missing or null.
    pub(super) fn column(&self, name: &str) -> Result<&ArrayRef> {
        let found = self.batch.column_by_name(name).filter(|c| c.is_valid(0));
        found.ok_or_else(|| self.bad(name))
    }

    /// Returns the elements of a list column.
    ///
    /// # Errors
    /// `CORRUPT_MODEL` if the column is missing, null or not a list.
    pub(super) fn list(&self, name: &str) -> Result<ArrayRef> {
        let list = self.column(name)?.as_list_opt::<i32>().ok_or_else(|| self.bad(name))?;
        Ok(list.value(0))
    }

    /// Returns a list of strings; a null element becomes empty.
    ///
    /// # Errors
    /// `CORRUPT_MODEL` if the column is missing, null or of another type.
    pub fn texts(&self, name: &str) -> Result<Vec<String>> {
        let list = self.list(name)?;
        let texts = list.as_string_opt::<i32>().ok_or_else(|| self.bad(name))?;
        Ok(texts.iter().map(|t| t.unwrap_or_default().to_owned()).collect())
    }

    /// Returns a string.
    ///
    /// # Errors
    /// `CORRUPT_MODEL` if the column is missing, null or of another type.
    pub fn text(&self, name: &str) -> Result<String> {
        let texts = self.column(name)?.as_string_opt::<i32>();
        Ok(texts.ok_or_else(|| self.bad(name))?.value(0).to_owned())
    }

    /// Returns a list of lists of strings.
    ///
    /// # Errors
    /// `CORRUPT_MODEL` if the column is missing, null or of another type.
    pub fn text_lists(&self, name: &str) -> Result<Vec<Vec<String>>> {
        let outer = self.list(name)?;
        let lists = outer.as_list_opt::<i32>().ok_or_else(|| self.bad(name))?;
        lists
            .iter()
            .map(|list| {
                let list = list.ok_or_else(|| self.bad(name))?;
                let texts = list.as_string_opt::<i32>().ok_or_else(|| self.bad(name))?;
                Ok(texts.iter().map(|t| t.unwrap_or_default().to_owned()).collect())
            })
            .collect()
    }

    /// Returns a list of integers.
    ///
    /// # Errors
    /// `CORRUPT_MODEL` if the column is missing, null or of another type.
    pub fn ints(&self, name: &str) -> Result<Vec<i32>> {
        let list = self.list(name)?;
        let ints = list.as_primitive_opt::<Int32Type>().ok_or_else(|| self.bad(name))?;
        Ok(ints.values().to_vec())
    }

    /// Returns a list of doubles.
    ///
    /// # Errors
    /// `CORRUPT_MODEL` if the column is missing, null or of another type.
    pub fn doubles(&self, name: &str) -> Result<Vec<f64>> {
        let list = self.list(name)?;
        let doubles = list.as_primitive_opt::<Float64Type>().ok_or_else(|| self.bad(name))?;
        Ok(doubles.values().to_vec())
    }

    /// Returns a list of longs.
    ///
    /// # Errors
    /// `CORRUPT_MODEL` if the column is missing, null or of another type.
    pub fn longs(&self, name: &str) -> Result<Vec<i64>> {
        let list = self.list(name)?;
        let longs = list.as_primitive_opt::<Int64Type>().ok_or_else(|| self.bad(name))?;
        Ok(longs.values().to_vec())
    }

    fn number<T: ArrowPrimitiveType>(&self, name: &str) -> Result<T::Native> {
        let numbers = self
            .column(name)?
            .as_primitive_opt::<T>()
            .ok_or_else(|| self.bad(name))?;
        Ok(numbers.value(0))
    }

    /// Returns a long.
    ///
    /// # Errors
    /// `CORRUPT_MODEL` if the column is missing, null or of another type.
    pub fn long(&self, name: &str) -> Result<i64> {
        self.number::<Int64Type>(name)
    }

    /// Returns an integer.
    ///
    /// # Errors
    /// `CORRUPT_MODEL` if the column is missing, null or of another type.
    pub fn int(&self, name: &str) -> Result<i32> {
        self.number::<Int32Type>(name)
    }

    /// Returns a double.
    ///
    /// # Errors
    /// `CORRUPT_MODEL` if the column is missing, null or of another type.
    pub fn double(&self, name: &str) -> Result<f64> {
        self.number::<Float64Type>(name)
    }

    /// Returns a boolean.
    ///
    /// # Errors
    /// `CORRUPT_MODEL` if the column is missing, null or of another type.
    pub fn bool(&self, name: &str) -> Result<bool> {
        let bools = self.column(name)?.as_boolean_opt().ok_or_else(|| self.bad(name))?;
        Ok(bools.value(0))
    }

    /// Returns the struct that a vector or matrix is stored as.
    ///
    /// # Errors
    /// `CORRUPT_MODEL` if the column is missing, null or not a struct.
    fn parts(&self, name: &str) -> Result<&StructArray> {
        self.column(name)?.as_struct_opt().ok_or_else(|| self.bad(name))
    }

    /// Returns a vector, made dense; below 2^28 values.
    ///
    /// # Errors
    /// `CORRUPT_MODEL` if the column is missing, null or of another type.
    pub fn vector(&self, name: &str) -> Result<Vec<f64>> {
        self.vector_of(name, self.parts(name)?)
    }

    fn vector_of(&self, name: &str, parts: &StructArray) -> Result<Vec<f64>> {
        let bad = || self.bad(name);
        let values = doubles(parts, "values").ok_or_else(bad)?;
        let kind = parts
            .column_by_name("type")
            .and_then(|c| c.as_primitive_opt::<Int8Type>());
        if kind.ok_or_else(bad)?.value(0) == 1 {
            return Ok(values);
        }
        let size = usize::try_from(int(parts, "size").ok_or_else(bad)?).map_err(|_| bad())?;
        let size = Some(size).filter(|size| *size < MOST_VALUES).ok_or_else(bad)?;
        let indices = ints(parts, "indices").ok_or_else(bad)?;
        let sparse = vector::Vector::sparse(size, indices, values).map_err(|_| bad())?;
        Ok(sparse.view().to_dense())
    }

    /// Returns a dense matrix, or a sparse one made dense; at most 2^28 values.
    ///
    /// # Errors
    /// `CORRUPT_MODEL` if the column is missing, null or of another type, or if its parts do not fit each other.
    pub fn matrix(&self, name: &str) -> Result<Matrix> {
        self.matrix_of(name, self.parts(name)?)
    }

    /// Returns the structs of a list.
    fn each_part(&self, name: &str) -> Result<Vec<StructArray>> {
        let list = self.column(name)?.as_list_opt::<i32>().filter(|l| l.is_valid(0));
        let list = list.ok_or_else(|| self.bad(name))?.value(0);
        let parts = list.as_struct_opt().ok_or_else(|| self.bad(name))?;
        Ok((0..parts.len()).map(|i| parts.slice(i, 1)).collect())
    }

    /// Returns a list of vectors, made dense.
    ///
    /// # Errors
    /// As [`Self::vector`].
    pub fn vectors(&self, name: &str) -> Result<Vec<Vec<f64>>> {
        let parts = self.each_part(name)?;
        parts.iter().map(|p| self.vector_of(name, p)).collect()
    }

    /// Returns a list of matrices, made dense.
    ///
    /// # Errors
    /// As [`Self::matrix`].
    pub fn matrices(&self, name: &str) -> Result<Vec<Matrix>> {
        let parts = self.each_part(name)?;
        parts.iter().map(|p| self.matrix_of(name, p)).collect()
    }

    fn matrix_of(&self, name: &str, parts: &StructArray) -> Result<Matrix> {
        let bad = || self.bad(name);
        let size = |part: &str| usize::try_from(int(parts, part).ok_or_else(bad)?).map_err(|_| bad());
        let (rows, columns) = (size("numRows")?, size("numCols")?);
        let values = doubles(parts, "values").ok_or_else(bad)?;
        let flag = parts.column_by_name("isTransposed").and_then(|c| c.as_boolean_opt());
        let transposed = flag.is_some_and(|f| f.value(0));
        let kind = parts
            .column_by_name("type")
            .and_then(|c| c.as_primitive_opt::<Int8Type>());
        if kind.ok_or_else(bad)?.value(0) == 1 {
            return Matrix::from_storage(rows, columns, values, transposed).ok_or_else(bad);
        }
        let starts = ints(parts, "colPtrs").ok_or_else(bad)?;
        let at = ints(parts, "rowIndices").ok_or_else(bad)?;
        let (lines, length) = if transposed { (rows, columns) } else { (columns, rows) };
        let mut dense = vec![0.0; rows.checked_mul(columns).filter(|n| *n < MOST_VALUES).ok_or_else(bad)?];
        for line in 0..lines {
            let range = starts.get(line).zip(starts.get(line + 1)).ok_or_else(bad)?;
            for i in (*range.0 as usize)..(*range.1 as usize) {
                let (index, value) = at.get(i).zip(values.get(i)).ok_or_else(bad)?;
                let place = usize::try_from(*index).ok().filter(|p| *p < length).ok_or_else(bad)?;
                dense[line * length + place] = *value;
            }
        }
        Matrix::from_storage(rows, columns, dense, transposed).ok_or_else(bad)
    }
}

/// Returns an integer of a struct; `None` if it is missing, null or of another type.
fn int(parts: &StructArray, name: &str) -> Option<i32> {
    let column = parts.column_by_name(name)?.as_primitive_opt::<Int32Type>()?;
    column.is_valid(0).then(|| column.value(0))
}

/// Returns a list of integers of a struct; `None` if it is missing, null or of another type.
fn ints(parts: &StructArray, name: &str) -> Option<Vec<i32>> {
    let list = parts
        .column_by_name(name)?
        .as_list_opt::<i32>()
        .filter(|l| l.is_valid(0))?
        .value(0);
    Some(list.as_primitive_opt::<Int32Type>()?.values().to_vec())
}

/// Returns a list of doubles of a struct; `None` if it is missing, null or of another type.
fn doubles(parts: &StructArray, name: &str) -> Option<Vec<f64>> {
    let list = parts
        .column_by_name(name)?
        .as_list_opt::<i32>()
        .filter(|l| l.is_valid(0))?
        .value(0);
    Some(list.as_primitive_opt::<Float64Type>()?.values().to_vec())
}
