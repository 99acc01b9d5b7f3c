//! Functions of the rows of a window: ranks and shifts. Aggregates over windows are in
//! [`super::aggregate`].
//!
//! They are window expressions without a window; `OVER` adds it ([`crate::plan::window_function`]), and
//! the frame that the function needs.
//!
//! ```text
//! row_number, rank, dense_rank, ntile, percent_rank   ROWS from the start of the partition to the row
//! cume_dist                                           RANGE to the row and its equals
//! lag, lead                                           the one row at the offset
//! nth_value, and all aggregates                       any frame
//! ```

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion_common::ScalarValue;
use datafusion_expr::expr::{NullTreatment, WindowFunction};
use datafusion_expr::{Expr, WindowFunctionDefinition, WindowUDF};
use datafusion_functions_window as df;

use super::call::{Call, label};
use super::entry::{Function, any, literal, window};
use super::error::{non_foldable, out_of_range, unexpected_type};
use crate::error::Result;
use crate::plan::literal as literals;
use crate::plan::scope::Typed;

/// Functions of the rows of a window: calls without OVER are refused.
#[rustfmt::skip] // A table: a few lines for each entry.
pub static FUNCTIONS: &[Function] = &[
    window("row_number", |c| { Ok(number(df::row_number::row_number_udwf(), vec![], c.label())) })
        .about("Numbers the rows of a window partition from 1, in its order.")
        .example("x, row_number() OVER (ORDER BY x DESC) FROM VALUES (1), (3) AS t(x)", "3\t1\n1\t2"),
    window("rank", |_| Ok(number(df::rank::rank_udwf(), vec![], "RANK()".to_owned()))).takes(&[any("children").repeated()])
        .about("Returns one more than the number of rows that come before the row and its equals.")
        .example("x, rank() OVER (ORDER BY x) FROM VALUES ('a', 1), ('a', 1), ('b', 3) AS t(g, x)", "1\t1\n1\t1\n3\t3"),
    window("dense_rank", |_| { Ok(number(df::rank::dense_rank_udwf(), vec![], "DENSE_RANK()".to_owned())) }).takes(&[any("children").repeated()])
        .about("Returns one more than the number of different values that come before the row's.")
        .example("x, dense_rank() OVER (ORDER BY x) FROM VALUES ('a', 1), ('a', 1), ('b', 3) AS t(g, x)", "1\t1\n1\t1\n3\t2"),
    window("percent_rank", |_| { Ok(made(df::rank::percent_rank_udwf(), vec![], DataType::Float64, "PERCENT_RANK()".to_owned())) })
        .takes(&[any("children").repeated()]).returns("DOUBLE")
        .about("Returns the rank as a share from 0 to 1.")
        .example("x, percent_rank() OVER (ORDER BY x) FROM VALUES ('a', 1), ('a', 1), ('b', 3) AS t(g, x)", "1\t0.0\n1\t0.0\n3\t1.0"),
    window("cume_dist", |c| { Ok(made(df::cume_dist::cume_dist_udwf(), vec![], DataType::Float64, c.label())) }).returns("DOUBLE")
        .about("Returns the share of rows that come before the row or equal it.")
        .example("x, cume_dist() OVER (ORDER BY x) FROM VALUES ('a', 1), ('a', 1), ('b', 3) AS t(g, x)", "1\t0.6666666666666666\n1\t0.6666666666666666\n3\t1.0"),
    window("ntile", ntile).takes(&[literal("n", "INT").or("1")])
        .about("Cuts a window partition into `n` parts of nearly the same size and returns the row's part, from 1.")
        .example("x, ntile(2) OVER (ORDER BY x) FROM VALUES ('a', 1), ('a', 1), ('b', 3) AS t(g, x)", "1\t1\n1\t1\n3\t2"),
    window("lag", |c| shifted(c, df::lead_lag::lag_udwf()))
        .takes(&[any("input"), literal("offset", "INT").or("1"), literal("default", "ANY").or("NULL")])
        .returns("the type of the input").null_if("Null if the value is null, or the row does not exist and no default is given.")
        .about("Returns the value a number of rows before the current row.")
        .example("x, lag(x) OVER (ORDER BY x) FROM VALUES ('a', 1), ('a', 1), ('b', 3) AS t(g, x)", "1\tNULL\n1\t1\n3\t1"),
    window("lead", |c| shifted(c, df::lead_lag::lead_udwf()))
        .takes(&[any("input"), literal("offset", "INT").or("1"), literal("default", "ANY").or("NULL")])
        .returns("the type of the input").null_if("Null if the value is null, or the row does not exist and no default is given.")
        .about("Returns the value a number of rows after the current row.")
        .example("x, lead(x, 1, 0) OVER (ORDER BY x) FROM VALUES ('a', 1), ('a', 1), ('b', 3) AS t(g, x)", "1\t1\n1\t3\n3\t0"),
    window("nth_value", nth_value).takes(&[any("input"), literal("offset", "INT"), literal("ignoreNulls", "BOOLEAN").or("false")])
        .returns("the type of the input").null_if("Null if the value is null or the frame is shorter.")
        .about("Returns the value of a row of the window's frame, counted from 1.")
        .example("x, nth_value(x, 2) OVER (ORDER BY x) FROM VALUES ('a', 1), ('a', 1), ('b', 3) AS t(g, x)", "1\t1\n1\t1\n3\t1"),
];

/// Returns the call of one of DataFusion's window functions.
fn made(udf: Arc<WindowUDF>, args: Vec<Typed>, to: DataType, label: String) -> Typed {
    let exprs = args.into_iter().map(|t| t.expr).collect();
    let function = WindowFunction::new(WindowFunctionDefinition::WindowUDF(udf), exprs);
    Typed::new(Expr::WindowFunction(Box::new(function)), to, label)
}

/// As [`made`], for functions that count: DataFusion numbers rows with UInt64, Spark with INT.
fn number(udf: Arc<WindowUDF>, args: Vec<Typed>, label: String) -> Typed {
    let mut out = made(udf, args, DataType::UInt64, label);
    out.expr = datafusion_expr::cast(out.expr, DataType::Int32);
    out.data_type = DataType::Int32;
    out
}

/// Returns the value as a literal if it is constant: DataFusion does not take other offsets and
/// defaults.
fn folded(value: Typed) -> Typed {
    match super::fold(&value.expr) {
        Some(found) => Typed::new(Expr::Literal(found, None), value.data_type, ""),
        None => value,
    }
}

/// Returns the argument at `i`, or an INT.
fn argument_or(call: &Call<'_>, i: usize, default: i32) -> Result<Typed> {
    if call.has(i) {
        call.arg(i)
    } else {
        Ok(literals::int(default))
    }
}

/// Returns a constant as a number; null is 0, as where Spark names it.
fn long(value: &ScalarValue) -> i64 {
    match value {
        ScalarValue::Int64(Some(n)) => *n,
        _ => 0,
    }
}

/// Resolves `ntile` (`NTile`).
///
/// # Errors
/// If the argument is not an INT, `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE`; if it is not constant,
/// `DATATYPE_MISMATCH.NON_FOLDABLE_INPUT`; if it is not positive, `DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE`.
fn ntile(call: &Call<'_>) -> Result<Typed> {
    let buckets = argument_or(call, 0, 1)?;
    let label = label(call.name, std::slice::from_ref(&buckets));
    if buckets.data_type != DataType::Int32 {
        return Err(unexpected_type(&label, 1, &buckets, &["INT"]));
    }
    let buckets = folded(call.context.cast(buckets, &DataType::Int64)?);
    match buckets.literal() {
        Some(ScalarValue::Int64(Some(1..))) => {}
        Some(value) => return Err(out_of_range(&label, "buckets", "(0, 2147483647]", long(value))),
        None => return Err(non_foldable(call, "buckets", "INT")),
    }
    Ok(number(df::ntile::ntile_udwf(), vec![buckets], label))
}

/// Resolves `lag` and `lead` (`Lag`, `Lead`); a default is cast to the type of the value.
///
/// # Errors
/// If the offset is not constant, `DATATYPE_MISMATCH.NON_FOLDABLE_INPUT`.
fn shifted(call: &Call<'_>, udf: Arc<WindowUDF>) -> Result<Typed> {
    let (value, offset) = (call.arg(0)?, argument_or(call, 1, 1)?);
    let default = call.args.get(2);
    let shown = default.map_or("NULL", |d| &d.name);
    let label = format!("{}({}, {}, {shown})", call.name, value.name, offset.name);
    let to = value.data_type.clone();
    let offset = folded(call.context.cast(offset, &DataType::Int64)?);
    if offset.literal().is_none() {
        return Err(non_foldable(call, "offset", "INT"));
    }
    let mut args = vec![value, offset];
    if let Some(default) = default.filter(|d| !d.data_type.is_null()) {
        args.push(folded(call.context.cast(default.clone(), &to)?));
    }
    Ok(made(udf, args, to, label))
}

/// Resolves `nth_value` (`NthValue`).
///
/// # Errors
/// If the offset is not constant, `DATATYPE_MISMATCH.NON_FOLDABLE_INPUT`; if it is not positive,
/// `DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE`.
fn nth_value(call: &Call<'_>) -> Result<Typed> {
    let value = call.arg(0)?;
    let to = value.data_type.clone();
    let label = label(call.name, &call.args[..2]);
    let offset = folded(call.long(1)?);
    match offset.literal() {
        Some(ScalarValue::Int64(Some(1..))) => {}
        Some(value) => return Err(out_of_range(&label, "offset", "(0, 9223372036854775807]", long(value))),
        None => return Err(non_foldable(call, "offset", "INT")),
    }
    let args = vec![value, offset];
    let mut out = made(df::nth_value::nth_value_udwf(), args, to, label);
    if let (Expr::WindowFunction(f), Some(true)) = (&mut out.expr, call.constant_boolean(2)) {
        f.params.null_treatment = Some(NullTreatment::IgnoreNulls);
    }
    Ok(out)
}
