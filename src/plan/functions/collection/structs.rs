//! Structs made of columns.
//!
//! A field takes the name of the column or alias that it is made of, else `col1`, `col2`, … by its
//! place.
//!
//! ```text
//! struct(a, a + 1, a AS b)    STRUCT<a, col2, b>
//! named_struct('x', a)        STRUCT<x>
//! ```

use std::sync::Arc;

use arrow::array::StructArray;
use arrow::datatypes::{DataType, Field, Fields};
use datafusion_common::ScalarValue;
use datafusion_expr::Expr;

use crate::error::{Result, SparkError};
use crate::kernels::kernel;
use crate::plan::functions::call::Call;
use crate::plan::scope::Typed;

/// Returns a field for each value.
fn fields_of(args: &[Typed]) -> Fields {
    args.iter()
        .enumerate()
        .map(|(i, a)| Field::new(field_name(i, a), a.data_type.clone(), true))
        .collect()
}

/// Resolves `struct` (`CreateStruct`); the struct is never null, its fields may be.
pub fn structure(call: &Call<'_>) -> Result<Typed> {
    let fields = fields_of(call.args);
    let expr = make_struct(fields.clone(), call.args.iter().map(|a| a.expr.clone()).collect());
    Ok(Typed::new(expr, DataType::Struct(fields), call.label()))
}

/// Returns `(a, b)`: a struct under the label that Spark has for it.
pub fn tuple(args: &[Typed]) -> Typed {
    let fields = fields_of(args);
    let pairs: Vec<String> = fields
        .iter()
        .zip(args)
        .map(|(f, a)| format!("{}, {}", f.name(), a.name))
        .collect();
    let expr = make_struct(fields.clone(), args.iter().map(|a| a.expr.clone()).collect());
    Typed::new(
        expr,
        DataType::Struct(fields),
        format!("named_struct({})", pairs.join(", ")),
    )
}

/// Resolves `named_struct` (`CreateNamedStruct`).
///
/// # Errors
/// If a name is not a string literal, `DATATYPE_MISMATCH.CREATE_NAMED_STRUCT_WITHOUT_FOLDABLE_STRING`.
pub fn named(call: &Call<'_>) -> Result<Typed> {
    let mut fields = Vec::new();
    let mut values = Vec::new();
    for pair in call.args.chunks(2) {
        let Some(ScalarValue::Utf8(Some(field))) = pair[0].literal() else {
            return Err(SparkError::analysis(
                "DATATYPE_MISMATCH.CREATE_NAMED_STRUCT_WITHOUT_FOLDABLE_STRING",
                "42K09",
                "Only foldable `STRING` expressions are allowed to appear at odd position of named_struct.",
            ));
        };
        fields.push(Field::new(field, pair[1].data_type.clone(), true));
        values.push(pair[1].expr.clone());
    }
    let fields = Fields::from(fields);
    let expr = make_struct(fields.clone(), values);
    Ok(Typed::new(expr, DataType::Struct(fields), call.label()))
}

/// Returns a column's or lambda variable's own name, an alias, or `colN`.
fn field_name(i: usize, value: &Typed) -> String {
    match &value.attribute {
        Some(attribute) if !value.named => attribute.name.clone(),
        _ if value.named => value.name.clone(),
        _ => format!("col{}", i + 1),
    }
}

/// Returns a struct of given fields; values are not copied.
pub fn make_struct(fields: Fields, values: Vec<Expr>) -> Expr {
    kernel::call(
        "named_struct",
        format!("{fields:?}"),
        DataType::Struct(fields.clone()),
        values,
        move |args, rows| {
            Ok(Arc::new(StructArray::try_new_with_length(
                fields.clone(),
                args.to_vec(),
                None,
                rows,
            )?))
        },
    )
}
