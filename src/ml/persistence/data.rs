//! The arrays of a model as the one row of a Parquet file, in the columns that Spark's readers and writers have.
//!
//! Spark reads user-defined types by the JSON schema in the file's metadata, so every column carries its type twice: as
//! Arrow's for the Parquet writer, and as Spark's JSON. Readers take columns by name and check each.

pub mod maps;
mod row;

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int8Array, Int32Array, Int64Array, ListArray, RecordBatch,
    StringArray, StructArray, new_null_array,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use serde_json::{Value as Json, json};

pub use self::row::Row;
use crate::error::{Result, SparkError};
use crate::ml::matrix::{self, Matrix};
use crate::settings::SPARK_VERSION;
use crate::values::types;
use crate::values::vector::{self, VectorRef};

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

    /// Returns a column of one list of doubles.
    ///
    /// # Errors
    /// If the list is too long.
    pub fn doubles(name: impl Into<String>, values: &[f64]) -> Result<Self> {
        Self::array(name, Arc::new(Float64Array::from(values.to_vec())), "double", false)
    }

    /// Returns a column of one list of strings.
    ///
    /// # Errors
    /// If the list is too long.
    pub fn texts(name: impl Into<String>, words: &[String]) -> Result<Self> {
        Self::array(name, texts(words), "string", true)
    }

    /// Returns a column of one string.
    pub fn text(name: impl Into<String>, value: &str) -> Self {
        Self {
            nullable: true,
            ..Self::one(name, texts(&[value.to_owned()]), "string")
        }
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

    /// Returns a column of many rows, with the type that Spark reads from Arrow's.
    pub fn table(name: impl Into<String>, values: ArrayRef, nullable: bool) -> Self {
        let spark = spark_type(values.data_type());
        Self::rows(name, values, spark, nullable)
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

/// Returns Spark's type of the same storage that `mllib` calls by its own name.
fn of_mllib(data_type: Json) -> Json {
    let mut own = data_type;
    for key in ["class", "pyClass"] {
        if let Some(name) = own[key].as_str() {
            own[key] = json!(name.replace(".ml.", ".mllib."));
        }
    }
    own
}

/// Returns a column of one list of what `rows` are, as `mllib` calls them.
fn mllib_list(name: &'static str, rows: &[ArrayRef], data_type: Json) -> Result<Column> {
    let rows: Vec<&dyn Array> = rows.iter().map(|r| &**r).collect();
    let values = list_row(arrow::compute::concat(&rows)?, true)?;
    Ok(Column::rows(name, values, array_type(of_mllib(data_type), true), true))
}

/// Returns a column of one list of dense vectors, of `mllib`'s type.
///
/// # Errors
/// If the arrays do not fit each other, or there are no vectors.
pub fn mllib_vectors(name: &'static str, vectors: &[Vec<f64>]) -> Result<Column> {
    mllib_list(name, &[self::vectors(vectors)?], vector_type())
}

/// Returns a column of one list of matrices, of `mllib`'s type.
///
/// # Errors
/// As [`mllib_vectors`].
pub fn mllib_matrices(name: &'static str, matrices: &[Matrix]) -> Result<Column> {
    let rows: Vec<ArrayRef> = matrices.iter().map(matrix_row).collect::<Result<_>>()?;
    mllib_list(name, &rows, matrix_type())
}

/// Returns dense vectors, one per row.
fn vectors(vectors: &[Vec<f64>]) -> Result<ArrayRef> {
    let rows = vectors
        .iter()
        .map(|v| vector_row(VectorRef::Dense(v)))
        .collect::<Result<Vec<_>>>()?;
    let rows: Vec<&dyn Array> = rows.iter().map(|r| &**r).collect();
    Ok(arrow::compute::concat(&rows)?)
}

/// Returns a column of dense vectors, one per row.
///
/// # Errors
/// If the arrays do not fit each other.
pub fn vector_rows(name: &'static str, rows: &[Vec<f64>]) -> Result<Column> {
    Ok(Column::rows(name, vectors(rows)?, vector_type(), true))
}

/// Returns a column of dense vectors, one per row, of `mllib`'s type.
///
/// # Errors
/// As [`vector_rows`].
pub fn mllib_vector_rows(name: &'static str, rows: &[Vec<f64>]) -> Result<Column> {
    Ok(Column::rows(name, vectors(rows)?, of_mllib(vector_type()), true))
}

/// Returns a column of lists of integers, one per row.
///
/// # Errors
/// If the lists are too long.
pub fn int_list_rows(name: &'static str, lists: &[&[i32]]) -> Result<Column> {
    let item: FieldRef = Arc::new(Field::new("element", DataType::Int32, false));
    let offsets = OffsetBuffer::from_lengths(lists.iter().map(|l| l.len()));
    let values = ListArray::try_new(item, offsets, Arc::new(Int32Array::from(lists.concat())), None)?;
    Ok(Column::rows(
        name,
        Arc::new(values),
        array_type(json!("integer"), false),
        true,
    ))
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

/// Returns the JSON of a type that is not a user-defined one.
fn spark_type(data_type: &DataType) -> Json {
    match data_type {
        DataType::Int8 => json!("byte"),
        DataType::Int16 => json!("short"),
        DataType::Int32 => json!("integer"),
        DataType::Int64 => json!("long"),
        DataType::List(element) => array_type(spark_type(element.data_type()), element.is_nullable()),
        DataType::Struct(fields) => {
            let fields = fields
                .iter()
                .map(|f| (f.name().as_str(), spark_type(f.data_type()), f.is_nullable()));
            struct_type(&fields.collect::<Vec<_>>())
        }
        other => json!(types::simple_string(other)),
    }
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

#[cfg(test)]
mod tests {
    use arrow::buffer::Buffer;

    use super::*;
    use crate::ml::classification::naive_bayes::NaiveBayesModel;
    use crate::ml::feature::{
        count_vectorizer::Words, idf::IdfModel, min_max_scaler::Bounds, one_hot::Categories, string_indexer::Labels,
    };
    use crate::ml::model::Fitted;
    use crate::ml::persistence::corrupt;
    use crate::storage::files::Files;

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
