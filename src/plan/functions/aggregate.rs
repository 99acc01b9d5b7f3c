//! Aggregate functions with Spark's argument casts and result types.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use datafusion_common::ScalarValue;
use datafusion_expr::expr::{AggregateFunction, NullTreatment};
use datafusion_expr::{AggregateUDF, Expr};
use datafusion_functions_aggregate as df;

use super::{Context, call_name, exactly, wrong_number};
use crate::error::Result;
use crate::plan::scope::Typed;
use crate::plan::types::{is_numeric, is_string, list_of};

pub fn call(context: &Context<'_>, name: &str, args: &[Typed], distinct: bool) -> Result<Option<Typed>> {
    let label = if distinct { call_name(name, args).replacen('(', "(DISTINCT ", 1) } else { call_name(name, args) };
    let make = |udf: Arc<AggregateUDF>, args: Vec<Typed>, to: DataType| aggregate(udf, args, to, distinct, &label);
    let double = |arg: &Typed| context.cast(arg.clone(), &DataType::Float64);
    Ok(Some(match name {
        "count" => count(args, distinct, &label)?,
        "count_if" => {
            let [condition] = exactly(name, args)?;
            let one = Typed::new(datafusion_expr::lit(1i64), DataType::Int64, "");
            let mut out = aggregate(df::count::count_udaf(), vec![one], DataType::Int64, false, &label);
            if let Expr::AggregateFunction(f) = &mut out.expr {
                f.params.filter = Some(Box::new(condition.expr));
            }
            out
        }
        "sum" | "try_sum" => {
            let [arg] = exactly(name, args)?;
            let to = match &arg.data_type {
                DataType::Decimal128(p, s) => DataType::Decimal128((*p + 10).min(38), *s),
                t if is_numeric(t) && !matches!(t, DataType::Float32 | DataType::Float64) => DataType::Int64,
                t if is_numeric(t) || is_string(t) || t.is_null() => DataType::Float64,
                _ => return Err(super::unexpected_type(&label, 1, &arg, "NUMERIC")),
            };
            let arg = match &arg.data_type {
                DataType::Decimal128(..) => arg,
                _ => context.cast(arg, &to)?,
            };
            make(df::sum::sum_udaf(), vec![arg], to)
        }
        "avg" | "mean" | "try_avg" => {
            let [arg] = exactly(name, args)?;
            let label = label.replacen("mean(", "avg(", 1);
            match &arg.data_type {
                DataType::Decimal128(p, s) => {
                    let to = DataType::Decimal128((*p + 4).min(38), (*s + 4).min(38));
                    aggregate(df::average::avg_udaf(), vec![arg], to, distinct, &label)
                }
                t if is_numeric(t) || is_string(t) || t.is_null() => {
                    aggregate(df::average::avg_udaf(), vec![double(&arg)?], DataType::Float64, distinct, &label)
                }
                _ => return Err(super::unexpected_type(&label, 1, &arg, "NUMERIC")),
            }
        }
        "min" | "max" => {
            let [arg] = exactly(name, args)?;
            let to = arg.data_type.clone();
            let function = if name == "min" { df::min_max::min_udaf() } else { df::min_max::max_udaf() };
            aggregate(function, vec![arg], to, false, &label)
        }
        "stddev" | "stddev_samp" | "std" => make(df::stddev::stddev_udaf(), vec![double(&exactly::<1>(name, args)?[0])?], DataType::Float64),
        "stddev_pop" => make(df::stddev::stddev_pop_udaf(), vec![double(&exactly::<1>(name, args)?[0])?], DataType::Float64),
        "variance" | "var_samp" => make(df::variance::var_samp_udaf(), vec![double(&exactly::<1>(name, args)?[0])?], DataType::Float64),
        "var_pop" => make(df::variance::var_pop_udaf(), vec![double(&exactly::<1>(name, args)?[0])?], DataType::Float64),
        "corr" | "covar_samp" | "covar_pop" => {
            let [x, y] = exactly(name, args)?;
            let function = match name {
                "corr" => df::correlation::corr_udaf(),
                "covar_samp" => df::covariance::covar_samp_udaf(),
                _ => df::covariance::covar_pop_udaf(),
            };
            make(function, vec![double(&x)?, double(&y)?], DataType::Float64)
        }
        "collect_list" | "array_agg" | "collect_set" => {
            let [arg] = exactly(name, args)?;
            let to = list_of(arg.data_type.clone());
            collect(arg, to, name == "collect_set" || distinct, &label)
        }
        "first" | "first_value" | "any_value" | "last" | "last_value" => {
            let Some(arg) = args.first() else { return Err(wrong_number(name, "[1, 2]", 0)) };
            let ignore = args.get(1).and_then(Typed::literal).is_some_and(|v| *v == ScalarValue::Boolean(Some(true)));
            let first = !name.starts_with("last");
            let function = if first { df::first_last::first_value_udaf() } else { df::first_last::last_value_udaf() };
            let label = format!("{name}({})", arg.name);
            let mut out = aggregate(function, vec![arg.clone()], arg.data_type.clone(), false, &label);
            if let (Expr::AggregateFunction(f), true) = (&mut out.expr, ignore) {
                f.params.null_treatment = Some(NullTreatment::IgnoreNulls);
            }
            out
        }
        "bool_and" | "every" => make(df::bool_and_or::bool_and_udaf(), vec![exactly::<1>(name, args)?[0].clone()], DataType::Boolean),
        "bool_or" | "some" | "any" => make(df::bool_and_or::bool_or_udaf(), vec![exactly::<1>(name, args)?[0].clone()], DataType::Boolean),
        "bit_and" | "bit_or" | "bit_xor" => {
            let [arg] = exactly(name, args)?;
            let to = arg.data_type.clone();
            let function = match name {
                "bit_and" => df::bit_and_or_xor::bit_and_udaf(),
                "bit_or" => df::bit_and_or_xor::bit_or_udaf(),
                _ => df::bit_and_or_xor::bit_xor_udaf(),
            };
            make(function, vec![arg], to)
        }
        "approx_count_distinct" => {
            let Some(arg) = args.first() else { return Err(wrong_number(name, "[1, 2]", 0)) };
            let mut out = aggregate(df::approx_distinct::approx_distinct_udaf(), vec![arg.clone()], DataType::UInt64, false, &label);
            out.data_type = DataType::UInt64;
            context.cast(Typed { expr: out.expr, data_type: DataType::UInt64, ..out }, &DataType::Int64)?
        }
        "median" => {
            let [arg] = exactly(name, args)?;
            make(df::percentile_cont::percentile_cont_udaf(), vec![double(&arg)?, fraction(0.5)], DataType::Float64)
        }
        _ => return Ok(None),
    }))
}

fn fraction(value: f64) -> Typed {
    Typed::new(datafusion_expr::lit(value), DataType::Float64, value.to_string())
}

/// One aggregate call.
pub fn aggregate(udf: Arc<AggregateUDF>, args: Vec<Typed>, to: DataType, distinct: bool, label: &str) -> Typed {
    let args = args.into_iter().map(|t| t.expr).collect();
    let expr = Expr::AggregateFunction(AggregateFunction::new_udf(udf, args, distinct, None, vec![], None));
    Typed::new(expr, to, label)
}

fn count(args: &[Typed], distinct: bool, label: &str) -> Result<Typed> {
    let udf = df::count::count_udaf();
    let all_literal = args.iter().all(|a| a.is_literal());
    if !distinct && (args.is_empty() || all_literal) {
        let one = Typed::new(datafusion_expr::lit(1i64), DataType::Int64, "1");
        let null = args.iter().any(|a| a.literal().is_some_and(ScalarValue::is_null));
        let argument = if null { Typed::new(Expr::Literal(ScalarValue::Int64(None), None), DataType::Int64, "NULL") } else { one };
        return Ok(aggregate(udf, vec![argument], DataType::Int64, false, label));
    }
    if let [one] = args {
        return Ok(aggregate(udf, vec![one.clone()], DataType::Int64, distinct, label));
    }
    // A row counts when none of the columns is null; DISTINCT counts whole tuples.
    let present = args.iter().map(|a| Expr::IsNotNull(Box::new(a.expr.clone()))).reduce(datafusion_expr::and);
    let argument = if distinct {
        let fields: Vec<Field> = args.iter().enumerate().map(|(i, a)| Field::new(format!("c{i}"), a.data_type.clone(), true)).collect();
        let parts = args.iter().map(|a| a.expr.clone()).collect();
        super::structs::make_struct(fields.into(), parts)
    } else {
        datafusion_expr::lit(1i64)
    };
    let typed = Typed::new(argument, DataType::Int64, "");
    let mut out = aggregate(udf, vec![typed], DataType::Int64, distinct, label);
    if let Expr::AggregateFunction(f) = &mut out.expr {
        f.params.filter = present.map(Box::new);
    }
    Ok(out)
}

/// Nulls are left out; an empty group gives an empty list.
fn collect(arg: Typed, to: DataType, distinct: bool, label: &str) -> Typed {
    let udf = if distinct { datafusion_spark::function::aggregate::collect_set() } else { datafusion_spark::function::aggregate::collect_list() };
    let element = arg.data_type.clone();
    let mut out = aggregate(udf, vec![arg], to.clone(), false, label);
    // DataFusion names the list's field `item`.
    let from = DataType::List(Arc::new(Field::new_list_field(element, true)));
    out.expr = crate::plan::kernel::call("relabel", format!("{from}"), to.clone(), vec![out.expr], move |args, _| relabel(&args[0], &to));
    out
}

/// The same list under another field name.
pub fn relabel(array: &arrow::array::ArrayRef, to: &DataType) -> datafusion_common::Result<arrow::array::ArrayRef> {
    use arrow::array::{Array, AsArray};
    let (Some(list), DataType::List(field)) = (array.as_list_opt::<i32>(), to) else { return Ok(array.clone()) };
    let values = list.values().clone();
    Ok(Arc::new(arrow::array::ListArray::try_new(field.clone(), list.offsets().clone(), values, list.nulls().cloned())?))
}
