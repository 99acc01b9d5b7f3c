//! The arrays of a model as the one row of a Parquet file, in the columns that Spark's readers and writers have.
//!
//! Spark reads user-defined types by the JSON schema in the file's metadata, so every column carries its type twice: as
//! Arrow's for the Parquet writer, and as Spark's JSON. Readers take columns by name and check each.

pub mod maps;

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int8Array, Int32Array, Int64Array, ListArray, RecordBatch,
    StringArray, StructArray, new_null_array,
};
use arrow::buffer::{Buffer, OffsetBuffer};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Field, FieldRef, Fields, Float64Type, Int8Type, Int32Type, Int64Type, Schema,
};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use serde_json::{Value as Json, json};

use super::{corrupt, parts};
use crate::error::{Result, SparkError};
use crate::ml::matrix::{self, Matrix};
use crate::settings::SPARK_VERSION;
use crate::storage::files::Files;
use crate::values::vector::{self, VectorRef};

// ------------------------------------------------------------------------------------------------------- writing

/// One column: name, values of its one row, Spark's type as JSON, whether it may be null.
#[derive(Debug)]
pub struct Column {
    /// Spark's name, or that of a user's column.
    name: String,
    /// An array of one row.
    values: ArrayRef,
    /// Spark's type, for the file's metadata.
    spark: Json,
    /// Whether Spark declares it nullable: lists and structs are, numbers are not.
    nullable: bool,
}

/// Returns the Parquet file of a model's columns, compressed by Snappy, as Spark's default is.
///
/// # Errors
/// If the arrays do not fit each other, or the writer fails.
pub fn write(columns: Vec<Column>) -> Result<Vec<u8>> {
    let fields: Vec<Field> = columns
        .iter()
        .map(|c| Field::new(&c.name, c.values.data_type().clone(), c.nullable))
        .collect();
    let schema = Arc::new(Schema::new(fields));
    // What Spark reads user-defined types from.
    let spark = json!({ "type": "struct", "fields": columns.iter().map(|c| json!({
        "name": c.name, "type": c.spark, "nullable": c.nullable, "metadata": {},
    })).collect::<Vec<_>>() });
    let metadata = vec![
        KeyValue::new("org.apache.spark.version".to_owned(), SPARK_VERSION.to_owned()),
        KeyValue::new(
            "org.apache.spark.sql.parquet.row.metadata".to_owned(),
            spark.to_string(),
        ),
    ];
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_key_value_metadata(Some(metadata))
        .build();
    let batch = RecordBatch::try_new(schema.clone(), columns.into_iter().map(|c| c.values).collect())?;
    let failed = |e: parquet::errors::ParquetError| SparkError::internal(format!("a model cannot be written: {e}"));
    let mut writer = ArrowWriter::try_new(Vec::new(), schema, Some(properties)).map_err(failed)?;
    writer.write(&batch).map_err(failed)?;
    writer.into_inner().map_err(failed)
}

impl Column {
    /// Returns a column of one dense vector.
    ///
    /// # Errors
    /// If the arrays do not fit each other.
    pub fn vector(name: impl Into<String>, values: &[f64]) -> Result<Self> {
        Ok(Self {
            name: name.into(),
            values: vector_row(VectorRef::Dense(values))?,
            spark: vector_type(),
            nullable: true,
        })
    }

    /// Returns a column of one matrix.
    ///
    /// # Errors
    /// If the arrays do not fit each other.
    pub fn matrix(name: impl Into<String>, matrix: &Matrix) -> Result<Self> {
        Ok(Self {
            name: name.into(),
            values: matrix_row(matrix)?,
            spark: matrix_type(),
            nullable: true,
        })
    }

    /// Returns a column of one list.
    ///
    /// # Errors
    /// If the list is too long.
    fn array(name: impl Into<String>, values: ArrayRef, element: &str, contains_null: bool) -> Result<Self> {
        Ok(Self {
            name: name.into(),
            values: list_row(values, contains_null)?,
            spark: array_type(json!(element), contains_null),
            nullable: true,
        })
    }

    /// Returns a column of one list of longs.
    ///
    /// # Errors
    /// If the list is too long.
    pub fn longs(name: impl Into<String>, values: &[i64]) -> Result<Self> {
        Self::array(name, Arc::new(Int64Array::from(values.to_vec())), "long", false)
    }

    /// Returns a column of one list of integers.
    ///
    /// # Errors
    /// If the list is too long.
    pub fn ints(name: impl Into<String>, values: &[i32]) -> Result<Self> {
        Self::array(name, Arc::new(Int32Array::from(values.to_vec())), "integer", false)
    }

    /// Returns a column of one list of strings.
    ///
    /// # Errors
    /// If the list is too long.
    pub fn texts(name: impl Into<String>, words: &[String]) -> Result<Self> {
        Self::array(name, texts(words), "string", true)
    }

    /// Returns a column of one long.
    pub fn long(name: impl Into<String>, value: i64) -> Self {
        Self::one(name, Arc::new(Int64Array::from(vec![value])), "long")
    }

    /// Returns a column of many rows, with Spark's type.
    pub fn rows(name: impl Into<String>, values: ArrayRef, spark: Json, nullable: bool) -> Self {
        Self {
            name: name.into(),
            values,
            spark,
            nullable,
        }
    }

    /// Returns a column of one integer.
    pub fn int(name: impl Into<String>, value: i32) -> Self {
        Self::one(name, Arc::new(Int32Array::from(vec![value])), "integer")
    }

    /// Returns a column of one double.
    pub fn double(name: impl Into<String>, value: f64) -> Self {
        Self::one(name, Arc::new(Float64Array::from(vec![value])), "double")
    }

    /// Returns a column of one boolean.
    pub fn bool(name: impl Into<String>, value: bool) -> Self {
        Self::one(name, Arc::new(BooleanArray::from(vec![value])), "boolean")
    }

    fn one(name: impl Into<String>, values: ArrayRef, spark: &str) -> Self {
        Self {
            name: name.into(),
            values,
            spark: json!(spark),
            nullable: false,
        }
    }

    /// Returns a column of one list of lists of strings.
    ///
    /// # Errors
    /// If the lists are too long.
    pub fn text_lists(name: impl Into<String>, lists: &[&[String]]) -> Result<Self> {
        let all: Vec<String> = lists.concat();
        let item = Arc::new(Field::new("element", DataType::Utf8, true));
        let offsets = OffsetBuffer::from_lengths(lists.iter().map(|l| l.len()));
        let lists = ListArray::try_new(item, offsets, texts(&all), None)?;
        Ok(Self {
            name: name.into(),
            values: list_row(Arc::new(lists), true)?,
            spark: array_type(array_type(json!("string"), true), true),
            nullable: true,
        })
    }
}

/// Returns a column of dense vectors, one per row.
///
/// # Errors
/// If the arrays do not fit each other.
pub fn vector_rows(name: &'static str, vectors: &[Vec<f64>]) -> Result<Column> {
    let rows = vectors
        .iter()
        .map(|v| vector_row(VectorRef::Dense(v)))
        .collect::<Result<Vec<_>>>()?;
    let rows: Vec<&dyn Array> = rows.iter().map(|r| &**r).collect();
    let values = arrow::compute::concat(&rows)?;
    Ok(Column::rows(name, values, vector_type(), true))
}

/// Returns an array of strings without nulls.
fn texts(words: &[String]) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(words))
}

/// Returns a list array of one row that holds all of `values`.
fn list_row(values: ArrayRef, contains_null: bool) -> Result<ArrayRef> {
    let item: FieldRef = Arc::new(Field::new("element", values.data_type().clone(), contains_null));
    let offsets = OffsetBuffer::from_lengths([values.len()]);
    Ok(Arc::new(ListArray::try_new(item, offsets, values, None)?))
}

/// Returns a list array of one row that is null.
fn null_list(element: DataType) -> ArrayRef {
    new_null_array(&DataType::List(Arc::new(Field::new("element", element, false))), 1)
}

/// Returns a struct array of one row, of (name, values, nullable).
fn struct_row(parts: Vec<(&str, ArrayRef, bool)>) -> Result<ArrayRef> {
    let fields: Fields = parts
        .iter()
        .map(|(name, values, nullable)| Field::new(*name, values.data_type().clone(), *nullable))
        .collect();
    let columns = parts.into_iter().map(|(_, values, _)| values).collect();
    Ok(Arc::new(StructArray::try_new(fields, columns, None)?))
}

/// Returns a vector as `VectorUDT` is stored: (type, size, indices, values), with size and indices null if it is dense.
fn vector_row(v: VectorRef<'_>) -> Result<ArrayRef> {
    let (kind, size, indices): (i8, ArrayRef, ArrayRef) = match v {
        VectorRef::Dense(_) => (1, new_null_array(&DataType::Int32, 1), null_list(DataType::Int32)),
        VectorRef::Sparse { size, indices, .. } => (
            0,
            Arc::new(Int32Array::from(vec![size as i32])),
            list_row(Arc::new(Int32Array::from(indices.to_vec())), false)?,
        ),
    };
    let values = list_row(Arc::new(Float64Array::from(v.values().to_vec())), false)?;
    struct_row(vec![
        ("type", Arc::new(Int8Array::from(vec![kind])), false),
        ("size", size, true),
        ("indices", indices, true),
        ("values", values, true),
    ])
}

/// Returns a dense, transposed matrix as `MatrixUDT` is stored.
fn matrix_row(m: &Matrix) -> Result<ArrayRef> {
    let int = |n: u64| -> ArrayRef { Arc::new(Int32Array::from(vec![n as i32])) };
    let values = list_row(Arc::new(Float64Array::from(m.values.clone())), false)?;
    struct_row(vec![
        ("type", Arc::new(Int8Array::from(vec![1])), false),
        ("numRows", int(m.rows), false),
        ("numCols", int(m.columns), false),
        ("colPtrs", null_list(DataType::Int32), true),
        ("rowIndices", null_list(DataType::Int32), true),
        ("values", values, true),
        ("isTransposed", Arc::new(BooleanArray::from(vec![true])), false),
    ])
}

/// Returns the JSON of an array type.
fn array_type(element: Json, contains_null: bool) -> Json {
    json!({ "type": "array", "elementType": element, "containsNull": contains_null })
}

/// Returns the JSON of a struct type, of (name, type, nullable).
fn struct_type(fields: &[(&str, Json, bool)]) -> Json {
    let fields = fields.iter().map(
        |(name, data_type, nullable)| json!({ "name": name, "type": data_type, "nullable": nullable, "metadata": {} }),
    );
    json!({ "type": "struct", "fields": fields.collect::<Vec<_>>() })
}

/// Returns the JSON of `VectorUDT` with the struct that it is stored as.
fn vector_type() -> Json {
    let stored = struct_type(&[
        ("type", json!("byte"), false),
        ("size", json!("integer"), true),
        ("indices", array_type(json!("integer"), false), true),
        ("values", array_type(json!("double"), false), true),
    ]);
    json!({ "type": "udt", "class": vector::JVM_CLASS, "pyClass": vector::PYTHON_CLASS, "sqlType": stored })
}

/// Returns the JSON of `MatrixUDT` with the struct that it is stored as.
fn matrix_type() -> Json {
    let stored = struct_type(&[
        ("type", json!("byte"), false),
        ("numRows", json!("integer"), false),
        ("numCols", json!("integer"), false),
        ("colPtrs", array_type(json!("integer"), false), true),
        ("rowIndices", array_type(json!("integer"), false), true),
        ("values", array_type(json!("double"), false), true),
        ("isTransposed", json!("boolean"), false),
    ]);
    json!({ "type": "udt", "class": matrix::JVM_CLASS, "pyClass": "pyspark.ml.linalg.MatrixUDT", "sqlType": stored })
}

// ------------------------------------------------------------------------------------------------------- reading

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
    /// Reads the Parquet files of the directory `path`, whose metadata is `metadata`.
    ///
    /// # Errors
    /// `CORRUPT_MODEL` if one is not a Parquet file, or all are without rows.
    pub fn open(data: &[Buffer], files: &'a dyn Files, path: &'a str, metadata: &'a Json) -> Result<Self> {
        let batch = table(data, path)?.ok_or_else(|| corrupt(path, "data has no row"))?;
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

impl Row<'_> {
    /// Returns the error of a column that is missing, null or of another type (`CORRUPT_MODEL`).
    fn bad(&self, name: &str) -> SparkError {
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
    fn column(&self, name: &str) -> Result<&ArrayRef> {
        let found = self.batch.column_by_name(name).filter(|c| c.is_valid(0));
        found.ok_or_else(|| self.bad(name))
    }

    /// Returns the elements of a list column.
    ///
    /// # Errors
    /// `CORRUPT_MODEL` if the column is missing, null or not a list.
    fn list(&self, name: &str) -> Result<ArrayRef> {
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

    /// Returns a vector, made dense.
    ///
    /// # Errors
    /// `CORRUPT_MODEL` if the column is missing, null or of another type.
    pub fn vector(&self, name: &str) -> Result<Vec<f64>> {
        let bad = || self.bad(name);
        let parts = self.parts(name)?;
        let values = doubles(parts, "values").ok_or_else(bad)?;
        let kind = parts
            .column_by_name("type")
            .and_then(|c| c.as_primitive_opt::<Int8Type>());
        if kind.ok_or_else(bad)?.value(0) == 1 {
            return Ok(values);
        }
        let size = usize::try_from(int(parts, "size").ok_or_else(bad)?).map_err(|_| bad())?;
        let indices = ints(parts, "indices").ok_or_else(bad)?;
        let sparse = vector::Vector::sparse(size, indices, values).map_err(|_| bad())?;
        Ok(sparse.view().to_dense())
    }

    /// Returns a dense matrix, or a sparse one made dense; at most 2^28 values.
    ///
    /// # Errors
    /// `CORRUPT_MODEL` if the column is missing, null or of another type, or if its parts do not fit each other.
    pub fn matrix(&self, name: &str) -> Result<Matrix> {
        let bad = || self.bad(name);
        let parts = self.parts(name)?;
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
        let mut dense = vec![0.0; rows.checked_mul(columns).filter(|n| *n < 1 << 28).ok_or_else(bad)?];
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::classification::naive_bayes::NaiveBayesModel;
    use crate::ml::feature::{
        count_vectorizer::Words, idf::IdfModel, min_max_scaler::Bounds, one_hot::Categories, string_indexer::Labels,
    };
    use crate::ml::model::Fitted;

    struct Nothing;

    impl Files for Nothing {
        fn list(&self, _: &str) -> Result<Vec<crate::storage::files::FileEntry>> {
            Ok(vec![])
        }

        fn read(&self, path: &str) -> Result<Buffer> {
            Err(corrupt(path, "the file does not exist"))
        }
    }

    #[test]
    fn models_survive_their_files() {
        let labels = |words: &[&str]| Words {
            words: words.iter().map(|w| (*w).to_owned()).collect(),
        };
        let models: [Box<dyn Fitted>; 5] = [
            Box::new(NaiveBayesModel {
                pi: vec![-0.5, -1.5],
                theta: Matrix::new(2, 3, vec![1.0, 2.0, 3.0, 4.0, 5.0, f64::NEG_INFINITY]),
                sigma: Matrix::default(),
                statistics: None,
            }),
            Box::new(IdfModel {
                idf: vec![0.5, 0.0],
                doc_freq: vec![3, 0],
                num_docs: 9,
            }),
            Box::new(Labels {
                columns: vec![labels(&["a", "é"]), labels(&[])],
            }),
            Box::new(Categories { sizes: vec![3, 2] }),
            Box::new(Bounds {
                min: vec![0.0, -1.0],
                max: vec![2.0, 1.0],
            }),
        ];
        for model in models {
            let file = Buffer::from(write(model.columns().unwrap()).unwrap());
            let row = Row::open(&[file], &Nothing, "somewhere", &Json::Null).unwrap();
            let again = (model.kind().read)(&row).unwrap();
            assert_eq!(again.kind().tag, model.kind().tag);
            assert_eq!(again.to_bytes(), model.to_bytes());
        }
    }

    #[test]
    fn a_file_that_is_no_parquet_file_is_told_as_such() {
        let error = Row::open(&[Buffer::from(b"PAR1 not really".to_vec())], &Nothing, "m", &Json::Null)
            .err()
            .unwrap();
        assert_eq!(error.condition.as_deref(), Some("CORRUPT_MODEL"));
    }
}
