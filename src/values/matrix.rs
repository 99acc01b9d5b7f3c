//! Matrices as columns: Spark's `MatrixUDT` as Arrow structs.
//!
//! Only results have such columns, one row each, as that of a correlation; they hold dense matrices, row after row.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int8Array, Int32Array, ListArray, StructArray, new_null_array,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields};

use super::types::list_of;
use crate::error::Result;

/// The JVM class of the user-defined type, which schemas on the wire name.
pub const JVM_CLASS: &str = "org.apache.spark.ml.linalg.MatrixUDT";
/// PySpark's class of the user-defined type, which schemas on the wire name.
pub const PYTHON_CLASS: &str = "pyspark.ml.linalg.MatrixUDT";

/// Returns the fields that store a matrix (`MatrixUDT.sqlType`): type (0 sparse, 1 dense), numbers of rows and columns,
/// the parts of sparse ones, values, and whether these stand row after row.
pub fn fields() -> Fields {
    Fields::from(vec![
        Field::new("type", DataType::Int8, true),
        Field::new("numRows", DataType::Int32, true),
        Field::new("numCols", DataType::Int32, true),
        Field::new("colPtrs", list_of(DataType::Int32), true),
        Field::new("rowIndices", list_of(DataType::Int32), true),
        Field::new("values", list_of(DataType::Float64), true),
        Field::new("isTransposed", DataType::Boolean, true),
    ])
}

/// Returns the Arrow type of a column of matrices: a struct of [`fields`].
pub fn data_type() -> DataType {
    DataType::Struct(fields())
}

/// Returns whether a type is a matrix's. A user-defined type is its storage here, so the storage's names and types tell.
pub fn is_matrix(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Struct(own) if own.len() == 7 && *own == fields())
}

/// Returns a column of one dense matrix, of values column after column.
///
/// # Errors
/// If Arrow refuses the struct, an internal error.
pub fn one(rows: usize, columns: usize, values: Vec<f64>) -> Result<ArrayRef> {
    let int = |n: usize| -> ArrayRef { Arc::new(Int32Array::from(vec![n as i32])) };
    let element = Arc::new(Field::new("element", DataType::Float64, true));
    let offsets = OffsetBuffer::from_lengths([values.len()]);
    let values = ListArray::try_new(element, offsets, Arc::new(Float64Array::from(values)), None)?;
    let none = || new_null_array(&list_of(DataType::Int32), 1);
    let parts: Vec<ArrayRef> = vec![
        Arc::new(Int8Array::from(vec![1])),
        int(rows),
        int(columns),
        none(),
        none(),
        Arc::new(values),
        Arc::new(BooleanArray::from(vec![false])),
    ];
    Ok(Arc::new(StructArray::try_new(fields(), parts, None)?))
}
