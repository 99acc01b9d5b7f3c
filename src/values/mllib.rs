//! Vectors and matrices of `spark.mllib`: stored as those of `spark.ml`, and told from them by a mark on their first field.
//!
//! The engine computes with those of `spark.ml` only. What Spark returns as `mllib`'s, such as the normal distributions of a mixture,
//! is marked right before it leaves, so that clients make their own classes of it.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StructArray};
use arrow::datatypes::{DataType, Field, Fields};

use crate::error::{Result, SparkError};

/// The key of the mark.
const MARK: &str = "rivulet.udt";

/// Returns the name of `mllib`'s class for one of `ml`.
///
/// ```
/// use rivulet::values::mllib::class_of;
///
/// assert_eq!(class_of("org.apache.spark.ml.linalg.VectorUDT"), "org.apache.spark.mllib.linalg.VectorUDT");
/// ```
pub fn class_of(ml: &str) -> String {
    ml.replacen(".ml.", ".mllib.", 1)
}

/// Returns the type of `mllib` for one of `ml`; other types than structs as they are.
pub fn marked_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Struct(fields) => DataType::Struct(marked_fields(fields)),
        other => other.clone(),
    }
}

fn marked_fields(fields: &Fields) -> Fields {
    let mark = HashMap::from([(MARK.to_owned(), "mllib".to_owned())]);
    let field = |(at, field): (usize, &Arc<Field>)| match at {
        0 => Arc::new(field.as_ref().clone().with_metadata(mark.clone())),
        _ => field.clone(),
    };
    fields.iter().enumerate().map(field).collect()
}

/// Returns a column of vectors or matrices as `mllib`'s; values are not copied.
///
/// # Errors
/// `INTERNAL_ERROR` if the column is not of structs.
pub fn marked(column: &ArrayRef) -> Result<ArrayRef> {
    let not_structs = || SparkError::internal("only vectors and matrices are marked as those of mllib");
    let parts = column.as_struct_opt().ok_or_else(not_structs)?;
    let fields = marked_fields(parts.fields());
    let made = StructArray::try_new(fields, parts.columns().to_vec(), parts.nulls().cloned())?;
    Ok(Arc::new(made))
}

/// Returns the type of `ml` that a marked type stands for; `None` for other types.
pub fn unmarked(data_type: &DataType) -> Option<DataType> {
    let DataType::Struct(fields) = data_type else {
        return None;
    };
    let first = fields.first().filter(|f| f.metadata().contains_key(MARK))?;
    let plain = Arc::new(first.as_ref().clone().with_metadata(HashMap::new()));
    let rest = fields.iter().skip(1).cloned();
    Some(DataType::Struct(std::iter::once(plain).chain(rest).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::vector::{self, VectorBuilder, VectorRef};

    #[test]
    fn a_marked_vector_is_not_one_of_ml_and_can_be_told() {
        let mut vectors = VectorBuilder::with_capacity(1);
        vectors.push(VectorRef::Dense(&[1.0]));
        let vectors = vectors.finish().unwrap();
        let marked = marked(&vectors).unwrap();
        assert_eq!(*marked.data_type(), marked_type(vectors.data_type()));
        assert!(!vector::is_vector(marked.data_type()));
        assert_eq!(unmarked(marked.data_type()), Some(vector::data_type()));
        assert_eq!(unmarked(vectors.data_type()), None);
    }
}
