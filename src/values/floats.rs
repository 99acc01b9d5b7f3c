//! Doubles and floats as Spark compares them (`NormalizeFloatingNumbers`): NaN is one value, and -0.0 is 0.0.

use std::sync::Arc;

use arrow::array::*;
use arrow::compute::SortOptions;
use arrow::datatypes::*;
use arrow::row::{RowConverter, Rows, SortField};

use super::nested::{any, with_parts};
use crate::error::{Exception, Result, SparkError};
use crate::values::types::sql_name;

/// Returns whether a type is a floating one or has one within.
pub fn has_floats(of: &DataType) -> bool {
    any(of, DataType::is_floating)
}

/// Returns values whose floats, at any depth of structs, arrays and maps, have one NaN and one zero; others are not copied.
///
/// # Errors
/// Arrow's, if an array is not what its type says.
pub fn normalised(values: &ArrayRef) -> Result<ArrayRef> {
    if !has_floats(values.data_type()) {
        return Ok(values.clone());
    }
    Ok(match values.data_type() {
        // A sum with 0.0 is 0.0 for both zeros.
        DataType::Float32 => {
            let one = |x: f32| if x.is_nan() { f32::NAN } else { x + 0.0 };
            Arc::new(values.as_primitive::<Float32Type>().unary::<_, Float32Type>(one))
        }
        DataType::Float64 => {
            let one = |x: f64| if x.is_nan() { f64::NAN } else { x + 0.0 };
            Arc::new(values.as_primitive::<Float64Type>().unary::<_, Float64Type>(one))
        }
        _ => return with_parts(values, normalised),
    })
}

/// Returns what compares places of two arrays of one type as Spark's `InterpretedOrdering` does: nulls first.
///
/// # Errors
/// Arrow's, if the values have no order.
pub fn comparator(a: &ArrayRef, b: &ArrayRef) -> Result<DynComparator> {
    Ok(make_comparator(
        &normalised(a)?,
        &normalised(b)?,
        SortOptions::default(),
    )?)
}

/// Returns rows as bytes, of which those of equal values are equal, and less where the values are less; nulls are equal, and first.
///
/// # Errors
/// If a column has no order, such as one of maps.
pub fn comparable(columns: &[ArrayRef]) -> Result<Rows> {
    let fields = columns.iter().map(|c| SortField::new(c.data_type().clone())).collect();
    let columns: Vec<ArrayRef> = columns.iter().map(normalised).collect::<Result<_>>()?;
    Ok(RowConverter::new(fields)?.convert_columns(&columns)?)
}

/// Returns whether numbers can be times: all are finite.
///
/// # Errors
/// If one is not, `CAST_INVALID_INPUT`.
pub fn check_finite(numbers: &Float64Array, from: &DataType, to: &DataType) -> Result<()> {
    let Some(wrong) = numbers.iter().flatten().find(|x| !x.is_finite()) else {
        return Ok(());
    };
    let (text, from, to) = (crate::values::text::double(wrong), sql_name(from), sql_name(to));
    Err(SparkError::new(
        Exception::DateTime,
        "CAST_INVALID_INPUT",
        "22018",
        format!(
            "The value {text} of the type \"{from}\" cannot be cast to \"{to}\" because it is malformed. Correct the value as per the syntax, or \
             change its target type. Use `try_cast` to tolerate malformed input and return NULL instead."
        ),
    )
    .with("expression", text)
    .with("sourceType", format!("\"{from}\""))
    .with("targetType", format!("\"{to}\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_and_nans_within_structs_and_arrays_are_one() {
        let doubles: ArrayRef = Arc::new(Float64Array::from(vec![-0.0, 0.0, -f64::NAN, f64::NAN, -1.5]));
        let names: ArrayRef = Arc::new(StringArray::from(vec!["a"; 5]));
        let fields: Vec<FieldRef> = [("x", DataType::Float64), ("y", DataType::Utf8)]
            .map(|(n, t)| Arc::new(Field::new(n, t, true)))
            .into();
        let structs: ArrayRef = Arc::new(StructArray::new(fields.into(), vec![doubles, names], None));
        let list = normalised(&structs).unwrap();
        let bits: Vec<u64> = list
            .as_struct()
            .column(0)
            .as_primitive::<Float64Type>()
            .values()
            .iter()
            .map(|x| x.to_bits())
            .collect();
        let nan = f64::NAN.to_bits();
        assert_eq!(bits, [0, 0, nan, nan, (-1.5_f64).to_bits()]);
    }
}
