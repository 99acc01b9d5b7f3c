//! Functions between vectors and arrays, which clients call and SQL does not know (`org.apache.spark.ml.functions`).
//!
//! ```text
//! vector_to_array(v, dtype)    all values, zeros too        unwrap_udt(v)                 the struct that stores a vector
//! array_to_vector(a)           a dense vector               array_binary_search(a, x)     from 0; -(place + 1) if it is not there
//! ```

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float32Array, Float64Array, Int32Array, ListArray, make_comparator};
use arrow::buffer::OffsetBuffer;
use arrow::compute::SortOptions;
use arrow::datatypes::{DataType, Float64Type};

use super::call::Call;
use super::collection::arrays::list_and_item;
use super::entry::{Function, array, literal, scalar, text, value};
use super::error::unexpected_type;
use crate::error::{Exception, Fault, Result, SparkError};
use crate::kernels::kernel;
use crate::plan::scope::Typed;
use crate::values::types::{element_field, list_of, simple_string};
use crate::values::vector::{self, VectorColumn};

/// Functions of vectors.
#[rustfmt::skip] // A table: a few lines for each entry.
pub static FUNCTIONS: &[Function] = &[
    scalar("vector_to_array", to_array).takes(&[value("col", "VECTOR"), text("dtype").or("'float64'")]).returns("ARRAY<DOUBLE> or ARRAY<FLOAT>").unlisted()
        .null_if("An error if the vector is null.")
        .about("Returns the values of a vector as an array of doubles, or of floats if `dtype` is float32.")
        .example("array(1.0D, 0.0D)", "[1.0, 0.0]"),
    scalar("array_to_vector", to_vector).takes(&[array("col")]).returns("VECTOR").unlisted()
        .null_if("An error if the array or an element is null.")
        .about("Returns a dense vector of numbers.")
        .example("array(1.0D, 0.0D)", "[1.0, 0.0]"),
    scalar("unwrap_udt", unwrap).takes(&[value("column", "a user-defined type")]).returns("STRUCT").unlisted()
        .about("Returns what stores a vector: its type (0 sparse, 1 dense), size, indices and values.")
        .example("named_struct('type', 1)", "{1}"),
    scalar("array_binary_search", binary_search).takes(&[array("array"), literal("value", "ANY")]).returns("INT").unlisted()
        .about("Returns the place of a value in an ascending array, counted from 0; below 0 if it is not there.")
        .example("array_position(array(1, 2, 3), 2) - 1", "1"),
];

/// Returns the error of a value that a function refuses (`FAILED_EXECUTE_UDF`).
fn refused(call: &str, cause: &str) -> SparkError {
    let message = format!("User defined function (`{call}`) failed due to: {cause}");
    SparkError::new(Exception::Connect, "FAILED_EXECUTE_UDF", "39000", message)
        .with("functionName", format!("`{call}`"))
        .with("reason", cause)
        .by(Fault::Function)
}

/// Resolves `vector_to_array`.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE.DTYPE` if `dtype` is another one. When it runs, `FAILED_EXECUTE_UDF` for a null, and for what is not a vector.
fn to_array(call: &Call<'_>) -> Result<Typed> {
    let dtype = if call.has(1) {
        call.constant_text(1)
    } else {
        Some("float64".to_owned())
    };
    let element = match dtype.as_deref() {
        Some("float64") => DataType::Float64,
        Some("float32") => DataType::Float32,
        other => {
            let message = format!(
                "The value of parameter(s) `dtype` in `vector_to_array` is invalid: Unsupported dtype: \"{}\". Valid values: float64, float32.",
                other.unwrap_or_default()
            );
            return Err(SparkError::analysis("INVALID_PARAMETER_VALUE.DTYPE", "22023", message));
        }
    };
    let (vectors, name) = (call.arg(0)?, call.name.to_owned());
    let is_vector = vector::is_vector(&vectors.data_type);
    let to = list_of(element.clone());
    let result = to.clone();
    let expr = kernel::call(
        call.name,
        element.to_string(),
        to.clone(),
        vec![vectors.expr],
        move |args, rows| {
            let cause = "java.lang.IllegalArgumentException: function vector_to_array requires a non-null input argument and input type must be \
                     `org.apache.spark.ml.linalg.Vector` or `org.apache.spark.mllib.linalg.Vector`, but got something else.";
            if !is_vector && rows > 0 {
                return Err(refused(&name, cause).into());
            }
            let (mut values, mut lengths) = (vec![], vec![]);
            if is_vector {
                let vectors = VectorColumn::new(&args[0])?;
                for row in 0..vectors.len() {
                    let vector = vectors.get(row).ok_or_else(|| refused(&name, cause))?;
                    lengths.push(vector.size());
                    values.extend(vector.to_dense());
                }
            }
            let values: ArrayRef = match element {
                DataType::Float32 => Arc::new(values.into_iter().map(|v| v as f32).collect::<Float32Array>()),
                _ => Arc::new(Float64Array::from(values)),
            };
            let field = element_field(&result)?.clone();
            Ok(Arc::new(ListArray::try_new(
                field,
                OffsetBuffer::from_lengths(lengths),
                values,
                None,
            )?) as ArrayRef)
        },
    );
    Ok(Typed::new(expr, to, call.label_as("UDF")))
}

/// Resolves `array_to_vector`.
///
/// # Errors
/// `UNSUPPORTED_DESERIALIZER.DATA_TYPE_MISMATCH` if it is not an array. When it runs, `FAILED_EXECUTE_UDF` for a null,
/// `NOT_NULL_ASSERT_VIOLATION` for a null element.
fn to_vector(call: &Call<'_>) -> Result<Typed> {
    let arg = call.arg(0)?;
    if !matches!(arg.data_type, DataType::List(_)) {
        let found = simple_string(&arg.data_type).to_uppercase();
        return Err(SparkError::analysis(
            "UNSUPPORTED_DESERIALIZER.DATA_TYPE_MISMATCH",
            "0A000",
            format!("The deserializer is not supported: need a(n) \"ARRAY\" field but got \"{found}\"."),
        ));
    }
    let name = call.name.to_owned();
    let doubles = call.context.cast(arg, &list_of(DataType::Float64))?;
    let to = vector::data_type();
    let expr = kernel::call(call.name, "", to.clone(), vec![doubles.expr], move |args, _| {
        let lists = args[0].as_list::<i32>();
        if lists.null_count() > 0 {
            return Err(refused(&name, "java.lang.NullPointerException: the array is null").into());
        }
        let has_null =
            |list: Option<ArrayRef>| list.is_some_and(|list| list.as_primitive::<Float64Type>().null_count() > 0);
        if lists.iter().any(has_null) {
            let message = "NULL value appeared in non-nullable field:\n- array element class: \"double\"\n- root class: \"scala.collection.immutable.Seq\"";
            return Err(SparkError::new(Exception::Runtime, "NOT_NULL_ASSERT_VIOLATION", "42000", message).into());
        }
        Ok(vector::of_lists(&args[0])?)
    });
    Ok(Typed::new(expr, to, call.label_as("UDF")))
}

/// Resolves `unwrap_udt`: vectors are stored as that struct already.
///
/// # Errors
/// `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE` if it is not a vector.
fn unwrap(call: &Call<'_>) -> Result<Typed> {
    let arg = call.arg(0)?;
    if vector::is_vector(&arg.data_type) {
        return Ok(Typed::new(arg.expr, arg.data_type, call.label()));
    }
    Err(unexpected_type(&call.label(), 1, &arg, &["USERDEFINEDTYPE"]))
}

/// Resolves `array_binary_search`, which finds what Java's `Arrays.binarySearch` finds; nulls come first.
///
/// # Errors
/// `DATATYPE_MISMATCH.ARRAY_FUNCTION_DIFF_TYPES` if the value is of another type than the elements.
fn binary_search(call: &Call<'_>) -> Result<Typed> {
    let (list, item) = list_and_item(call, true)?;
    let args = vec![list.expr, item.expr];
    let expr = kernel::call(call.name, "", DataType::Int32, args, |args, rows| {
        let lists = args[0].as_list::<i32>();
        let compare = make_comparator(lists.values(), &args[1], SortOptions::default())?;
        let offsets = lists.value_offsets();
        let place = |row: usize| {
            if lists.is_null(row) || args[1].is_null(row) {
                return None;
            }
            let (begin, end) = (offsets[row] as usize, offsets[row + 1] as usize);
            Some(place(end - begin, |i| compare(begin + i, row)))
        };
        Ok(Arc::new((0..rows).map(place).collect::<Int32Array>()) as ArrayRef)
    });
    Ok(Typed::new(expr, DataType::Int32, call.label()))
}

/// Returns the place of a value among a number of others, given how each compares with it; of several the one that halving comes to first.
fn place(length: usize, compare: impl Fn(usize) -> Ordering) -> i32 {
    let (mut low, mut high) = (0, length);
    while low < high {
        let middle = (low + high - 1) / 2;
        match compare(middle) {
            Ordering::Less => low = middle + 1,
            Ordering::Greater => high = middle,
            Ordering::Equal => return middle as i32,
        }
    }
    -(low as i32 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_or_the_place_where_it_would_be() {
        let values = [1, 3, 3, 3, 7];
        let of = |value: i32| place(values.len(), |i| values[i].cmp(&value));
        // As java.util.Arrays.binarySearch.
        assert_eq!([0, 1, 2, 3, 5, 7, 9].map(of), [-1, 0, -2, 2, -5, 4, -6]);
        assert_eq!(place(0, |_| Ordering::Equal), -1);
    }
}
