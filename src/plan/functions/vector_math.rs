//! Vectors that are arrays of FLOAT: norms, products, distances, and sums over rows.
//!
//! All compute with DOUBLE and round at the end. A vector with a null element is not a vector: functions of it are null, aggregates
//! leave it out.
//!
//! ```text
//! vector_norm([3, 4])             5        vector_inner_product([1, 2], [3, 4])       11
//! vector_norm([3, 4], 1f)         7        vector_l2_distance([1, 2], [4, 6])          5
//! vector_normalize([3, 4])        [0.6, 0.8]
//! ```

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::{DataType, Float32Type};
use datafusion_common::ScalarValue;

use super::aggregate::of_udaf;
use super::call::Call;
use super::entry::{Function, aggregate, scalar, value};
use super::error::unexpected_type;
use super::list;
use super::row::{self, Row};
use crate::error::{Exception, Result, SparkError};
use crate::kernels::aggregates::gather::{Finish, Keep, gather};
use crate::kernels::kernel;
use crate::plan::literal;
use crate::plan::scope::Typed;
use crate::values::types::{element_field, list_of};
use datafusion_expr::Expr;

/// Functions of arrays of FLOAT.
#[rustfmt::skip] // A table: a few lines for each entry.
pub static FUNCTIONS: &[Function] = &[
    scalar("vector_norm", norm).takes(&[value("vector", "ARRAY<FLOAT>"), value("degree", "FLOAT").or("2.0F")]).returns("FLOAT")
        .null_if("Null if an argument or an element is null.")
        .about("Returns the norm of a vector: of degree 1, 2 or infinity.")
        .example("vector_norm(array(3.0F, 4.0F))", "5.0"),
    scalar("vector_normalize", normalize).takes(&[value("vector", "ARRAY<FLOAT>"), value("degree", "FLOAT").or("2.0F")]).returns("ARRAY<FLOAT>")
        .null_if("Null if an argument or an element is null, or the norm is 0.")
        .about("Divides a vector by its norm.")
        .example("vector_normalize(array(3.0F, -4.0F), 1.0F)", "[0.42857143, -0.5714286]"),
    scalar("vector_inner_product", |c| pairs(c, |a, b| Some(dot(a, b)))).takes(TWO).returns("FLOAT")
        .null_if("Null if a vector or an element is null.")
        .about("Returns the inner product of two vectors of one length.")
        .example("vector_inner_product(array(1.0F, 2.0F), array(3.0F, 4.0F))", "11.0"),
    scalar("vector_l2_distance", |c| pairs(c, distance)).takes(TWO).returns("FLOAT")
        .null_if("Null if a vector or an element is null.")
        .about("Returns the Euclidean distance of two vectors of one length.")
        .example("vector_l2_distance(array(1.0F, 2.0F), array(4.0F, 6.0F))", "5.0"),
    scalar("vector_cosine_similarity", |c| pairs(c, cosine)).takes(TWO).returns("FLOAT")
        .null_if("Null if a vector or an element is null, or a vector has no direction.")
        .about("Returns the cosine of the angle between two vectors of one length.")
        .example("vector_cosine_similarity(array(1.0F, 2.0F), array(3.0F, 4.0F))", "0.9838699"),
    aggregate("vector_sum", |c| folded(c, false)).takes(&[value("vectors", "ARRAY<FLOAT>")]).returns("ARRAY<FLOAT>")
        .about("Returns the sum of vectors of one length, element by element.")
        .example("vector_sum(x) FROM VALUES (array(1.0F, 2.0F)), (array(3.0F, 5.0F)) AS t(x)", "[4.0, 7.0]"),
    aggregate("vector_avg", |c| folded(c, true)).takes(&[value("vectors", "ARRAY<FLOAT>")]).returns("ARRAY<FLOAT>")
        .about("Returns the mean of vectors of one length, element by element.")
        .example("vector_avg(x) FROM VALUES (array(1.0F, 2.0F)), (array(3.0F, 5.0F)) AS t(x)", "[2.0, 3.5]"),
];

/// Two vectors.
const TWO: &[super::entry::Argument] = &[value("vector1", "ARRAY<FLOAT>"), value("vector2", "ARRAY<FLOAT>")];

/// Returns the argument at `i`, which must be an array of FLOAT.
///
/// # Errors
/// If it is not, `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE`: other numbers are not cast.
fn vector(call: &Call<'_>, i: usize, label: &str) -> Result<Typed> {
    match call.arg(i)? {
        arg if matches!(&arg.data_type, DataType::List(item) if item.data_type() == &DataType::Float32) => Ok(arg),
        arg => Err(unexpected_type(label, i + 1, &arg, &["ARRAY<FLOAT>"])),
    }
}

/// Returns the elements of a row's vector; `None` if one is null.
fn elements(row: Row<'_>, i: usize) -> Option<Vec<f32>> {
    let list = row.list(i);
    (list.null_count() == 0).then(|| list.as_primitive::<Float32Type>().values().to_vec())
}

/// Returns the norm of a degree.
///
/// # Errors
/// If the degree is not 1, 2 or infinity, `INVALID_VECTOR_NORM_DEGREE`.
fn norm_of(vector: &[f32], degree: f32, function: &str) -> Result<f64> {
    let sizes = vector.iter().map(|x| f64::from(*x).abs());
    match degree {
        1.0 => Ok(sizes.sum()),
        2.0 => Ok(sizes.map(|x| x * x).sum::<f64>().sqrt()),
        f32::INFINITY => Ok(sizes.fold(0.0, f64::max)),
        _ => Err(SparkError::new(
            Exception::Runtime,
            "INVALID_VECTOR_NORM_DEGREE",
            "22023",
            format!(
                "For the `{function}` function, degree must be 1.0, 2.0, or float('inf'), but got {}.",
                crate::values::text::float(degree)
            ),
        )
        .with("functionName", format!("`{function}`"))
        .with("degree", crate::values::text::float(degree))),
    }
}

/// Returns vector and degree, 2 if it is missing, and the label.
fn vector_and_degree(call: &Call<'_>) -> Result<(Vec<Typed>, String)> {
    let label = call.label_or(1, &["2.0"]);
    let degree = match call.args.get(1) {
        None => literal::resolve(&crate::proto::expression::Literal {
            literal_type: Some(crate::proto::expression::literal::LiteralType::Float(2.0)),
            ..Default::default()
        })?,
        Some(degree) if degree.data_type == DataType::Float32 => degree.clone(),
        Some(degree) => return Err(unexpected_type(&label, 2, degree, &["FLOAT"])),
    };
    Ok((vec![vector(call, 0, &label)?, degree], label))
}

/// Returns a FLOAT cell.
fn float(row: Row<'_>, i: usize) -> f32 {
    let (array, at) = row.array(i);
    array.as_primitive::<Float32Type>().value(at)
}

/// Resolves `vector_norm` (`VectorNorm`).
///
/// When it runs, another degree than 1, 2 and infinity is `INVALID_VECTOR_NORM_DEGREE`.
fn norm(call: &Call<'_>) -> Result<Typed> {
    let (args, label) = vector_and_degree(call)?;
    Ok(row::call(call.name, "", DataType::Float32, args, label, |r| {
        let found = elements(r, 0).map(|v| norm_of(&v, float(r, 1), "vector_norm"));
        Ok(found.transpose()?.map(|norm| norm as f32))
    }))
}

/// Resolves `vector_normalize` (`VectorNormalize`).
///
/// When it runs, another degree than 1, 2 and infinity is `INVALID_VECTOR_NORM_DEGREE`.
fn normalize(call: &Call<'_>) -> Result<Typed> {
    let (args, label) = vector_and_degree(call)?;
    let to = list_of(DataType::Float32);
    let exprs: Vec<Expr> = args.into_iter().map(|t| t.expr).collect();
    let item = element_field(&to)?.clone();
    let expr = kernel::call(call.name, "", to.clone(), exprs, move |args, rows| {
        let (lists, degrees) = (args[0].as_list::<i32>(), args[1].as_primitive::<Float32Type>());
        let mut out = ListBuilder::new(Float32Builder::new()).with_field(item.clone());
        for row in 0..rows {
            let list = lists
                .is_valid(row)
                .then(|| lists.value(row))
                .filter(|l| l.null_count() == 0);
            let Some(list) = list.filter(|_| degrees.is_valid(row)) else {
                out.append(false);
                continue;
            };
            let vector = list.as_primitive::<Float32Type>().values();
            let norm = norm_of(vector, degrees.value(row), "vector_normalize")?;
            if norm != 0.0 {
                let each = vector.iter().map(|x| (f64::from(*x) / norm) as f32);
                each.for_each(|x| out.values().append_value(x));
            }
            out.append(norm != 0.0 || vector.is_empty());
        }
        Ok(Arc::new(out.finish()))
    });
    Ok(Typed::new(expr, to, label))
}

/// Resolves a function of two vectors of one length.
///
/// When it runs, two lengths are `VECTOR_DIMENSION_MISMATCH`.
fn pairs(call: &Call<'_>, f: fn(&[f32], &[f32]) -> Option<f64>) -> Result<Typed> {
    let label = call.label();
    let args = vec![vector(call, 0, &label)?, vector(call, 1, &label)?];
    let name = call.name.to_owned();
    Ok(row::call(call.name, "", DataType::Float32, args, label, move |r| {
        let (a, b) = (r.list(0).len(), r.list(1).len());
        if a != b {
            return Err(mismatch(&name, a, b));
        }
        let found = elements(r, 0).zip(elements(r, 1)).and_then(|(a, b)| f(&a, &b));
        Ok(found.map(|x| x as f32))
    }))
}

/// Makes `VECTOR_DIMENSION_MISMATCH` for vectors of two lengths.
fn mismatch(function: &str, left: usize, right: usize) -> SparkError {
    SparkError::new(
        Exception::Runtime,
        "VECTOR_DIMENSION_MISMATCH",
        "22000",
        format!("Vectors passed to `{function}` must have the same dimension, but got {left} and {right}."),
    )
    .with("functionName", format!("`{function}`"))
    .with("leftDim", left.to_string())
    .with("rightDim", right.to_string())
}

/// Returns the inner product.
fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
}

/// Returns the Euclidean distance.
fn distance(a: &[f32], b: &[f32]) -> Option<f64> {
    let squares = a.iter().zip(b).map(|(x, y)| (f64::from(*x) - f64::from(*y)).powi(2));
    Some(squares.sum::<f64>().sqrt())
}

/// Returns the cosine of the angle; `None` if a vector is empty or all 0.
fn cosine(a: &[f32], b: &[f32]) -> Option<f64> {
    let sizes = (dot(a, a) * dot(b, b)).sqrt();
    (sizes != 0.0).then(|| dot(a, b) / sizes)
}

/// Resolves `vector_sum`, or with `mean` `vector_avg` (`VectorSum`, `VectorAvg`).
///
/// When it runs, two lengths are `VECTOR_DIMENSION_MISMATCH`.
fn folded(call: &Call<'_>, mean: bool) -> Result<Typed> {
    let label = call.label();
    let arg = vector(call, 0, &label)?;
    let to = list_of(DataType::Float32);
    let (result, name) = (to.clone(), call.name.to_owned());
    let finish: Finish = Arc::new(move |columns| {
        let mut sum: Option<Vec<f32>> = None;
        let mut count = 0_u32;
        let lists = columns[0].as_list::<i32>().iter().flatten();
        for list in lists.filter(|l| l.null_count() == 0) {
            let vector = list.as_primitive::<Float32Type>().values();
            count += 1;
            let Some(sum) = &mut sum else {
                sum = Some(vector.to_vec());
                continue;
            };
            if sum.len() != vector.len() {
                return Err(mismatch(&name, sum.len(), vector.len()).into());
            }
            for (all, x) in sum.iter_mut().zip(vector) {
                *all += if mean { (x - *all) / count as f32 } else { *x };
            }
        }
        match sum {
            Some(sum) => list::scalar(Arc::new(Float32Array::from(sum)), &result),
            None => ScalarValue::try_from(&result),
        }
    });
    let function = gather(
        "vector_sum",
        format!("{mean}"),
        std::slice::from_ref(&arg.data_type),
        to.clone(),
        Keep::default(),
        finish,
    );
    Ok(of_udaf(function, vec![arg], to, false, &label))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_do_not_lose_small_elements() {
        assert_eq!(dot(&[1e8, 1.0, -1e8], &[1.0; 3]), 1.0);
        assert_eq!(cosine(&[0.0], &[3.0]), None);
        assert_eq!(norm_of(&[3.0, -4.0], f32::INFINITY, "vector_norm").ok(), Some(4.0));
        assert!(norm_of(&[1.0], 3.0, "vector_norm").is_err());
    }
}
